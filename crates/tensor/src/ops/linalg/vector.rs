//! Products with vectors.

use super::product::product_raw;
use super::scaled;
use crate::autograd::{Recorder, no_grad};
use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, Result, Scalar, Tensor};

fn check_vector(operator: &str, name: &str, t: &Tensor) -> Result<()> {
    if t.ndim() == 1 {
        return Ok(());
    }
    Err(Error::shape(format!("{operator}: Expected 1-D argument {name}, but got {}-D", t.ndim())))
}

fn check_mv(mat: &Tensor, vec: &Tensor, input: &Tensor, input_ndim: usize, input_size: usize) -> Result<()> {
    if mat.ndim() != 2 || vec.ndim() != 1 || input_ndim > 1 {
        return Err(Error::shape(format!(
            "vector + matrix @ vector expected, got {input_ndim}, {}, {}",
            mat.ndim(),
            vec.ndim()
        )));
    }
    let (m, v) = (mat.shape(), vec.shape());
    if m[1] != v[0] || (input_size != m[0] && input_size != 1) {
        return Err(Error::shape(format!(
            "size mismatch, got input ({input_size}), mat ({}x{}), vec ({})",
            m[0], m[1], v[0]
        )));
    }
    if mat.dtype() != vec.dtype() || input.dtype() != vec.dtype() {
        return Err(Error::dtype(format!(
            "addmv input tensors must have the same dtype, but got {}, {}, and {}",
            input.dtype().scalar_type_name(),
            mat.dtype().scalar_type_name(),
            vec.dtype().scalar_type_name()
        )));
    }
    if mat.dtype() == DType::Bool {
        return Err(not_implemented("addmv_impl_cpu", DType::Bool));
    }
    Ok(())
}

impl Tensor {
    /// The sum of products of two vectors.
    ///
    /// # Errors
    /// If these are no vectors of one size and dtype.
    pub fn dot(&self, other: &Tensor) -> Result<Tensor> {
        if self.ndim() != 1 || other.ndim() != 1 {
            return Err(Error::shape(format!(
                "1D tensors expected, but got {}D and {}D tensors",
                self.ndim(),
                other.ndim()
            )));
        }
        if self.dtype() != other.dtype() {
            return Err(Error::dtype(format!(
                "dot : expected both vectors to have same dtype, but found {} and {}",
                self.dtype().scalar_type_name(),
                other.dtype().scalar_type_name()
            )));
        }
        if self.numel() != other.numel() {
            return Err(Error::shape(format!(
                "inconsistent tensor size, expected tensor {} and src {} to have the same number of elements, but got {} and {} elements respectively",
                self.shape(),
                other.shape(),
                self.numel(),
                other.numel()
            )));
        }
        if self.dtype() == DType::Bool {
            return Err(not_implemented("dot", DType::Bool));
        }
        let out = no_grad(|| product_raw(&self.unsqueeze(0)?, &other.unsqueeze(1)?)?.reshape_to(&[]))?;
        let out = Tensor::from_array(out.array());
        if let Some(mut r) = Recorder::new("DotBackward0", &[self, other]) {
            let (a, b) = (r.save(self), r.save(other));
            r.finish(&out, move |ctx, grad| {
                let ga = ctx.needs(0).then(|| grad.mul(ctx.saved(b)?)).transpose()?;
                let gb = ctx.needs(1).then(|| grad.mul(ctx.saved(a)?)).transpose()?;
                Ok(vec![ga, gb])
            });
        }
        Ok(out)
    }

    /// A matrix `(n, m)` times a vector `(m)`.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes differ.
    pub fn mv(&self, vec: &Tensor) -> Result<Tensor> {
        let rows = self.shape().first().copied().unwrap_or(1);
        check_mv(self, vec, vec, 1, rows)?;
        let out = no_grad(|| product_raw(self, &vec.unsqueeze(1)?)?.squeeze_dim(1))?;
        let out = Tensor::from_array(out.array());
        if let Some(mut r) = Recorder::new("MvBackward0", &[self, vec]) {
            let (m, v) = (r.save(self), r.save(vec));
            r.finish(&out, move |ctx, grad| {
                let gm = ctx.needs(0).then(|| grad.outer(&ctx.saved(v)?)).transpose()?;
                let gv = ctx.needs(1).then(|| ctx.saved(m)?.t()?.mv(grad)).transpose()?;
                Ok(vec![gm, gv])
            });
        }
        Ok(out)
    }

    /// All products of an element of one vector and one of another: `(n, m)`.
    ///
    /// # Errors
    /// If these are no vectors.
    pub fn outer(&self, vec2: &Tensor) -> Result<Tensor> {
        check_vector("outer", "self", self)?;
        check_vector("outer", "vec2", vec2)?;
        self.unsqueeze(1)?.mul(vec2)
    }

    /// `beta * self + alpha * (mat @ vec)`.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes differ.
    pub fn addmv(
        &self,
        mat: &Tensor,
        vec: &Tensor,
        beta: impl Into<Scalar>,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        let (beta, alpha) = (beta.into(), alpha.into());
        check_mv(mat, vec, self, self.ndim(), self.shape().first().copied().unwrap_or(1))?;
        let out = no_grad(|| {
            let product = scaled(&mat.mv(vec)?, alpha)?;
            if beta.to_f64() == 0.0 { Ok(product) } else { product.add(scaled(self, beta)?) }
        })?;
        if let Some(mut r) = Recorder::new("AddmvBackward0", &[self, mat, vec]) {
            let (m, v) = (r.save(mat), r.save(vec));
            let shape = self.shape();
            r.finish(&out, move |ctx, grad| {
                let gs = ctx.needs(0).then(|| scaled(&grad.sum_to_size(&shape)?, beta)).transpose()?;
                let gm = ctx.needs(1).then(|| scaled(&grad.outer(&ctx.saved(v)?)?, alpha)).transpose()?;
                let gv = ctx.needs(2).then(|| scaled(&ctx.saved(m)?.t()?.mv(grad)?, alpha)).transpose()?;
                Ok(vec![gs, gm, gv])
            });
        }
        Ok(out)
    }

    /// `beta * self + alpha * outer(vec1, vec2)`.
    ///
    /// # Errors
    /// If the sizes do not fit.
    pub fn addr(
        &self,
        vec1: &Tensor,
        vec2: &Tensor,
        beta: impl Into<Scalar>,
        alpha: impl Into<Scalar>,
    ) -> Result<Tensor> {
        let (beta, alpha) = (beta.into(), alpha.into());
        check_vector("addr", "vec1", vec1)?;
        check_vector("addr", "vec2", vec2)?;
        let dtype = self.dtype().promote(vec1.dtype()).promote(vec2.dtype());
        for (name, factor) in [("beta", beta), ("alpha", alpha)] {
            if !dtype.is_floating_point() && matches!(factor, Scalar::Float(_)) {
                return Err(Error::runtime(format!(
                    "For integral input tensors, argument {name} must not be a floating point number."
                )));
            }
        }
        let shape = [vec1.numel(), vec2.numel()];
        let out = no_grad(|| {
            let input = self.expand_to(&shape)?;
            let product = scaled(&vec1.outer(vec2)?, alpha)?;
            if beta.to_f64() == 0.0 { product.to_dtype(dtype) } else { product.add(scaled(&input, beta)?) }
        })?;
        if let Some(mut r) = Recorder::new("AddrBackward0", &[self, vec1, vec2]) {
            let (v1, v2) = (r.save(vec1), r.save(vec2));
            let shape = self.shape();
            r.finish(&out, move |ctx, grad| {
                let gs = ctx.needs(0).then(|| scaled(&grad.sum_to_size(&shape)?, beta)).transpose()?;
                let g1 = ctx
                    .needs(1)
                    .then(|| scaled(&grad.mv(&ctx.saved(v2)?.to_dtype(grad.dtype())?)?, alpha))
                    .transpose()?;
                let g2 = ctx
                    .needs(2)
                    .then(|| scaled(&grad.t()?.mv(&ctx.saved(v1)?.to_dtype(grad.dtype())?)?, alpha))
                    .transpose()?;
                Ok(vec![gs, g1, g2])
            });
        }
        Ok(out)
    }

    /// Sums of products over the last dimension of both: of shapes `(…, k)` and `(…, k)`.
    ///
    /// # Errors
    /// If the last sizes differ.
    pub fn inner(&self, other: &Tensor) -> Result<Tensor> {
        if self.ndim() == 0 || other.ndim() == 0 {
            return self.mul(other);
        }
        let (a, b) = (self.shape(), other.shape());
        if a[a.len() - 1] != b[b.len() - 1] {
            return Err(Error::shape(format!(
                "inner() the last dimension must match on both input tensors but got shapes {a} and {b}"
            )));
        }
        super::tensordot(self, other, &[-1], &[-1])
    }
}
