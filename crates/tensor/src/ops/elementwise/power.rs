//! Powers.

use super::arithmetic::{binary_raw, inputs, reduce_to};
use super::{result_type, unary_raw, where_};
use crate::autograd::Recorder;
use crate::backend::{BinaryOp, UnaryOp};
use crate::ops::Operand;
use crate::{DType, Error, Result, Scalar, Tensor};

impl Tensor {
    /// self to the power of a tensor or a number, broadcast and promoted.
    ///
    /// # Errors
    /// If the shapes do not broadcast, or integers meet a negative integer exponent.
    pub fn pow(&self, exponent: impl Into<Operand>) -> Result<Tensor> {
        match exponent.into() {
            Operand::Scalar(n) => self.pow_number(n),
            Operand::Tensor(t) => pow_tensors(&Operand::from(self), &t),
        }
    }

    fn pow_number(&self, n: Scalar) -> Result<Tensor> {
        let dtype = result_type([&Operand::from(self), &Operand::Scalar(n)]);
        if !dtype.is_floating_point() && n.to_i64() < 0 {
            return Err(Error::runtime("Integers to negative integer powers are not allowed."));
        }
        let out = if n.to_f64() == 0.0 {
            let out = unary_raw(self, UnaryOp::Copy, dtype, dtype, [Scalar::Int(0); 2])?;
            out.fill_raw(1)?;
            out
        } else if n.to_f64() == 1.0 {
            unary_raw(self, UnaryOp::Copy, dtype, dtype, [Scalar::Int(0); 2])?
        } else {
            let op = match n.to_f64() {
                2.0 => UnaryOp::Square,
                0.5 if dtype.is_floating_point() => UnaryOp::Sqrt,
                -0.5 if dtype.is_floating_point() => UnaryOp::Rsqrt,
                -1.0 if dtype.is_floating_point() => UnaryOp::Reciprocal,
                _ => UnaryOp::PowScalar,
            };
            if dtype == DType::Bool {
                return Err(super::not_implemented("pow", dtype));
            }
            unary_raw(self, op, dtype, dtype, [n; 2])?
        };
        if dtype.is_floating_point()
            && let Some(mut r) = Recorder::new("PowBackward0", &[self])
        {
            let saved = r.save(self);
            let from = self.dtype();
            r.finish(&out, move |ctx, grad| {
                let x = ctx.saved(saved)?;
                let g = match n.to_f64() {
                    0.0 => super::zeros(&x.shape(), from)?,
                    p => {
                        let lower = match n {
                            Scalar::Float(_) => Scalar::Float(p - 1.0),
                            _ => Scalar::Int(n.to_i64() - 1),
                        };
                        grad.mul(x.pow(lower)?.mul(n)?)?.to_dtype(from)?
                    }
                };
                Ok(vec![Some(g)])
            });
        }
        Ok(out)
    }
}

/// A number to the power of a tensor (`torch.pow(2, x)`).
///
/// # Errors
/// If the dtype has no powers.
pub fn pow_base(base: impl Into<Scalar>, exponent: &Tensor) -> Result<Tensor> {
    let base = base.into();
    if base.to_f64() == 1.0 {
        let dtype = result_type([&Operand::Scalar(base), &Operand::from(exponent)]);
        let out = unary_raw(exponent, UnaryOp::Copy, dtype, dtype, [Scalar::Int(0); 2])?;
        out.fill_raw(1)?;
        return Ok(out);
    }
    pow_tensors(&Operand::Scalar(base), exponent)
}

fn pow_tensors(base: &Operand, exponent: &Tensor) -> Result<Tensor> {
    let right = Operand::from(exponent);
    let dtype = result_type([base, &right]);
    if dtype == DType::Bool {
        return Err(super::not_implemented("pow", dtype));
    }
    let out = binary_raw(BinaryOp::Pow, base, &right, Scalar::Int(1), dtype, dtype)?;
    match base {
        Operand::Tensor(x) => {
            if let Some(mut r) = Recorder::new("PowBackward1", &inputs(x, &right)) {
                let (sx, sn, so) = (r.save(x), r.save(exponent), r.save_output(&out, 0));
                r.finish(&out, move |ctx, grad| {
                    let (x, n) = (ctx.saved(sx)?, ctx.saved(sn)?);
                    let gx = ctx
                        .needs(0)
                        .then(|| {
                            let slope = grad.mul(n.mul(x.pow(n.sub(1)?)?)?)?;
                            reduce_to(&where_(&n.eq(0.0)?, 0.0, &slope)?, &x.shape(), x.dtype())
                        })
                        .transpose()?;
                    let gn = ctx
                        .needs(1)
                        .then(|| {
                            // 0^n is flat in n wherever n >= 0.
                            let flat = x.eq(0.0)?.logical_and(&n.ge(0.0)?)?;
                            let slope = grad.mul(&where_(&flat, 0.0, &ctx.saved(so)?.mul(x.log()?)?)?)?;
                            reduce_to(&slope, &n.shape(), n.dtype())
                        })
                        .transpose()?;
                    Ok(vec![gx, gn])
                });
            }
        }
        Operand::Scalar(b) => {
            if let Some(mut r) = Recorder::new("PowBackward2", &[exponent]) {
                let (b, sn, so) = (b.to_f64(), r.save(exponent), r.save_output(&out, 0));
                r.finish(&out, move |ctx, grad| {
                    let n = ctx.saved(sn)?;
                    let slope = ctx.saved(so)?.mul(b.ln())?;
                    let slope = if b == 0.0 { where_(&n.ge(0.0)?, 0.0, &slope)? } else { slope };
                    Ok(vec![Some(grad.mul(&slope)?.to_dtype(n.dtype())?)])
                });
            }
        }
    }
    Ok(out)
}
