//! Products added to a tensor.

use super::product::{check_batches, check_matrices, factor_gradients, product_raw};
use super::scaled;
use crate::autograd::{Recorder, no_grad};
use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, Result, Scalar, Shape, Tensor};

/// `beta * input + alpha * a @ b` without a record; `input` is of the product's shape.
fn add_product(input: &Tensor, a: &Tensor, b: &Tensor, beta: Scalar, alpha: Scalar) -> Result<Tensor> {
    no_grad(|| {
        if !a.dtype().is_floating_point() {
            let product = scaled(&product_raw(a, b)?, alpha)?;
            return if beta.to_i64() == 0 { Ok(product) } else { product.add(scaled(input, beta)?) };
        }
        let out = Tensor::empty(input.shape(), input.dtype())?;
        if beta.to_f64() != 0.0 {
            out.copy_raw(input)?;
        }
        out.backend().matmul([alpha.to_f64(), beta.to_f64()], &a.array(), &b.array(), &out.array())?;
        Ok(out)
    })
}

fn record(name: &str, [input, a, b]: [&Tensor; 3], [beta, alpha]: [Scalar; 2], out: &Tensor) {
    let Some(mut r) = Recorder::new(name, &[input, a, b]) else { return };
    let saved_a = r.needs(2).then(|| r.save(a));
    let saved_b = r.needs(1).then(|| r.save(b));
    let shape = input.shape();
    let lies_by_columns = |t: &Tensor| {
        let layout = t.layout();
        let n = layout.ndim();
        layout.strides()[n - 2] == 1 && layout.strides()[n - 1] == layout.shape()[n - 2] && layout.shape()[n - 1] != 1
    };
    let columns = [lies_by_columns(a), lies_by_columns(b)];
    r.finish(out, move |ctx, grad| {
        let gi = ctx.needs(0).then(|| scaled(&grad.sum_to_size(&shape)?, beta)).transpose()?;
        let a = saved_a.filter(|_| ctx.needs(2)).map(|s| ctx.saved(s)).transpose()?;
        let b = saved_b.filter(|_| ctx.needs(1)).map(|s| ctx.saved(s)).transpose()?;
        let [ga, gb] = factor_gradients(grad, a.as_ref(), b.as_ref(), columns)?;
        let scale = |g: Option<Tensor>| g.map(|g| scaled(&g, alpha)).transpose();
        Ok(vec![gi, scale(ga)?, scale(gb)?])
    });
}

impl Tensor {
    /// `beta * self + alpha * (mat1 @ mat2)`; self is broadcast to `(n, m)`.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes differ.
    pub fn addmm(
        &self,
        mat1: &Tensor,
        mat2: &Tensor,
        beta: impl Into<Scalar>,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        let (beta, alpha) = (beta.into(), alpha.into());
        check_matrices("addmm", mat1, mat2)?;
        let shape = Shape::new(&[mat1.shape()[0], mat2.shape()[1]]);
        if self.ndim() > 2 {
            return Err(Error::shape(format!(
                "expand(torch.{}Tensor{{{}}}, size={shape}): the number of sizes provided (2) must be greater or equal to the number of dimensions in the tensor ({})",
                self.dtype().scalar_type_name(),
                self.shape(),
                self.ndim()
            )));
        }
        let input = no_grad(|| self.expand_to(&shape))?;
        for other in [mat1, mat2] {
            if self.dtype() != other.dtype() {
                let mismatch = if self.dtype() != mat2.dtype() { mat2 } else { mat1 };
                let role = if self.dtype() != mat2.dtype() { "mat2" } else { "mat1" };
                return Err(Error::dtype(format!(
                    "self and {role} must have the same dtype, but got {} and {}",
                    self.dtype().scalar_type_name(),
                    mismatch.dtype().scalar_type_name()
                )));
            }
        }
        if self.dtype() == DType::Bool {
            return Err(not_implemented("addmm_impl_cpu_", DType::Bool));
        }
        let out = add_product(&input, mat1, mat2, beta, alpha)?;
        record("AddmmBackward0", [self, mat1, mat2], [beta, alpha], &out);
        Ok(out)
    }

    /// `beta * self + alpha * (batch1 @ batch2)`; self is broadcast to `(b, n, m)`.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes differ.
    pub fn baddbmm(
        &self,
        batch1: &Tensor,
        batch2: &Tensor,
        beta: impl Into<Scalar>,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        let (beta, alpha) = (beta.into(), alpha.into());
        check_batches(batch1, batch2)?;
        if self.dtype() != batch1.dtype() || self.dtype() != batch2.dtype() {
            return Err(Error::dtype(format!(
                "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}",
                self.dtype().c_name(),
                batch1.dtype().c_name(),
                batch2.dtype().c_name()
            )));
        }
        if self.dtype() == DType::Bool {
            return Err(not_implemented("bmm", DType::Bool));
        }
        let shape = [batch1.shape()[0], batch1.shape()[1], batch2.shape()[2]];
        let input = no_grad(|| self.expand_to(&shape))?;
        let out = add_product(&input, batch1, batch2, beta, alpha)?;
        record("BaddbmmBackward0", [self, batch1, batch2], [beta, alpha], &out);
        Ok(out)
    }

    /// `beta * self + alpha * (the sum of batch1 @ batch2 over the batch)`; self is broadcast to
    /// `(n, m)`.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes differ.
    pub fn addbmm(
        &self,
        batch1: &Tensor,
        batch2: &Tensor,
        beta: impl Into<Scalar>,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        for (name, t) in [("batch1", batch1), ("batch2", batch2)] {
            if t.ndim() != 3 {
                return Err(Error::shape(format!("{name} must be a 3D tensor")));
            }
        }
        let (a, b) = (batch1.shape(), batch2.shape());
        if a[0] != b[0] {
            return Err(Error::shape(format!(
                "batch1 and batch2 must have same number of batches, got {} and {}",
                a[0], b[0]
            )));
        }
        if a[2] != b[1] {
            return Err(Error::shape(format!(
                "Incompatible matrix sizes for bmm ({}x{} and {}x{})",
                a[1], a[2], b[1], b[2]
            )));
        }
        // The sum over the batch is one product of longer rows.
        let rows = batch1.permute(&[1, 0, 2])?.reshape_to(&[a[1], a[0] * a[2]])?;
        let columns = batch2.reshape_to(&[b[0] * b[1], b[2]])?;
        self.addmm(&rows, &columns, beta, alpha)
    }
}

macro_rules! in_place {
    ($($name:ident $name_:ident),*) => {
        impl Tensor {$(
            #[doc = concat!("[`Tensor::", stringify!($name), "`] in place.")]
            ///
            /// # Errors
            #[doc = concat!("As [`Tensor::", stringify!($name), "`] and for every write in place.")]
            pub fn $name_(
                &self,
                a: &Tensor,
                b: &Tensor,
                beta: impl Into<Scalar>,
                alpha: impl Into<Scalar>,
            ) -> Result<Tensor> {
                self.write_in_place(stringify!($name_), |x| x.$name(a, b, beta, alpha))
            }
        )*}
    };
}
in_place!(addmm addmm_, addmv addmv_, addr addr_, baddbmm baddbmm_, addbmm addbmm_);
