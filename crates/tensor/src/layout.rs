//! Which numbers of a storage a tensor shows, and in which order.

use crate::{Error, Result};
use smallvec::SmallVec;

/// Sizes of a tensor's dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape(SmallVec<[usize; 6]>);

/// Elements to step over in the storage, for each dimension.
pub type Strides = SmallVec<[usize; 6]>;

impl Shape {
    /// A shape of these sizes.
    pub fn new(sizes: &[usize]) -> Self {
        Shape(SmallVec::from_slice(sizes))
    }

    /// How many elements there are.
    ///
    /// # Errors
    /// If the product does not fit the address space.
    pub fn checked_numel(&self) -> Result<usize> {
        // A zero anywhere makes the tensor empty, however large the other sizes are.
        if self.contains(&0) {
            return Ok(0);
        }
        self.iter()
            .try_fold(1usize, |n, &size| n.checked_mul(size))
            .filter(|&n| n <= isize::MAX as usize / 8)
            .ok_or_else(|| Error::memory(format!("Storage size calculation overflowed with sizes={self}")))
    }

    /// How many elements there are.
    pub fn numel(&self) -> usize {
        self.iter().product()
    }

    /// The sizes for changing in place.
    pub fn to_vec(&self) -> Vec<usize> {
        self.0.to_vec()
    }
}

impl std::ops::Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl std::ops::DerefMut for Shape {
    fn deref_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }
}

impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Self {
        Shape::new(sizes)
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl From<Vec<usize>> for Shape {
    fn from(sizes: Vec<usize>) -> Self {
        Shape::new(&sizes)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        Shape::new(&sizes)
    }
}

impl<const N: usize> From<&[usize; N]> for Shape {
    fn from(sizes: &[usize; N]) -> Self {
        Shape::new(sizes)
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(sizes: I) -> Self {
        Shape(sizes.into_iter().collect())
    }
}

impl PartialEq<[usize]> for Shape {
    fn eq(&self, other: &[usize]) -> bool {
        self.0.as_slice() == other
    }
}

impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self.0.as_slice() == other
    }
}

/// As PyTorch writes sizes in its messages: `[1, 64, 28, 28]`.
impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", &self.0[..])
    }
}

/// The order of a tensor's dimensions in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MemoryFormat {
    /// The last dimension is dense.
    #[default]
    Contiguous,
    /// Four dimensions (N, C, H, W) of which C is dense.
    ChannelsLast,
    /// Five dimensions (N, C, D, H, W) of which C is dense.
    ChannelsLast3d,
    /// Whatever the input has.
    Preserve,
}

/// Shape, strides and offset: a tensor's view of its storage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    shape: Shape,
    strides: Strides,
    offset: usize,
}

impl Layout {
    /// The dense row-major layout of a shape.
    pub fn contiguous(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let strides = contiguous_strides(&shape);
        Layout { shape, strides, offset: 0 }
    }

    /// The dense layout of a shape in a memory format (`Preserve` counts as `Contiguous`; so do
    /// the channels-last formats for another number of dimensions than theirs).
    pub fn in_format(shape: impl Into<Shape>, format: MemoryFormat) -> Self {
        let shape = shape.into();
        let last = matches!((format, shape.len()), (MemoryFormat::ChannelsLast, 4) | (MemoryFormat::ChannelsLast3d, 5));
        if !last {
            return Self::contiguous(shape);
        }
        let mut order: Vec<usize> = (2..shape.len()).rev().collect();
        order.insert(0, 1);
        order.push(0);
        let strides = strides_in_order(&shape, &order);
        Layout { shape, strides, offset: 0 }
    }

    /// Any layout. Whether it fits a storage is checked where an [`crate::Array`] is made.
    ///
    /// # Panics
    /// If there are not as many strides as sizes.
    pub fn strided(shape: impl Into<Shape>, strides: &[usize], offset: usize) -> Self {
        let shape = shape.into();
        assert_eq!(shape.len(), strides.len(), "a stride for each dimension");
        Layout { shape, strides: SmallVec::from_slice(strides), offset }
    }

    /// Sizes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Strides in elements.
    pub fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// Index of the first element in the storage.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Number of dimensions.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.shape.numel()
    }

    /// One more than the largest index that this layout reaches, 0 when it is empty; `None` on
    /// overflow.
    pub fn end(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let mut last = self.offset;
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            last = last.checked_add((size - 1).checked_mul(stride)?)?;
        }
        last.checked_add(1)
    }

    /// Whether the elements lie densely in the order of `format`. (`Preserve` asks for nothing.)
    pub fn is_contiguous(&self, format: MemoryFormat) -> bool {
        let order: SmallVec<[usize; 6]> = match format {
            MemoryFormat::Preserve => return true,
            MemoryFormat::Contiguous => (0..self.ndim()).rev().collect(),
            MemoryFormat::ChannelsLast if self.ndim() == 4 => SmallVec::from_slice(&[1, 3, 2, 0]),
            MemoryFormat::ChannelsLast3d if self.ndim() == 5 => SmallVec::from_slice(&[1, 4, 3, 2, 0]),
            _ => return false,
        };
        if self.shape.contains(&0) {
            return true;
        }
        let mut expected = 1;
        for dim in order {
            if self.shape[dim] != 1 {
                if self.strides[dim] != expected {
                    return false;
                }
                expected *= self.shape[dim];
            }
        }
        true
    }

    /// Whether the elements fill a block of memory without gaps or overlap, in any order of the
    /// dimensions.
    pub fn is_dense(&self) -> bool {
        if self.is_contiguous(MemoryFormat::Contiguous) {
            return true;
        }
        let mut dims: SmallVec<[usize; 6]> = (0..self.ndim()).filter(|&d| self.shape[d] != 1).collect();
        dims.sort_by_key(|&d| self.strides[d]);
        let mut expected = 1;
        dims.iter().all(|&d| {
            let fits = self.strides[d] == expected;
            expected *= self.shape[d];
            fits
        })
    }

    /// The format an operator should give its result when it follows this input: channels-last
    /// when the strides say so beyond doubt, else contiguous.
    pub fn suggested_format(&self) -> MemoryFormat {
        let order: &[usize] = match self.ndim() {
            4 => &[1, 3, 2, 0],
            5 => &[1, 4, 3, 2, 0],
            _ => return MemoryFormat::Contiguous,
        };
        // Strides must grow along (C, W, H, N). What is dense in both formats (one channel, or a
        // single pixel) is settled by the strides of the dimensions of size 1, as in PyTorch.
        if self.strides[1] == 0 {
            return MemoryFormat::Contiguous;
        }
        let mut min = 0;
        for &dim in order {
            if self.shape[dim] == 0 || self.strides[dim] < min {
                return MemoryFormat::Contiguous;
            }
            if dim == 0 && min == self.strides[1] {
                return MemoryFormat::Contiguous;
            }
            min = self.strides[dim];
            if self.shape[dim] > 1 {
                min *= self.shape[dim];
            }
        }
        if self.ndim() == 4 { MemoryFormat::ChannelsLast } else { MemoryFormat::ChannelsLast3d }
    }
}

/// Row-major strides of a shape.
pub(crate) fn contiguous_strides(shape: &[usize]) -> Strides {
    let order: SmallVec<[usize; 6]> = (0..shape.len()).rev().collect();
    strides_in_order(shape, &order)
}

/// Dense strides when dimensions grow outwards in this order, the innermost first.
pub(crate) fn strides_in_order(shape: &[usize], innermost_first: &[usize]) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(1, shape.len());
    let mut step = 1usize;
    for &dim in innermost_first {
        strides[dim] = step;
        step = step.saturating_mul(shape[dim].max(1));
    }
    strides
}
