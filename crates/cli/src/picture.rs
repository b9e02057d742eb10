//! A picture of a digit, made like those the network learned from.

use flambeau::data::digits::SIZE;
use flambeau::{Error, Result, Tensor};
use std::path::Path;

/// Reads a PNG as an image `(1, 1, 8, 8)` with 0 for paper and 1 for ink: grey, ink where the
/// picture differs from its border, cut to a square around the ink, each pixel the mean of its area.
///
/// # Errors
/// If the file cannot be read or is no PNG, or shows nothing.
pub fn digit(path: &Path) -> Result<Tensor> {
    let bytes = std::fs::read(path).map_err(|e| Error::file(e.to_string()))?;
    let grey = image::load_from_memory_with_format(&bytes, image::ImageFormat::Png)
        .map_err(|e| Error::file(format!("not a PNG picture: {e}")))?
        .to_luma32f();
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let at = |x: usize, y: usize| grey.get_pixel(x as u32, y as u32).0[0];
    let border: Vec<f32> = (0..width)
        .flat_map(|x| [(x, 0), (x, height - 1)])
        .chain((0..height).flat_map(|y| [(0, y), (width - 1, y)]))
        .map(|(x, y)| at(x, y))
        .collect();
    let paper = median(border);
    let ink: Vec<f32> = (0..width * height).map(|i| (at(i % width, i / width) - paper).abs()).collect();
    let darkest = ink.iter().copied().fold(0.0, f32::max);
    if darkest < 0.05 {
        return Err(Error::value("the picture is blank"));
    }
    // An 8 by 8 picture is what the network learned from: it is taken as it is.
    let square = if (width, height) == (SIZE, SIZE) {
        Square { left: 0.0, top: 0.0, side: SIZE as f32 }
    } else {
        Square::around(&ink, width, darkest)
    };
    let pixels: Vec<f32> =
        (0..SIZE * SIZE).map(|i| square.mean(&ink, width, height, i % SIZE, i / SIZE) / darkest).collect();
    Tensor::from_slice(&pixels, [1, 1, SIZE, SIZE])
}

fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values[values.len() / 2]
}

/// The part of a picture that becomes the network's image.
struct Square {
    left: f32,
    top: f32,
    side: f32,
}

impl Square {
    /// The smallest square around the ink, centred.
    fn around(ink: &[f32], width: usize, darkest: f32) -> Self {
        let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, usize::MAX, 0);
        for (i, _) in ink.iter().enumerate().filter(|&(_, &v)| v > 0.1 * darkest) {
            let (x, y) = (i % width, i / width);
            (left, right, top, bottom) = (left.min(x), right.max(x + 1), top.min(y), bottom.max(y + 1));
        }
        let side = (right - left).max(bottom - top) as f32;
        Self { left: (left + right) as f32 / 2.0 - side / 2.0, top: (top + bottom) as f32 / 2.0 - side / 2.0, side }
    }

    /// Mean ink of one of the square's 8 by 8 areas; outside the picture there is none.
    fn mean(&self, ink: &[f32], width: usize, height: usize, column: usize, row: usize) -> f32 {
        let step = self.side / SIZE as f32;
        let (x0, y0) = (self.left + column as f32 * step, self.top + row as f32 * step);
        let overlap = |from: f32, cell: f32| ((from + step).min(cell + 1.0) - from.max(cell)).max(0.0);
        let cells = |from: f32, limit: usize| {
            from.floor().max(0.0) as usize..((from + step).ceil().max(0.0) as usize).min(limit)
        };
        let mut sum = 0.0;
        for y in cells(y0, height) {
            for x in cells(x0, width) {
                sum += ink[y * width + x] * overlap(x0, x as f32) * overlap(y0, y as f32);
            }
        }
        sum / (step * step)
    }
}
