//! The order in which strided operands are walked.

use smallvec::SmallVec;

/// Dimensions of a walk, the innermost first, after those that all operands run through in one
/// stride are joined.
#[derive(Clone, Debug)]
pub struct Loop {
    /// Sizes.
    pub shape: SmallVec<[usize; 6]>,
    /// Strides of each operand in bytes.
    pub strides: SmallVec<[SmallVec<[usize; 6]>; 4]>,
}

impl Loop {
    /// Plans a walk over `shape` (outermost first) for operands with these strides in bytes. The
    /// first operand, which is the one written, decides the order: its smallest stride is innermost.
    ///
    /// # Panics
    /// If an operand has not as many strides as there are sizes.
    pub fn new(shape: &[usize], operands: &[&[usize]]) -> Self {
        let mut dims: SmallVec<[usize; 6]> = (0..shape.len()).rev().collect();
        // A stable sort: ties (an operand read many times) keep the row-major order.
        dims.sort_by(|&a, &b| {
            operands.iter().map(|s| s[a].cmp(&s[b])).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        Self::joined(shape, operands, &dims)
    }

    /// As [`Loop::new`], in row-major order: the last dimension is innermost.
    ///
    /// # Panics
    /// If an operand has not as many strides as there are sizes.
    pub fn in_order(shape: &[usize], operands: &[&[usize]]) -> Self {
        let dims: SmallVec<[usize; 6]> = (0..shape.len()).rev().collect();
        Self::joined(shape, operands, &dims)
    }

    fn joined(shape: &[usize], operands: &[&[usize]], dims: &[usize]) -> Self {
        assert!(operands.iter().all(|s| s.len() == shape.len()), "a stride for each dimension");
        let mut out = Loop { shape: SmallVec::new(), strides: operands.iter().map(|_| SmallVec::new()).collect() };
        for &d in dims.iter().filter(|&&d| shape[d] != 1) {
            if let Some(last) = out.shape.len().checked_sub(1) {
                let joins = operands.iter().zip(&out.strides).all(|(s, o)| s[d] == o[last] * out.shape[last]);
                if joins {
                    out.shape[last] *= shape[d];
                    continue;
                }
            }
            out.shape.push(shape[d]);
            for (s, o) in operands.iter().zip(&mut out.strides) {
                o.push(s[d]);
            }
        }
        if out.shape.is_empty() {
            out.shape.push(1);
            out.strides.iter_mut().for_each(|s| s.push(0));
        }
        out
    }

    /// How many elements the walk visits.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is nothing to visit.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// The coordinates of a position of the walk.
    pub fn coordinates(&self, mut position: usize) -> SmallVec<[usize; 6]> {
        self.shape
            .iter()
            .map(|&size| {
                // An empty walk has no positions: any coordinates will do.
                let size = size.max(1);
                let c = position % size;
                position /= size;
                c
            })
            .collect()
    }

    /// Where an operand is at these coordinates, in bytes from its start.
    #[inline]
    pub fn offset(&self, operand: usize, coordinates: &[usize]) -> usize {
        coordinates.iter().zip(&self.strides[operand]).map(|(c, s)| c * s).sum()
    }

    /// Whether an operand of `size`-byte elements is dense in the order of the walk.
    pub fn is_linear(&self, operand: usize, size: usize) -> bool {
        let mut expected = size;
        self.shape.iter().zip(&self.strides[operand]).all(|(&n, &s)| {
            let fits = s == expected;
            expected *= n;
            fits
        })
    }

    /// Whether an operand is one element, seen everywhere.
    pub fn is_constant(&self, operand: usize) -> bool {
        self.strides[operand].iter().all(|&s| s == 0)
    }

    /// Calls `visit(done, coordinates, count)` for the pieces of rows that make up `count` elements from
    /// these coordinates, which are moved to the first element after.
    #[inline]
    pub fn rows(&self, coordinates: &mut [usize], total: usize, mut visit: impl FnMut(usize, &[usize], usize)) {
        let mut done = 0;
        while done < total {
            let count = (self.shape[0] - coordinates[0]).min(total - done);
            visit(done, coordinates, count);
            done += count;
            self.advance(coordinates, count);
        }
    }

    /// Moves coordinates on by `count` elements, at most to the end of the row.
    #[inline]
    pub fn advance(&self, coordinates: &mut [usize], count: usize) {
        coordinates[0] += count;
        let mut d = 0;
        while coordinates[d] == self.shape[d] && d + 1 < coordinates.len() {
            coordinates[d] = 0;
            d += 1;
            coordinates[d] += 1;
        }
    }
}
