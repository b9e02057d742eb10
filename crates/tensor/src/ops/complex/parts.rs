//! Real and imaginary parts, seen and put together.

use crate::autograd::Recorder;
use crate::ops::where_;
use crate::{Array, Error, Layout, Result, Tensor};

/// A complex tensor of these parts.
///
/// # Errors
/// If the parts are not float32 or float64, differ in dtype, or do not broadcast.
pub fn complex(re: &Tensor, im: &Tensor) -> Result<Tensor> {
    for part in [re, im] {
        if part.dtype() != part.dtype().to_complex().to_real() {
            return Err(Error::runtime(format!(
                "Expected both inputs to be Half, Float or Double tensors but got {} and {}",
                re.dtype().scalar_type_name(),
                im.dtype().scalar_type_name()
            )));
        }
    }
    if re.dtype() != im.dtype() {
        return Err(Error::runtime(format!(
            "Expected object of scalar type {} but got scalar type {} for second argument",
            re.dtype().scalar_type_name(),
            im.dtype().scalar_type_name()
        )));
    }
    let [re, im]: [Tensor; 2] = crate::ops::broadcast_tensors(&[re, im])?
        .try_into()
        .map_err(|_| Error::runtime("two tensors broadcast to two"))?;
    let array = Array::uninit(Layout::contiguous(re.shape()), re.dtype().to_complex())?;
    let backend = re.backend();
    backend.copy(&re.array(), &array.part(0)?)?;
    backend.copy(&im.array(), &array.part(1)?)?;
    let out = Tensor::from_array(array);
    if let Some(recorder) = Recorder::new("ComplexBackward0", &[&re, &im]) {
        recorder.finish(&out, |_, grad| Ok(vec![Some(grad.real()?), Some(grad.imag()?)]));
    }
    Ok(out)
}

/// A complex tensor of absolute values and angles.
///
/// # Errors
/// As [`complex`].
pub fn polar(abs: &Tensor, angle: &Tensor) -> Result<Tensor> {
    complex(&abs.mul(&angle.cos()?)?, &abs.mul(&angle.sin()?)?)
}

impl Tensor {
    /// The parts of complex numbers: a view with one more dimension, of size 2.
    ///
    /// # Errors
    /// If the numbers are not complex.
    pub fn view_as_real(&self) -> Result<Tensor> {
        if !self.dtype().is_complex() {
            return Err(Error::type_("view_as_real is only supported for complex tensors"));
        }
        let out = self.view_of_array(self.array().as_real()?);
        if let Some(recorder) = Recorder::new("ViewAsRealBackward0", &[self]) {
            recorder.finish(&out, |_, grad| Ok(vec![Some(grad.contiguous()?.view_as_complex()?)]));
        }
        Ok(out)
    }

    /// Pairs of reals, in a last dimension of size 2, as complex numbers: a view.
    ///
    /// # Errors
    /// If there are no such pairs, or they do not lie side by side.
    pub fn view_as_complex(&self) -> Result<Tensor> {
        let array = self.array();
        if array.dtype() != array.dtype().to_complex().to_real() {
            return Err(Error::runtime(format!(
                "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: {}",
                array.dtype().scalar_type_name()
            )));
        }
        let (mut shape, mut strides) = (array.shape().to_vec(), array.strides().to_vec());
        let Some(last) = shape.pop() else {
            return Err(Error::shape("Input tensor must have one or more dimensions"));
        };
        if last != 2 {
            return Err(Error::shape("Tensor must have a last dimension of size 2"));
        }
        if strides.pop() != Some(1) {
            return Err(Error::runtime("Tensor must have a last dimension with stride 1"));
        }
        if shape.iter().zip(&strides).any(|(&size, stride)| size > 1 && stride % 2 != 0) {
            return Err(Error::runtime("Tensor must have a stride divisible by 2 for all but last dimension"));
        }
        if !array.layout().offset().is_multiple_of(2) {
            return Err(Error::runtime("Tensor must have a storage_offset divisible by 2"));
        }
        strides.iter_mut().for_each(|stride| *stride /= 2);
        let layout = Layout::strided(shape, &strides, array.layout().offset() / 2);
        let viewed = Array::new(array.storage().clone(), layout, array.dtype().to_complex())?;
        let out = self.view_of_array(viewed);
        if let Some(recorder) = Recorder::new("ViewAsComplexBackward0", &[self]) {
            recorder.finish(&out, |_, grad| Ok(vec![Some(grad.view_as_real()?)]));
        }
        Ok(out)
    }

    /// The real parts, a view; the tensor itself if its numbers are real.
    ///
    /// # Errors
    /// If memory is short.
    pub fn real(&self) -> Result<Tensor> {
        if self.dtype().is_complex() { self.view_as_real()?.select(-1, 0) } else { Ok(self.clone()) }
    }

    /// The imaginary parts, a view.
    ///
    /// # Errors
    /// If the numbers are not complex.
    pub fn imag(&self) -> Result<Tensor> {
        if !self.dtype().is_complex() {
            return Err(Error::type_("imag is not implemented for tensors with non-complex dtypes."));
        }
        self.view_as_real()?.select(-1, 1)
    }

    /// The complex conjugates; the tensor itself if its numbers are real.
    ///
    /// # Errors
    /// If memory is short.
    pub fn conj(&self) -> Result<Tensor> {
        if self.dtype().is_complex() { complex(&self.real()?, &self.imag()?.neg()?) } else { Ok(self.clone()) }
    }

    /// The angles of complex numbers; of real ones 0, or π where they are negative.
    ///
    /// # Errors
    /// If memory is short.
    pub fn angle(&self) -> Result<Tensor> {
        if self.dtype().is_complex() {
            return self.imag()?.atan2(&self.real()?);
        }
        let x = self.to_dtype(crate::ops::float_dtype(self.dtype()))?;
        // Zero times the number keeps NaN, and carries the gradient: none.
        let flat = where_(&x.isnan()?, &x, 0.0)?;
        where_(&x.lt(0)?, std::f64::consts::PI, &flat)
    }

    /// Absolute values; of complex numbers real ones, whose gradient at zero is zero.
    ///
    /// # Errors
    /// For truth values.
    pub fn abs(&self) -> Result<Tensor> {
        if self.dtype().is_complex() {
            self.view_as_real()?.vector_norm(2.0, &[-1], false, None)
        } else {
            self.real_abs()
        }
    }
}
