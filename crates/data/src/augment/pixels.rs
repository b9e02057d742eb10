//! Bytes of one channel to numbers, moved and mirrored on the way.

use flambeau_tensor::{Error, Result};

/// Where the image lies that comes out, on the one that goes in.
pub(super) struct Placement {
    /// The row that becomes the first; one outside the image is of zeros.
    pub(super) top: isize,
    pub(super) left: isize,
    /// Whether columns come out in the opposite order.
    pub(super) mirrored: bool,
}

/// The number that each byte of a channel becomes. A table gives exactly what torchvision's `ToTensor` and
/// `Normalize` compute one after the other, and is read from the nearest cache.
#[derive(Clone)]
pub(super) struct Table(Box<[f32; 256]>);

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({}..{})", self.0[0], self.0[255])
    }
}

impl Table {
    /// A table for each channel.
    pub(super) fn of_channels(channels: usize, mean: &[f64], std: &[f64]) -> Result<Vec<Self>> {
        for (what, numbers) in [("means", mean), ("deviations", std)] {
            if ![0, 1, channels].contains(&numbers.len()) {
                return Err(Error::value(format!("{} {what} for images of {channels} channels", numbers.len())));
            }
        }
        if mean.iter().chain(std).any(|number| !number.is_finite()) {
            return Err(Error::value("a mean or deviation that is no number"));
        }
        if std.contains(&0.0) {
            return Err(Error::value("std evaluated to zero, leading to division by zero."));
        }
        let of = |numbers: &[f64], channel: usize, default: f64| {
            numbers.get(channel).or(numbers.first()).copied().unwrap_or(default) as f32
        };
        Ok((0..channels)
            .map(|channel| {
                let (mean, std) = (of(mean, channel, 0.0), of(std, channel, 1.0));
                Table(Box::new(std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std)))
            })
            .collect())
    }

    /// Writes one channel of `height` rows.
    pub(super) fn place(&self, from: &[u8], to: &mut [f32], [height, width]: [usize; 2], place: &Placement) {
        if width == 0 {
            return;
        }
        let black = self.0[0];
        // Columns of the output that lie on the image.
        let first = (-place.left).clamp(0, width as isize) as usize;
        let end = (width as isize - place.left).clamp(first as isize, width as isize) as usize;
        for (y, row) in to.chunks_exact_mut(width).enumerate() {
            let source = y as isize + place.top;
            if source < 0 || source >= height as isize || first == end {
                row.fill(black);
                continue;
            }
            let start = source as usize * width + (first as isize + place.left) as usize;
            let pixels = &from[start..start + (end - first)];
            if place.mirrored {
                // Mirrored after it is cropped: column `x` comes out at `width - 1 - x`.
                row[width - first..].fill(black);
                row[..width - end].fill(black);
                let to = row[width - end..width - first].iter_mut().rev();
                to.zip(pixels).for_each(|(to, &byte)| *to = self.0[usize::from(byte)]);
            } else {
                row[..first].fill(black);
                row[end..].fill(black);
                row[first..end].iter_mut().zip(pixels).for_each(|(to, &byte)| *to = self.0[usize::from(byte)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placement_is_what_its_definition_says() {
        let (height, width) = (3usize, 4usize);
        let from: Vec<u8> = (1..=12).collect();
        let table = &Table::of_channels(1, &[0.5], &[0.25]).expect("a table")[0];
        let number = |byte: u8| (f32::from(byte) / 255.0 - 0.5) / 0.25;
        for top in -5isize..=5 {
            for left in -6isize..=6 {
                for mirrored in [false, true] {
                    let mut to = vec![f32::NAN; 12];
                    table.place(&from, &mut to, [height, width], &Placement { top, left, mirrored });
                    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                        let column = if mirrored { width - 1 - x } else { x };
                        let (row, column) = (y as isize + top, column as isize + left);
                        let inside = (0..3).contains(&row) && (0..4).contains(&column);
                        let byte = if inside { from[(row * 4 + column) as usize] } else { 0 };
                        assert_eq!(to[y * width + x], number(byte), "{top} {left} {mirrored} at {y}, {x}");
                    }
                }
            }
        }
    }
}
