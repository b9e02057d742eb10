//! The in-place forms, and the direct way for those that optimisers live on.

use super::{RoundingMode, broadcast_layout, expanded, result_type};
use crate::autograd::is_grad_enabled;
use crate::backend::{BinaryOp, Source, TernaryOp, UnaryOp};
use crate::ops::Operand;
use crate::{Array, Error, Result, Scalar, Tensor};

/// PyTorch's refusal of an operand that shares some, but not all, memory with what is written.
fn check_no_partial_overlap(target: &Array, source: &Array) -> Result<()> {
    let same = target.layout() == source.layout() && target.dtype() == source.dtype();
    if !same
        && std::sync::Arc::ptr_eq(target.storage(), source.storage())
        && target.layout().is_dense()
        && source.layout().is_dense()
        && target.may_overlap(source)
    {
        return Err(Error::runtime(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation.",
        ));
    }
    Ok(())
}

/// Whether an operator may write straight into `target`: nothing is recorded, the result has the
/// target's shape and dtype, and operands share its memory element for element or not at all.
fn direct(target: &Tensor, others: &[&Operand]) -> Result<bool> {
    let array = target.array();
    let mut quiet = !(is_grad_enabled() && target.requires_grad());
    let mut fits = array.dtype().is_floating_point();
    for operand in others {
        let Operand::Tensor(t) = operand else { continue };
        quiet &= !(is_grad_enabled() && t.requires_grad());
        let other = t.array();
        check_no_partial_overlap(&array, &other)?;
        let shape = super::shape::broadcast_pair(array.shape(), other.shape())?;
        fits &= shape == *array.shape();
        let same = broadcast_layout(other.layout(), &shape).strides() == array.strides()
            && other.layout().offset() == array.layout().offset()
            && other.dtype() == array.dtype();
        fits &= !std::sync::Arc::ptr_eq(array.storage(), other.storage()) || same || !array.may_overlap(&other);
    }
    let own = Operand::from(target);
    fits &= result_type(std::iter::once(&own).chain(others.iter().copied())) == array.dtype();
    Ok(quiet && fits)
}

fn written(target: &Tensor) -> Result<Tensor> {
    target.bump_version();
    Ok(target.clone())
}

impl Tensor {
    fn direct_binary(&self, op: BinaryOp, other: &Operand, alpha: Scalar) -> Result<Tensor> {
        self.check_in_place(false)?;
        let array = self.array();
        let other = expanded(other, array.shape())?;
        self.backend().binary(op, array.dtype(), alpha, [Source::Array(&array), other.source()], &array)?;
        written(self)
    }

    fn direct_ternary(&self, op: TernaryOp, others: [&Operand; 2], value: Scalar) -> Result<Tensor> {
        self.check_in_place(false)?;
        let array = self.array();
        let [b, c] = others.map(|o| expanded(o, array.shape()));
        let (b, c) = (b?, c?);
        self.backend().ternary(op, array.dtype(), value, [Source::Array(&array), b.source(), c.source()], &array)?;
        written(self)
    }

    fn unary_in_place(
        &self,
        name: &str,
        op: UnaryOp,
        function: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        if !direct(self, &[])? {
            return self.write_in_place(name, function);
        }
        self.check_in_place(false)?;
        let array = self.array();
        self.backend().unary(op, array.dtype(), [Scalar::Int(0); 2], Source::Array(&array), &array)?;
        written(self)
    }

    fn binary_in_place(
        &self,
        name: &str,
        (op, alpha): (Option<BinaryOp>, Scalar),
        other: Operand,
        function: impl FnOnce(&Tensor, Operand) -> Result<Tensor>,
    ) -> Result<Tensor> {
        match op {
            Some(op) if direct(self, &[&other])? => self.direct_binary(op, &other, alpha),
            _ => {
                if let Operand::Tensor(t) = &other {
                    check_no_partial_overlap(&self.array(), &t.array())?;
                }
                self.write_in_place(name, |x| function(x, other))
            }
        }
    }

    /// self += other.
    ///
    /// # Errors
    /// As [`Tensor::add`], and PyTorch's for in-place writes.
    pub fn add_(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.add_alpha_(other, 1)
    }

    /// self += alpha·other.
    ///
    /// # Errors
    /// As [`Tensor::add_alpha`], and PyTorch's for in-place writes.
    pub fn add_alpha_(&self, other: impl Into<Operand>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        let alpha = alpha.into();
        let op = (!matches!(alpha, Scalar::Bool(_))).then_some(BinaryOp::Add);
        self.binary_in_place("add_", (op, alpha), other.into(), |x, y| x.add_alpha(y, alpha))
    }

    /// self -= other.
    ///
    /// # Errors
    /// As [`Tensor::sub`], and PyTorch's for in-place writes.
    pub fn sub_(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.sub_alpha_(other, 1)
    }

    /// self -= alpha·other.
    ///
    /// # Errors
    /// As [`Tensor::sub_alpha`], and PyTorch's for in-place writes.
    pub fn sub_alpha_(&self, other: impl Into<Operand>, alpha: impl Into<Scalar>) -> Result<Tensor> {
        let (other, alpha) = (other.into(), alpha.into());
        super::arithmetic::check_sub(self, &other)?;
        let op = (!matches!(alpha, Scalar::Bool(_))).then_some(BinaryOp::Add);
        let negative = super::arithmetic::negate(alpha);
        self.binary_in_place("sub_", (op, negative), other, |x, y| x.sub_alpha(y, alpha))
    }

    /// self *= other.
    ///
    /// # Errors
    /// As [`Tensor::mul`], and PyTorch's for in-place writes.
    pub fn mul_(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.binary_in_place("mul_", (Some(BinaryOp::Mul), Scalar::Int(1)), other.into(), |x, y| x.mul(y))
    }

    /// self /= other.
    ///
    /// # Errors
    /// As [`Tensor::div`], and PyTorch's for in-place writes.
    pub fn div_(&self, other: impl Into<Operand>) -> Result<Tensor> {
        self.binary_in_place("div_", (Some(BinaryOp::Div), Scalar::Int(1)), other.into(), |x, y| x.div(y))
    }

    /// [`Tensor::div_rounded`] in place.
    ///
    /// # Errors
    /// As [`Tensor::div_rounded`], and PyTorch's for in-place writes.
    pub fn div_rounded_(&self, other: impl Into<Operand>, rounding: Option<RoundingMode>) -> Result<Tensor> {
        let other = other.into();
        self.write_in_place("div_", |x| x.div_rounded(other, rounding))
    }

    /// self += value·a·b.
    ///
    /// # Errors
    /// As [`Tensor::addcmul`], and PyTorch's for in-place writes.
    pub fn addcmul_(&self, a: &Tensor, b: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let (oa, ob, value) = (Operand::from(a), Operand::from(b), value.into());
        if direct(self, &[&oa, &ob])? {
            return self.direct_ternary(TernaryOp::Addcmul, [&oa, &ob], value);
        }
        self.write_in_place("addcmul_", |x| x.addcmul(a, b, value))
    }

    /// self += value·a/b.
    ///
    /// # Errors
    /// As [`Tensor::addcdiv`], and PyTorch's for in-place writes.
    pub fn addcdiv_(&self, a: &Tensor, b: &Tensor, value: impl Into<Scalar>) -> Result<Tensor> {
        let (oa, ob, value) = (Operand::from(a), Operand::from(b), value.into());
        let floats = a.dtype().is_floating_point() || b.dtype().is_floating_point();
        if floats && direct(self, &[&oa, &ob])? {
            return self.direct_ternary(TernaryOp::Addcdiv, [&oa, &ob], value);
        }
        self.write_in_place("addcdiv_", |x| x.addcdiv(a, b, value))
    }

    /// [`Tensor::lerp`] in place.
    ///
    /// # Errors
    /// As [`Tensor::lerp`], and PyTorch's for in-place writes.
    pub fn lerp_(&self, end: &Tensor, weight: impl Into<Operand>) -> Result<Tensor> {
        let (operand, weight) = (Operand::from(end), weight.into());
        let same = end.dtype() == self.dtype() && weight.tensor().is_none_or(|w| w.dtype() == self.dtype());
        if same && direct(self, &[&operand, &weight])? {
            return self.direct_ternary(TernaryOp::Lerp, [&operand, &weight], Scalar::Int(0));
        }
        self.write_in_place("lerp_", |x| x.lerp(end, weight))
    }

    /// [`Tensor::clamp`] in place.
    ///
    /// # Errors
    /// As [`Tensor::clamp`], and PyTorch's for in-place writes.
    pub fn clamp_(&self, min: Option<Operand>, max: Option<Operand>) -> Result<Tensor> {
        self.write_in_place("clamp_", |x| x.clamp(min, max))
    }
}

macro_rules! unary_forms {
    ($($name:ident, $plain:ident, $op:ident;)*) => {
        impl Tensor {$(
            #[doc = concat!("[`Tensor::", stringify!($plain), "`] in place.")]
            ///
            /// # Errors
            /// As the plain form, and PyTorch's for in-place writes.
            pub fn $name(&self) -> Result<Tensor> {
                self.unary_in_place(stringify!($name), UnaryOp::$op, |x| x.$plain())
            }
        )*}
    };
}
unary_forms! {
    neg_, neg, Neg; abs_, abs, Abs; sign_, sign, Sign; exp_, exp, Exp; exp2_, exp2, Exp2; expm1_, expm1, Expm1;
    log_, log, Log; log2_, log2, Log2; log10_, log10, Log10; log1p_, log1p, Log1p; sqrt_, sqrt, Sqrt;
    rsqrt_, rsqrt, Rsqrt; square_, square, Square; reciprocal_, reciprocal, Reciprocal; sin_, sin, Sin; cos_, cos, Cos;
    tan_, tan, Tan; asin_, asin, Asin; acos_, acos, Acos; atan_, atan, Atan; sinh_, sinh, Sinh; cosh_, cosh, Cosh;
    tanh_, tanh, Tanh; asinh_, asinh, Asinh; acosh_, acosh, Acosh; atanh_, atanh, Atanh; sigmoid_, sigmoid, Sigmoid;
    erf_, erf, Erf; erfc_, erfc, Erfc; erfinv_, erfinv, Erfinv; floor_, floor, Floor; ceil_, ceil, Ceil;
    round_, round, Round; trunc_, trunc, Trunc; frac_, frac, Frac; relu_, relu, Relu; lgamma_, lgamma, Lgamma;
    digamma_, digamma, Digamma; sinc_, sinc, Sinc;
}

macro_rules! forms {
    ($($name:ident, $plain:ident ($($arg:ident: $ty:ty),*);)*) => {
        impl Tensor {$(
            #[doc = concat!("[`Tensor::", stringify!($plain), "`] in place.")]
            ///
            /// # Errors
            /// As the plain form, and PyTorch's for in-place writes.
            pub fn $name(&self $(, $arg: $ty)*) -> Result<Tensor> {
                $(let $arg = $arg.into();)*
                self.write_in_place(stringify!($name), |x| x.$plain($($arg),*))
            }
        )*}
    };
}
forms! {
    pow_, pow(exponent: impl Into<Operand>);
    remainder_, remainder(other: impl Into<Operand>);
    fmod_, fmod(other: impl Into<Operand>);
    floor_divide_, floor_divide(other: impl Into<Operand>);
    float_power_, float_power(exponent: impl Into<Operand>);
    atan2_, atan2(other: impl Into<Operand>);
    hypot_, hypot(other: impl Into<Operand>);
    xlogy_, xlogy(other: impl Into<Operand>);
    copysign_, copysign(other: impl Into<Operand>);
    nextafter_, nextafter(other: impl Into<Operand>);
    bitwise_and_, bitwise_and(other: impl Into<Operand>);
    bitwise_or_, bitwise_or(other: impl Into<Operand>);
    bitwise_xor_, bitwise_xor(other: impl Into<Operand>);
    bitwise_left_shift_, bitwise_left_shift(other: impl Into<Operand>);
    bitwise_right_shift_, bitwise_right_shift(other: impl Into<Operand>);
    bitwise_not_, bitwise_not();
    gcd_, gcd(other: impl Into<Operand>);
    lcm_, lcm(other: impl Into<Operand>);
    clamp_min_, clamp_min(min: impl Into<Operand>);
    clamp_max_, clamp_max(max: impl Into<Operand>);
    round_decimals_, round_decimals(decimals: i64);
    logit_, logit(eps: Option<f64>);
    deg2rad_, deg2rad();
    rad2deg_, rad2deg();
}

/// Comparisons in place write 0 and 1 in the tensor's own dtype.
macro_rules! comparisons {
    ($($name:ident, $plain:ident;)*) => {
        impl Tensor {$(
            #[doc = concat!("[`Tensor::", stringify!($plain), "`] in place, in this tensor's dtype.")]
            ///
            /// # Errors
            /// As the plain form, and PyTorch's for in-place writes.
            pub fn $name(&self, other: impl Into<Operand>) -> Result<Tensor> {
                let other = other.into();
                self.write_in_place(stringify!($name), |x| x.$plain(other)?.to_dtype(x.dtype()))
            }
        )*}
    };
}
comparisons! {
    eq_, eq; ne_, ne; lt_, lt; le_, le; gt_, gt; ge_, ge;
    logical_and_, logical_and; logical_or_, logical_or; logical_xor_, logical_xor;
}

impl Tensor {
    /// [`Tensor::logical_not`] in place, in this tensor's dtype.
    ///
    /// # Errors
    /// PyTorch's for in-place writes.
    pub fn logical_not_(&self) -> Result<Tensor> {
        self.write_in_place("logical_not_", |x| x.logical_not()?.to_dtype(x.dtype()))
    }

    /// [`Tensor::heaviside`] in place.
    ///
    /// # Errors
    /// As the plain form, and PyTorch's for in-place writes.
    pub fn heaviside_(&self, values: &Tensor) -> Result<Tensor> {
        self.write_in_place("heaviside_", |x| x.heaviside(values))
    }

    /// [`Tensor::nan_to_num`] in place.
    ///
    /// # Errors
    /// PyTorch's for in-place writes.
    pub fn nan_to_num_(&self, nan: Option<f64>, posinf: Option<f64>, neginf: Option<f64>) -> Result<Tensor> {
        self.write_in_place("nan_to_num_", |x| x.nan_to_num(nan, posinf, neginf))
    }
}
