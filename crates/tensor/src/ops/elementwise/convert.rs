//! Fills and copies into memory that was just made: what every family builds on.

use super::broadcast_layout;
use crate::{Result, Scalar, Tensor};

impl Tensor {
    /// Writes a number to every element, without a record and without a version bump: for memory that was
    /// just made.
    pub(crate) fn fill_raw(&self, value: impl Into<Scalar>) -> Result<()> {
        self.backend().fill(&self.array(), value.into())
    }

    /// Copies the numbers of `source`, broadcast to this shape and converted to this dtype, without a
    /// record and without a version bump: for memory that was just made.
    pub(crate) fn copy_raw(&self, source: &Tensor) -> Result<()> {
        let (target, source) = (self.array(), source.array());
        let source = source.with_layout(broadcast_layout(source.layout(), target.shape()))?;
        self.backend().copy(&source, &target)
    }
}
