//! New random tensors.

use super::generator_or_default;
use crate::ops::TensorOptions;
use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, Generator, MemoryFormat, Result, Shape, Tensor, default_generator};

impl Generator {
    /// Samples uniform in `[0, 1)`.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or there is not enough memory.
    pub fn rand(&self, shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        options.finish(new(shape.into(), options)?.uniform_(0.0, 1.0, Some(self))?)
    }

    /// Samples of the standard normal distribution.
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or there is not enough memory.
    pub fn randn(&self, shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        options.finish(new(shape.into(), options)?.normal_(0.0, 1.0, Some(self))?)
    }

    /// Integers of `[low, high)`, int64 unless another dtype is asked for.
    ///
    /// # Errors
    /// If the bounds are not in order or not in the dtype's range, or there is not enough memory.
    pub fn randint(
        &self,
        low: i64,
        high: i64,
        shape: impl Into<Shape>,
        options: impl Into<TensorOptions>,
    ) -> Result<Tensor> {
        let mut options = options.into();
        options.dtype = options.dtype.or(Some(DType::I64));
        options.finish(new(shape.into(), options)?.random_(Some(low), Some(high), Some(self))?)
    }

    /// The numbers from 0 to `n - 1` in random order, int64 unless another dtype is asked for.
    ///
    /// # Errors
    /// If the dtype does not hold them, or there is not enough memory.
    pub fn randperm(&self, n: usize, options: impl Into<TensorOptions>) -> Result<Tensor> {
        let options = options.into();
        let dtype = options.dtype.unwrap_or(DType::I64);
        let largest = match dtype {
            DType::Bool => return Err(not_implemented("randperm", dtype)),
            DType::U8 => Some((255, "uint8_t")),
            DType::I8 => Some((127, "int8_t")),
            DType::I16 => Some((32_767, "int16_t")),
            DType::I32 => Some((2_147_483_647, "int")),
            _ => None,
        };
        if let Some((largest, name)) = largest
            && n > largest
        {
            return Err(Error::runtime(format!("value cannot be converted to type {name} without overflow")));
        }
        let exact = match dtype {
            DType::F16 => 2049,
            DType::BF16 => 257,
            DType::F32 => (1 << 24) + 1,
            _ => usize::MAX,
        };
        if n > exact {
            return Err(Error::runtime(format!(
                "n cannot be greater than {exact} for {} type.",
                dtype.scalar_type_name()
            )));
        }
        let numbers = Tensor::empty([n], DType::I64)?;
        numbers.backend().permutation(self, &numbers.array())?;
        options.finish(numbers.to_dtype(dtype)?)
    }
}

fn new(shape: Shape, options: TensorOptions) -> Result<Tensor> {
    Tensor::empty_in_format(
        shape,
        options.dtype_or_default(),
        options.memory_format.unwrap_or(MemoryFormat::Contiguous),
    )
}

impl Tensor {
    /// Samples uniform in `[0, 1)`, from the default generator ([`Generator::rand`] from another).
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or there is not enough memory.
    pub fn rand(shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        default_generator().rand(shape, options)
    }

    /// Samples of the standard normal distribution, from the default generator
    /// ([`Generator::randn`] from another).
    ///
    /// # Errors
    /// If the dtype is no floating-point type, or there is not enough memory.
    pub fn randn(shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        default_generator().randn(shape, options)
    }

    /// Integers of `[low, high)`, from the default generator ([`Generator::randint`] from another).
    ///
    /// # Errors
    /// If the bounds are not in order or not in the dtype's range, or there is not enough memory.
    pub fn randint(low: i64, high: i64, shape: impl Into<Shape>, options: impl Into<TensorOptions>) -> Result<Tensor> {
        default_generator().randint(low, high, shape, options)
    }

    /// The numbers from 0 to `n - 1` in random order, from the default generator
    /// ([`Generator::randperm`] from another).
    ///
    /// # Errors
    /// If the dtype does not hold them, or there is not enough memory.
    pub fn randperm(n: usize, options: impl Into<TensorOptions>) -> Result<Tensor> {
        default_generator().randperm(n, options)
    }

    /// Samples uniform in `[0, 1)`, of this tensor's shape, dtype and memory format.
    ///
    /// # Errors
    /// See [`Tensor::rand`].
    pub fn rand_like(&self, options: impl Into<TensorOptions>, generator: Option<&Generator>) -> Result<Tensor> {
        let options = options.into();
        let new = self.empty_like(TensorOptions { requires_grad: false, ..options })?;
        options.finish(new.uniform_(0.0, 1.0, generator)?)
    }

    /// Samples of the standard normal distribution, of this tensor's shape, dtype and memory format.
    ///
    /// # Errors
    /// See [`Tensor::randn`].
    pub fn randn_like(&self, options: impl Into<TensorOptions>, generator: Option<&Generator>) -> Result<Tensor> {
        let options = options.into();
        let new = self.empty_like(TensorOptions { requires_grad: false, ..options })?;
        options.finish(new.normal_(0.0, 1.0, generator)?)
    }

    /// Integers of `[low, high)`, of this tensor's shape, dtype and memory format.
    ///
    /// # Errors
    /// See [`Tensor::randint`].
    pub fn randint_like(
        &self,
        low: i64,
        high: i64,
        options: impl Into<TensorOptions>,
        generator: Option<&Generator>,
    ) -> Result<Tensor> {
        let options = options.into();
        let new = self.empty_like(TensorOptions { requires_grad: false, ..options })?;
        options.finish(new.random_(Some(low), Some(high), Some(&generator_or_default(generator)))?)
    }
}
