//! Products of two matrices, and of batches of them.

use crate::autograd::Recorder;
use crate::ops::elementwise::not_implemented;
use crate::{Array, DType, Error, Layout, Result, Shape, Tensor};

/// The bare product over the last two dimensions; everything has been checked. Batch sizes agree.
pub(super) fn product_raw(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (sa, sb) = (a.shape(), b.shape());
    let n = sa.len();
    let mut shape = sa.clone();
    shape[n - 1] = sb[n - 1];
    let out = Array::uninit(Layout::contiguous(shape), a.dtype())?;
    a.backend().matmul([1.0, 0.0], &a.array(), &b.array(), &out)?;
    Ok(Tensor::from_array(out))
}

/// `a @ b`, lying by columns if `by_columns` says so.
fn product_lying(a: &Tensor, b: &Tensor, by_columns: bool) -> Result<Tensor> {
    if by_columns { b.mt()?.product(&a.mt()?)?.mt() } else { a.product(b) }
}

/// Whether a matrix lies by columns: then its gradient should too.
fn by_columns(matrix: &Tensor) -> bool {
    let layout = matrix.layout();
    let n = layout.ndim();
    layout.strides()[n - 2] == 1 && layout.strides()[n - 1] == layout.shape()[n - 2] && layout.shape()[n - 1] != 1
}

/// The gradients of a product's factors, as far as they are wanted.
pub(super) fn factor_gradients(
    grad: &Tensor,
    a: Option<&Tensor>,
    b: Option<&Tensor>,
    columns: [bool; 2],
) -> Result<[Option<Tensor>; 2]> {
    let ga = b.map(|b| product_lying(grad, &b.mt()?, columns[0])).transpose()?;
    let gb = a.map(|a| product_lying(&a.mt()?, grad, columns[1])).transpose()?;
    Ok([ga, gb])
}

pub(super) fn check_matrices(name: &str, a: &Tensor, b: &Tensor) -> Result<()> {
    for (role, t) in [("self", a), ("mat2", b)] {
        if t.ndim() != 2 {
            return Err(Error::shape(format!("{name}: {role} must be a matrix, got {}-D tensor", t.ndim())));
        }
    }
    let (sa, sb) = (a.shape(), b.shape());
    if sa[1] != sb[0] {
        return Err(Error::shape(format!(
            "{name}: mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{})",
            sa[0], sa[1], sb[0], sb[1]
        )));
    }
    Ok(())
}

pub(super) fn check_batches(a: &Tensor, b: &Tensor) -> Result<()> {
    for (name, t) in [("batch1", a), ("batch2", b)] {
        if t.ndim() != 3 {
            return Err(Error::shape(format!("{name} must be a 3D tensor")));
        }
    }
    check_batch_sizes(&a.shape(), &b.shape())
}

fn check_batch_sizes(sa: &Shape, sb: &Shape) -> Result<()> {
    let n = sa.len();
    let batch = |s: &Shape| s[..n - 2].iter().product::<usize>();
    if (batch(sb), sb[n - 2]) != (batch(sa), sa[n - 1]) {
        return Err(Error::shape(format!(
            "Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].",
            batch(sa),
            sa[n - 1],
            batch(sb),
            sb[n - 2]
        )));
    }
    Ok(())
}

fn c_name(dtype: DType) -> &'static str {
    if dtype == DType::I64 { "long int" } else { dtype.c_name() }
}

impl Tensor {
    /// The product of two matrices, `(n, k)` and `(k, m)`.
    ///
    /// # Errors
    /// If these are no matrices, their sizes do not fit, or their dtypes differ.
    pub fn mm(&self, mat2: &Tensor) -> Result<Tensor> {
        check_matrices("mm", self, mat2)?;
        if self.dtype() != mat2.dtype() {
            return Err(Error::dtype(format!(
                "expected m1 and m2 to have the same dtype, but got: {} != {}",
                c_name(self.dtype()),
                c_name(mat2.dtype())
            )));
        }
        if self.dtype() == DType::Bool {
            return Err(not_implemented("addmm_impl_cpu_", DType::Bool));
        }
        self.product(mat2)
    }

    /// The products of two batches of matrices, `(b, n, k)` and `(b, k, m)`.
    ///
    /// # Errors
    /// If these are no batches of matrices, their sizes do not fit, or their dtypes differ.
    pub fn bmm(&self, mat2: &Tensor) -> Result<Tensor> {
        check_batches(self, mat2)?;
        self.batched_product(mat2)
    }

    /// [`Tensor::bmm`] over any number of batch dimensions.
    pub(super) fn batched_product(&self, mat2: &Tensor) -> Result<Tensor> {
        check_batch_sizes(&self.shape(), &mat2.shape())?;
        if self.dtype() != mat2.dtype() {
            return Err(Error::dtype(format!(
                "expected scalar type {} but found {}",
                self.dtype().scalar_type_name(),
                mat2.dtype().scalar_type_name()
            )));
        }
        if self.dtype() == DType::Bool {
            return Err(not_implemented("bmm", DType::Bool));
        }
        self.product(mat2)
    }

    /// The recorded product over the last two dimensions.
    fn product(&self, other: &Tensor) -> Result<Tensor> {
        let out = product_raw(self, other)?;
        let name = if self.ndim() == 2 { "MmBackward0" } else { "BmmBackward0" };
        if let Some(mut r) = Recorder::new(name, &[self, other]) {
            let a = r.needs(1).then(|| r.save(self));
            let b = r.needs(0).then(|| r.save(other));
            let columns = [by_columns(self), by_columns(other)];
            r.finish(&out, move |ctx, grad| {
                let a = a.filter(|_| ctx.needs(1)).map(|a| ctx.saved(a)).transpose()?;
                let b = b.filter(|_| ctx.needs(0)).map(|b| ctx.saved(b)).transpose()?;
                Ok(factor_gradients(grad, a.as_ref(), b.as_ref(), columns)?.into())
            });
        }
        Ok(out)
    }
}
