//! Rectangles taken out of images.

use crate::Draws;

/// Which rectangle of an image is set to zero.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Erase {
    /// A square of this side around any pixel, cut off at the image's edge (T. DeVries, G. Taylor, "Improved
    /// regularization of convolutional neural networks with cutout", 2017).
    Cutout(usize),
    /// With this probability, a rectangle inside the image of 2 to 33 % of its area and proportions from 0.3 to 3.3
    /// (Z. Zhong et al., "Random erasing data augmentation", 2017), as torchvision's `RandomErasing`.
    Random(f64),
}

/// How often a rectangle is drawn before none is taken.
const ATTEMPTS: usize = 10;

impl Erase {
    pub(super) fn probability(&self) -> f64 {
        match self {
            Erase::Cutout(_) => 1.0,
            Erase::Random(probability) => *probability,
        }
    }

    /// The rectangle of one image.
    pub(super) fn draw(&self, draws: &mut Draws, [height, width]: [usize; 2]) -> Option<Rectangle> {
        match *self {
            Erase::Cutout(side) => {
                let span = |size: usize, middle: usize| {
                    let start = middle.saturating_sub(side / 2);
                    let end = (middle + side - side / 2).min(size);
                    (start, end)
                };
                let rows = span(height, draws.below(height));
                let columns = span(width, draws.below(width));
                Some(Rectangle { rows, columns })
            }
            Erase::Random(probability) => {
                if !draws.chance(probability) {
                    return None;
                }
                (0..ATTEMPTS).find_map(|_| {
                    let area = (height * width) as f64 * draws.between(0.02, 0.33);
                    let ratio = draws.between(0.3f64.ln(), 3.3f64.ln()).exp();
                    let h = (area * ratio).sqrt().round() as usize;
                    let w = (area / ratio).sqrt().round() as usize;
                    (h < height && w < width).then(|| {
                        let (top, left) = (draws.below(height - h + 1), draws.below(width - w + 1));
                        Rectangle { rows: (top, top + h), columns: (left, left + w) }
                    })
                })
            }
        }
    }
}

/// Rows and columns, from one up to another.
pub(super) struct Rectangle {
    rows: (usize, usize),
    columns: (usize, usize),
}

impl Rectangle {
    /// Zeros in one channel.
    pub(super) fn clear(&self, channel: &mut [f32], width: usize) {
        for row in channel.chunks_exact_mut(width.max(1)).take(self.rows.1).skip(self.rows.0) {
            row[self.columns.0..self.columns.1].fill(0.0);
        }
    }
}
