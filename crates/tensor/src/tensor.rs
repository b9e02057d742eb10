//! The tensor: an array, its place in the graph, and the identity that both belong to.

use crate::autograd::{AutogradMeta, VersionCounter};
use crate::backend::Backend;
use crate::{Array, DType, Device, Error, Layout, MemoryFormat, Number, Result, Scalar, Shape};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, RwLock, Weak};

/// A multi-dimensional array that can be differentiated.
///
/// A tensor is a reference: a clone is the same tensor, and what is written in place through one
/// is seen through the other. Views made of it share its numbers.
#[derive(Clone)]
pub struct Tensor(Arc<Inner>);

pub(crate) struct Inner {
    /// Replaced as a whole by `set_data` and the operators that change a shape in place.
    array: RwLock<Array>,
    meta: RwLock<AutogradMeta>,
    /// What shows this tensor in another language; see [`Tensor::wrapper`].
    wrapper: AtomicUsize,
}

impl Tensor {
    /// A tensor of this array, outside any graph, with a version counter of its own.
    ///
    /// In inference mode, a tensor that stays outside for good.
    pub fn from_array(array: Array) -> Self {
        let inference = crate::autograd::is_inference_mode_enabled();
        Self::with_meta(array, AutogradMeta { inference, ..Default::default() })
    }

    pub(crate) fn with_meta(array: Array, meta: AutogradMeta) -> Self {
        Tensor(Arc::new(Inner { array: RwLock::new(array), meta: RwLock::new(meta), wrapper: AtomicUsize::new(0) }))
    }

    /// New memory with unspecified content.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn empty(shape: impl Into<Shape>, dtype: DType) -> Result<Self> {
        let shape = shape.into();
        shape.checked_numel()?;
        Ok(Self::from_array(Array::uninit(Layout::contiguous(shape), dtype)?))
    }

    /// New memory in a memory format, with unspecified content.
    ///
    /// # Errors
    /// If the size overflows or there is not enough memory.
    pub fn empty_in_format(shape: impl Into<Shape>, dtype: DType, format: MemoryFormat) -> Result<Self> {
        let shape = shape.into();
        shape.checked_numel()?;
        Ok(Self::from_array(Array::uninit(Layout::in_format(shape, format), dtype)?))
    }

    /// A tensor that holds a copy of these numbers.
    ///
    /// # Errors
    /// If there are not as many as the shape says.
    pub fn from_slice<T: Number>(values: &[T], shape: impl Into<Shape>) -> Result<Self> {
        let shape = shape.into();
        if shape.checked_numel()? != values.len() {
            return Err(Error::shape(format!("shape '{shape}' is invalid for input of size {}", values.len())));
        }
        let array = Array::uninit(Layout::contiguous(shape), T::DTYPE)?;
        {
            let access = crate::Access::new(&[], &[&array])?;
            // SAFETY: the only slice of a storage that nobody else has.
            unsafe { access.slice_mut::<T>(&array) }.copy_from_slice(values);
        }
        Ok(Self::from_array(array))
    }

    /// A copy of all elements in row-major order.
    ///
    /// # Errors
    /// If the dtype is not `T`'s.
    pub fn to_vec<T: Number>(&self) -> Result<Vec<T>> {
        if self.dtype() != T::DTYPE {
            return Err(Error::dtype(format!(
                "expected scalar type {} but found {}",
                T::DTYPE.scalar_type_name(),
                self.dtype().scalar_type_name()
            )));
        }
        let array = self.array();
        let access = crate::Access::new(&[&array], &[])?;
        let base = access.pointer::<T>(&array);
        let (shape, strides) = (array.shape(), array.strides());
        let mut index = vec![0usize; shape.len()];
        let mut values = Vec::with_capacity(array.numel());
        for _ in 0..array.numel() {
            let at: usize = index.iter().zip(strides).map(|(i, s)| i * s).sum();
            // SAFETY: an index inside the array's layout, read under its lock.
            values.push(unsafe { *base.add(at) });
            for dim in (0..shape.len()).rev() {
                index[dim] += 1;
                if index[dim] < shape[dim] {
                    break;
                }
                index[dim] = 0;
            }
        }
        Ok(values)
    }

    /// The only element.
    ///
    /// # Errors
    /// If there is not exactly one.
    pub fn item(&self) -> Result<Scalar> {
        if self.numel() != 1 {
            return Err(Error::runtime(format!(
                "a Tensor with {} elements cannot be converted to Scalar",
                self.numel()
            )));
        }
        let dtype = self.dtype();
        if dtype.is_complex() {
            return Err(Error::dtype("a complex number is no real scalar; look at its real() and imag()"));
        }
        crate::dispatch!(dtype, T => {
            let value = self.to_vec::<T>()?[0];
            use flambeau_kernels::element::Element;
            Ok(match dtype {
                DType::Bool => Scalar::Bool(value.to_i64() != 0),
                d if d.is_floating_point() => Scalar::Float(value.to_f64()),
                _ => Scalar::Int(value.to_i64()),
            })
        })
    }

    /// The array: storage, layout and dtype.
    pub fn array(&self) -> Array {
        self.0.array.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Puts another array in this tensor's place, keeping its identity.
    pub(crate) fn replace_array(&self, array: Array) {
        *self.0.array.write().unwrap_or_else(|e| e.into_inner()) = array;
    }

    /// Reads the array without a copy of its description. `f` must not call back into this tensor.
    fn with_array<R>(&self, f: impl FnOnce(&Array) -> R) -> R {
        f(&self.0.array.read().unwrap_or_else(|e| e.into_inner()))
    }

    /// Reads the place in the graph. `f` must not call back into this tensor's metadata.
    pub(crate) fn meta<R>(&self, f: impl FnOnce(&AutogradMeta) -> R) -> R {
        f(&self.0.meta.read().unwrap_or_else(|e| e.into_inner()))
    }

    /// Changes the place in the graph. `f` must not call back into this tensor's metadata.
    pub(crate) fn meta_mut<R>(&self, f: impl FnOnce(&mut AutogradMeta) -> R) -> R {
        f(&mut self.0.meta.write().unwrap_or_else(|e| e.into_inner()))
    }

    /// Sizes.
    pub fn shape(&self) -> Shape {
        self.with_array(|a| a.shape().clone())
    }

    /// Size of one dimension; negative dimensions count from the end.
    ///
    /// # Errors
    /// If there is no such dimension.
    pub fn size(&self, dim: isize) -> Result<usize> {
        let dim = self.dim(dim)?;
        self.with_array(|a| a.shape().get(dim).copied().ok_or_else(|| Error::dimension(dim as isize, 0)))
    }

    /// Turns a dimension that may be negative into an index. A 0-d tensor takes -1 and 0.
    ///
    /// # Errors
    /// If there is no such dimension.
    pub fn dim(&self, dim: isize) -> Result<usize> {
        wrap_dim(dim, self.ndim())
    }

    /// Strides in elements.
    pub fn strides(&self) -> crate::Strides {
        self.with_array(|a| crate::Strides::from_slice(a.strides()))
    }

    /// Shape, strides and offset.
    pub fn layout(&self) -> Layout {
        self.with_array(|a| a.layout().clone())
    }

    /// Number of dimensions.
    pub fn ndim(&self) -> usize {
        self.with_array(|a| a.shape().len())
    }

    /// Number of elements.
    pub fn numel(&self) -> usize {
        self.with_array(Array::numel)
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.with_array(Array::dtype)
    }

    /// Where the numbers are.
    pub fn device(&self) -> Device {
        Device::Cpu
    }

    /// What computes on this tensor.
    pub fn backend(&self) -> &'static dyn Backend {
        crate::backend::of(self.device())
    }

    /// Whether the elements lie densely in row-major order.
    pub fn is_contiguous(&self) -> bool {
        self.with_array(Array::is_contiguous)
    }

    /// Whether the elements lie densely in the order of a format.
    pub fn is_contiguous_in(&self, format: MemoryFormat) -> bool {
        self.with_array(|a| a.layout().is_contiguous(format))
    }

    /// The memory format that results computed from this tensor should have.
    pub fn suggested_format(&self) -> MemoryFormat {
        self.with_array(|a| a.layout().suggested_format())
    }

    /// Whether two handles are the same tensor.
    pub fn same(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A reference that does not keep the tensor alive.
    pub(crate) fn downgrade(&self) -> Weak<Inner> {
        Arc::downgrade(&self.0)
    }

    /// The tensor behind a weak reference, if it still lives.
    pub(crate) fn upgrade(weak: &Weak<Inner>) -> Option<Tensor> {
        weak.upgrade().map(Tensor)
    }

    /// The address that weak references to this tensor point to.
    pub(crate) fn as_inner(&self) -> *const Inner {
        Arc::as_ptr(&self.0)
    }

    /// Whether nobody else holds this tensor.
    pub(crate) fn is_sole_handle(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Whether nobody else holds this tensor, or its memory through another one.
    pub(crate) fn is_sole_owner(&self) -> bool {
        // A view holds its base, which holds the memory once more.
        let holders = match self.base() {
            Some(base) if Arc::strong_count(&base.0) > 2 => return false,
            Some(base) if !self.with_array(|a| base.with_array(|b| Arc::ptr_eq(a.storage(), b.storage()))) => {
                return false;
            }
            Some(_) => 2,
            None => 1,
        };
        Arc::strong_count(&self.0) == 1 && self.with_array(|a| Arc::strong_count(a.storage())) == holders
    }

    /// A number that identifies this tensor for as long as it lives.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// A word for a binding to another language, which keeps the address of the object there that
    /// shows this tensor, so that a tensor is always shown as the same object. 0 at first.
    pub fn wrapper(&self) -> &AtomicUsize {
        &self.0.wrapper
    }

    /// The counter of in-place writes, shared with views.
    pub fn version_counter(&self) -> VersionCounter {
        self.meta(|m| m.version.clone())
    }
}

/// Turns a dimension that may be negative into an index; with `ndim` 0, -1 and 0 are dimension 0.
///
/// # Errors
/// If it is out of range.
pub fn wrap_dim(dim: isize, ndim: usize) -> Result<usize> {
    let n = ndim.max(1) as isize;
    if (-n..n).contains(&dim) { Ok(dim.rem_euclid(n) as usize) } else { Err(Error::dimension(dim, ndim)) }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor({}, {})", self.shape(), self.dtype())
    }
}

impl Tensor {
    /// The bytes of a copy of all elements in row-major order.
    ///
    /// # Errors
    /// If a lock on the elements cannot be had.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let dtype = self.dtype();
        crate::dispatch!(dtype, T => {
            let values = self.to_vec::<T>()?;
            // SAFETY: elements are plain numbers without padding, any byte of which may be read.
            let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), std::mem::size_of_val(&values[..])) };
            Ok(bytes.to_vec())
        })
    }
}
