//! Small pictures beside and below each other.

use crate::report::picture::Picture;
use flambeau::{Result, Tensor};

/// Pixels between two pictures.
const GAP: usize = 3;
/// The least width or height, to which smaller pictures are enlarged by whole factors.
const SMALLEST: usize = 48;
/// The ground.
const GROUND: [u8; 3] = [24, 26, 33];

/// Groups of pictures of one size, one group below the other.
#[derive(Default)]
pub struct Sheet {
    groups: Vec<Group>,
}

struct Group {
    pictures: Vec<Picture>,
    columns: usize,
    /// How many pixels a pixel becomes, in both directions.
    scale: usize,
    /// Width and height of a picture as it is drawn.
    cell: [usize; 2],
}

impl Group {
    fn rows(&self) -> usize {
        self.pictures.len().div_ceil(self.columns)
    }

    fn size(&self) -> [usize; 2] {
        let side = |count: usize, side: usize| count * (side + GAP) + GAP;
        [side(self.columns, self.cell[0]), side(self.rows(), self.cell[1])]
    }
}

impl Sheet {
    /// Adds pictures of one size, in a block about as wide as high.
    pub fn add(&mut self, pictures: Vec<Picture>) {
        let Some(first) = pictures.first() else { return };
        let [width, height] = first.size().map(|side| side as usize);
        let scale = SMALLEST.div_ceil(width.max(height).max(1));
        let columns = (1..).find(|n| n * n >= pictures.len()).unwrap_or(1);
        self.groups.push(Group { pictures, columns, scale, cell: [width * scale, height * scale] });
    }

    /// The whole as bytes `(3, H, W)`.
    ///
    /// # Errors
    /// If there is nothing on it.
    pub fn image(&self) -> Result<Tensor> {
        let width = self.groups.iter().map(|group| group.size()[0]).max().unwrap_or(0);
        let height = self.groups.iter().map(|group| group.size()[1]).sum::<usize>();
        let area = width * height;
        let mut planes: Vec<u8> = GROUND.iter().flat_map(|&part| std::iter::repeat_n(part, area)).collect();
        let mut top = 0;
        for group in &self.groups {
            for (number, picture) in group.pictures.iter().enumerate() {
                let left = GAP + number % group.columns * (group.cell[0] + GAP);
                let above = top + GAP + number / group.columns * (group.cell[1] + GAP);
                for y in 0..group.cell[1] {
                    for x in 0..group.cell[0] {
                        let color = picture.color(x / group.scale, y / group.scale);
                        let at = (above + y) * width + left + x;
                        color.into_iter().enumerate().for_each(|(part, value)| planes[part * area + at] = value);
                    }
                }
            }
            top += group.size()[1];
        }
        Tensor::from_slice(&planes, [3, height, width])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau::DType;

    #[test]
    fn pictures_lie_beside_and_below_each_other() {
        let grey = |value: u8| {
            let image = Tensor::full([1, 2, 4], i64::from(value), DType::U8).expect("an image");
            Picture::new(&image).expect("a picture")
        };
        let mut sheet = Sheet::default();
        sheet.add(vec![grey(1), grey(2), grey(3)]);
        sheet.add(vec![grey(9)]);
        let image = sheet.image().expect("an image");
        // Two by two and one, each 4 by 2 pixels enlarged twelvefold.
        assert_eq!(image.shape(), [3, 3 * 3 + 2 * 24 + 24 + 2 * 3, 3 * 3 + 2 * 48]);
        let at = |y: usize, x: usize| image.to_vec::<u8>().expect("bytes")[y * image.shape()[2] + x];
        assert_eq!([at(3, 3), at(26, 50), at(3, 54), at(30, 3), at(60, 3)], [1, 1, 2, 3, 9]);
        assert_eq!([at(0, 0), at(30, 54)], [GROUND[0], GROUND[0]]);
    }
}
