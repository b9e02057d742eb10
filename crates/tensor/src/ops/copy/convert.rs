//! Copies as they are: `clone`, `contiguous`, `to`.

use super::like_layout;
use crate::autograd::Recorder;
use crate::{Array, DType, MemoryFormat, Result, Tensor};

/// What [`Tensor::to`] changes; what is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct ToOptions {
    /// The dtype of the result.
    pub dtype: Option<DType>,
    /// The memory format of the result.
    pub memory_format: Option<MemoryFormat>,
    /// Makes a copy even if nothing changes.
    pub copy: bool,
}

impl Tensor {
    /// A copy with the same strides, if they are dense (PyTorch's `clone`; a Rust `clone` is
    /// another handle to the same tensor).
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn copy(&self) -> Result<Tensor> {
        self.clone_in(MemoryFormat::Preserve)
    }

    /// A copy in a memory format (PyTorch's `clone(memory_format=…)`).
    ///
    /// # Errors
    /// If the format is one for another number of dimensions, or there is not enough memory.
    pub fn clone_in(&self, format: MemoryFormat) -> Result<Tensor> {
        self.copied("CloneBackward0", self.dtype(), format)
    }

    fn copied(&self, name: &str, dtype: DType, format: MemoryFormat) -> Result<Tensor> {
        let from = self.array();
        let to = Array::uninit(like_layout(from.layout(), format)?, dtype)?;
        self.backend().copy(&from, &to)?;
        let out = Tensor::from_array(to);
        if dtype.is_differentiable()
            && let Some(recorder) = Recorder::new(name, &[self])
        {
            let original = from.dtype();
            recorder.finish(&out, move |_, grad| Ok(vec![Some(grad.to_dtype(original)?)]));
        }
        Ok(out)
    }

    /// This tensor if its elements lie densely in row-major order, else a copy in which they do.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn contiguous(&self) -> Result<Tensor> {
        self.contiguous_in(MemoryFormat::Contiguous)
    }

    /// This tensor if it has this memory format, else a copy in it.
    ///
    /// # Errors
    /// If the format is one for another number of dimensions, or there is not enough memory.
    pub fn contiguous_in(&self, format: MemoryFormat) -> Result<Tensor> {
        if format == MemoryFormat::Preserve {
            return Err(crate::Error::runtime("preserve memory format is unsupported by the contiguous operator"));
        }
        if self.is_contiguous_in(format) { Ok(self.clone()) } else { self.clone_in(format) }
    }

    /// The numbers in another dtype; this tensor itself if it has that dtype.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn to_dtype(&self, dtype: DType) -> Result<Tensor> {
        if self.dtype() == dtype {
            Ok(self.clone())
        } else {
            self.copied("ToCopyBackward0", dtype, MemoryFormat::Preserve)
        }
    }

    /// The numbers in another dtype or memory format; this tensor itself if nothing changes.
    ///
    /// # Errors
    /// If the format is one for another number of dimensions, or there is not enough memory.
    pub fn to(&self, options: ToOptions) -> Result<Tensor> {
        let dtype = options.dtype.unwrap_or_else(|| self.dtype());
        let format = options.memory_format.unwrap_or(MemoryFormat::Preserve);
        let same = dtype == self.dtype()
            && match options.memory_format {
                None | Some(MemoryFormat::Preserve) => true,
                Some(format) => self.suggested_format() == format,
            };
        if same && !options.copy { Ok(self.clone()) } else { self.copied("ToCopyBackward0", dtype, format) }
    }
}
