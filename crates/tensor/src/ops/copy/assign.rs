//! Writing into a tensor's own memory.

use crate::autograd::is_grad_enabled;
use crate::ops::elementwise::broadcast_pair;
use crate::{Error, Result, Tensor};

impl Tensor {
    /// An operator in place: `direct` writes into the memory if nothing has to be recorded;
    /// otherwise `operator` computes the result apart, with its history. `others` are the operands
    /// besides this tensor whose gradients may be wanted.
    ///
    /// # Errors
    /// Those of every write in place, and the operator's own.
    pub(crate) fn write_directly(
        &self,
        name: &str,
        others: &[&Tensor],
        operator: impl FnOnce(&Tensor) -> Result<Tensor>,
        direct: impl FnOnce(&Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let recorded = is_grad_enabled() && (self.requires_grad() || others.iter().any(|t| t.requires_grad()));
        if recorded {
            return self.write_in_place(name, operator);
        }
        self.check_in_place(false)?;
        direct(&self.detach())?;
        self.bump_version();
        Ok(self.clone())
    }

    /// This tensor, or a copy of it if it may lie in `target`'s memory.
    pub(crate) fn unaliased(&self, target: &Tensor) -> Result<Tensor> {
        let tensor = self.detach();
        if tensor.array().may_overlap(&target.array()) { tensor.copy() } else { Ok(tensor) }
    }

    /// Overwrites this tensor with the numbers of another, broadcast to this shape and converted to
    /// this dtype.
    ///
    /// # Errors
    /// If the other does not broadcast to this shape, and for every write in place.
    pub fn copy_(&self, source: &Tensor) -> Result<Tensor> {
        if source.same(self) {
            return Ok(self.clone());
        }
        let shape = self.shape();
        let common = broadcast_pair(&shape, &source.shape())?;
        if common != shape {
            return Err(Error::shape(format!("output with shape {shape} doesn't match the broadcast shape {common}")));
        }
        self.write_directly(
            "copy_",
            &[source],
            |_| source.expand_to(&shape)?.to_dtype(self.dtype()),
            |x| x.copy_raw(&source.unaliased(x)?),
        )
    }
}
