//! Tensors of one number.

use super::TensorOptions;
use crate::ops::copy::like_layout;
use crate::{Array, DType, Error, Layout, MemoryFormat, Result, Scalar, Shape, Storage, Tensor};

impl Tensor {
    /// Zeros.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn zeros(shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        let layout = layout_in(shape.into(), options.memory_format)?;
        options.finish(zeros_of(layout, options.dtype_or_default())?)
    }

    /// Ones.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn ones(shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        let dtype = options.dtype_or_default();
        Tensor::full(shape, 1, TensorOptions { dtype: Some(dtype), ..options })
    }

    /// One number everywhere. Without a dtype the number decides it.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn full(
        shape: impl Into<Shape>,
        value: impl Into<Scalar>,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        let (value, options) = (value.into(), options.into());
        let layout = layout_in(shape.into(), options.memory_format)?;
        options.finish(filled(layout, options.dtype.unwrap_or_else(|| value.dtype()), value)?)
    }

    /// A tensor without dimensions that holds one number.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn scalar(value: impl Into<Scalar>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        Tensor::full([], value, options)
    }

    /// New memory with these strides and unspecified content.
    ///
    /// # Errors
    /// If there is not a stride for each size, the size overflows or there is not enough memory.
    pub fn empty_strided(
        shape: impl Into<Shape>,
        strides: &[usize],
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        let (shape, options) = (shape.into(), options.into());
        if shape.len() != strides.len() {
            return Err(Error::runtime(format!(
                "mismatch in length of strides and shape ({} vs {})",
                strides.len(),
                shape.len()
            )));
        }
        let layout = Layout::strided(shape, strides, 0);
        options.finish(Tensor::from_array(Array::uninit(layout, options.dtype_or_default())?))
    }

    /// New memory of this tensor's shape, and of its dtype and memory format unless the options
    /// say otherwise, with unspecified content.
    ///
    /// # Errors
    /// If the memory format does not fit or there is not enough memory.
    pub fn empty_like(&self, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        let (layout, dtype) = self.like(&options)?;
        options.finish(Tensor::from_array(Array::uninit(layout, dtype)?))
    }

    /// Zeros like this tensor.
    ///
    /// # Errors
    /// As [`Tensor::empty_like`].
    pub fn zeros_like(&self, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        let (layout, dtype) = self.like(&options)?;
        options.finish(zeros_of(layout, dtype)?)
    }

    /// Ones like this tensor.
    ///
    /// # Errors
    /// As [`Tensor::empty_like`].
    pub fn ones_like(&self, options: impl Into<TensorOptions>) -> Result<Tensor> {
        self.full_like(1, options)
    }

    /// One number in the shape of this tensor.
    ///
    /// # Errors
    /// As [`Tensor::empty_like`].
    pub fn full_like(&self, value: impl Into<Scalar>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        let (layout, dtype) = self.like(&options)?;
        options.finish(filled(layout, dtype, value.into())?)
    }

    /// New memory of this tensor's dtype with unspecified content.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn new_empty(&self, shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = self.with_dtype(options.into());
        let layout = layout_in(shape.into(), options.memory_format)?;
        options.finish(Tensor::from_array(Array::uninit(layout, options.dtype_or_default())?))
    }

    /// Zeros of this tensor's dtype.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn new_zeros(&self, shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        Tensor::zeros(shape, self.with_dtype(options.into()))
    }

    /// Ones of this tensor's dtype.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn new_ones(&self, shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        Tensor::ones(shape, self.with_dtype(options.into()))
    }

    /// One number everywhere, in this tensor's dtype.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn new_full(
        &self,
        shape: impl Into<Shape>,
        value: impl Into<Scalar>,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        Tensor::full(shape, value, self.with_dtype(options.into()))
    }

    fn with_dtype(&self, options: TensorOptions) -> TensorOptions {
        TensorOptions { dtype: options.dtype.or_else(|| Some(self.dtype())), ..options }
    }

    fn like(&self, options: &TensorOptions) -> Result<(Layout, DType)> {
        let format = options.memory_format.unwrap_or(MemoryFormat::Preserve);
        Ok((like_layout(&self.layout(), format)?, options.dtype.unwrap_or_else(|| self.dtype())))
    }
}

fn layout_in(shape: Shape, format: Option<MemoryFormat>) -> Result<Layout> {
    shape.checked_numel()?;
    match format {
        None => Ok(Layout::contiguous(shape)),
        Some(MemoryFormat::Preserve) => Err(Error::runtime("unsupported memory format option Preserve")),
        Some(format) => like_layout(&Layout::contiguous(shape), format),
    }
}

fn zeros_of(layout: Layout, dtype: DType) -> Result<Tensor> {
    let bytes = layout
        .end()
        .and_then(|end| end.checked_mul(dtype.size()))
        .ok_or_else(|| Error::memory(format!("Storage size calculation overflowed with sizes={}", layout.shape())))?;
    Ok(Tensor::from_array(Array::new(Storage::zeroed(bytes)?, layout, dtype)?))
}

fn filled(layout: Layout, dtype: DType, value: Scalar) -> Result<Tensor> {
    let array = Array::uninit(layout, dtype)?;
    crate::backend::of(crate::Device::Cpu).fill(&array, value)?;
    Ok(Tensor::from_array(array))
}
