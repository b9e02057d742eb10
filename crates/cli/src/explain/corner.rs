//! Which part of an image a picture shows: all of a small one, the first corner of a large one.

use flambeau_kernels::conv::Geometry;

/// Cells of an axis that are drawn of an image too large to draw whole, at least and at most.
const CELLS: [usize; 2] = [12, 30];
/// An image of so many cells is drawn whole.
const WHOLE: usize = 18;

/// One axis of a convolution, and how much of it is drawn. Positions count from the first padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    pub input: usize,
    pub padding_begin: usize,
    pub padding_end: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub output: usize,
    /// Cells of the padded input that are drawn.
    pub drawn: usize,
    /// Cells of the output that are drawn.
    pub drawn_output: usize,
}

impl Axis {
    /// An axis of a geometry.
    pub fn of(g: &Geometry, axis: usize) -> Self {
        let (input, padding_begin, padding_end) = (g.input[axis], g.padding_begin[axis], g.padding_end[axis]);
        let (kernel, stride, dilation) = (g.kernel[axis], g.stride[axis], g.dilation[axis]);
        let output = g.output()[axis];
        let mut axis =
            Self { input, padding_begin, padding_end, kernel, stride, dilation, output, drawn: 0, drawn_output: 0 };
        let three = axis.reach().saturating_add(stride.saturating_mul(3));
        let corner = three.clamp(CELLS[0], CELLS[1]);
        axis.drawn = if axis.padded() <= WHOLE.max(corner) { axis.padded() } else { corner };
        let within = axis.drawn.checked_sub(axis.reach()).map_or(1, |rest| rest / stride.max(1) + 1);
        axis.drawn_output = within.min(output);
        axis
    }

    /// Cells of the padded input.
    pub fn padded(&self) -> usize {
        self.input + self.padding_begin + self.padding_end
    }

    /// Cells from the kernel's first element to its last.
    pub fn reach(&self) -> usize {
        self.dilation.saturating_mul(self.kernel.saturating_sub(1)) + 1
    }

    /// Whether all of the input is drawn.
    pub fn is_whole(&self) -> bool {
        self.drawn == self.padded()
    }

    /// Whether a cell is padding.
    pub fn is_padding(&self, cell: usize) -> bool {
        cell < self.padding_begin || cell >= self.padding_begin + self.input
    }

    /// The drawn cells that the kernel's elements lie on at a position.
    pub fn taps(&self, position: usize) -> impl Iterator<Item = usize> + use<> {
        let (start, dilation) = (position.saturating_mul(self.stride), self.dilation);
        let drawn = self.drawn;
        (0..self.kernel).map_while(move |tap| {
            let cell = tap.checked_mul(dilation)?.checked_add(start)?;
            (cell < drawn).then_some(cell)
        })
    }

    /// The drawn cells between the kernel's first and last element at a position.
    pub fn span(&self, position: usize) -> [usize; 2] {
        let start = position.saturating_mul(self.stride);
        [start.min(self.drawn), start.saturating_add(self.reach()).min(self.drawn)]
    }

    /// The output position whose view is shown.
    pub fn example(&self) -> usize {
        self.drawn_output.saturating_sub(1).min(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(input: usize, padding: usize, kernel: usize, stride: usize, dilation: usize) -> Axis {
        let geometry = Geometry {
            batch: 1,
            in_channels: 1,
            out_channels: 1,
            groups: 1,
            input: [1, input, input],
            kernel: [1, kernel, kernel],
            stride: [1, stride, stride],
            padding_begin: [0, padding, padding],
            padding_end: [0, padding, padding],
            dilation: [1, dilation, dilation],
        };
        Axis::of(&geometry, 2)
    }

    #[test]
    fn small_images_are_drawn_whole() {
        let axis = axis(9, 1, 3, 2, 1);
        assert!(axis.is_whole());
        assert_eq!((axis.drawn, axis.drawn_output, axis.output), (11, 5, 5));
        assert_eq!(axis.taps(1).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(axis.is_padding(0) && !axis.is_padding(1) && axis.is_padding(10));
    }

    #[test]
    fn large_images_show_a_corner_with_several_positions() {
        let axis = axis(224, 3, 7, 2, 1);
        assert!(!axis.is_whole() && axis.drawn < 20);
        assert_eq!(axis.drawn_output, 4);
        assert_eq!(axis.span(axis.example()), [6, 13]);
    }

    #[test]
    fn kernels_beyond_the_corner_are_cut() {
        let axis = axis(5000, 0, 3, 1000, 700);
        assert_eq!((axis.drawn, axis.drawn_output), (30, 1));
        assert_eq!(axis.taps(0).collect::<Vec<_>>(), [0]);
        assert_eq!(axis.span(0), [0, 30]);
        assert_eq!(axis.taps(1).count(), 0);
    }
}
