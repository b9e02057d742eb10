//! Activations that are functions of one number.

use super::{Function, in_place};
use crate::backend::Activation;
use crate::ops::elementwise::{not_implemented, where_};
use crate::{DType, Error, Result, Scalar, Tensor};

/// The scale and slope of `selu`.
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// Which formula `gelu` is computed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GeluApproximation {
    /// The error function.
    #[default]
    None,
    /// A hyperbolic tangent.
    Tanh,
}

impl GeluApproximation {
    /// PyTorch's name of an approximation.
    ///
    /// # Errors
    /// If there is no such approximation.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "none" => Ok(GeluApproximation::None),
            "tanh" => Ok(GeluApproximation::Tanh),
            _ => Err(Error::runtime("approximate argument must be either none or tanh.")),
        }
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident, $name_:ident, $activation:ident, $node:literal, $kernel:literal;)*) => {
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// For dtypes that are no floats.
            pub fn $name(&self) -> Result<Tensor> {
                Function::new(Activation::$activation, [0.0; 2], $node).apply(self, $kernel)
            }

            #[doc = concat!("[`Tensor::", stringify!($name), "`] in place.")]
            ///
            /// # Errors
            /// For dtypes that are no floats, and as every in-place operator.
            pub fn $name_(&self) -> Result<Tensor> {
                in_place(self, stringify!($name_), Tensor::$name)
            }
        )*}
    };
}
functions! {
    /// x·σ(x)
    silu, silu_, Silu, "SiluBackward0", "silu_cpu";
    /// x·tanh(ln(1 + e^x))
    mish, mish_, Mish, "MishBackward0", "mish_cpu";
    /// x·min(max(x + 3, 0), 6)/6
    hardswish, hardswish_, Hardswish, "HardswishBackward0", "hardswish_cpu";
    /// min(max(x + 3, 0), 6)/6
    hardsigmoid, hardsigmoid_, Hardsigmoid, "HardsigmoidBackward0", "hardsigmoid_cpu";
    /// ln(1/(1 + e^-x))
    log_sigmoid, log_sigmoid_, LogSigmoid, "LogSigmoidBackward0", "log_sigmoid_cpu";
}

macro_rules! in_place_forms {
    ($($name:ident, $name_:ident, ($($arg:ident: $ty:ty),*);)*) => {
        impl Tensor {$(
            #[doc = concat!("[`Tensor::", stringify!($name), "`] in place.")]
            ///
            /// # Errors
            /// As the other form, and as every in-place operator.
            pub fn $name_(&self, $($arg: $ty),*) -> Result<Tensor> {
                in_place(self, stringify!($name_), |x| x.$name($($arg),*))
            }
        )*}
    };
}
in_place_forms! {
    leaky_relu, leaky_relu_, (negative_slope: f64);
    elu, elu_, (alpha: f64, scale: f64, input_scale: f64);
    celu, celu_, (alpha: f64);
    selu, selu_, ();
    gelu, gelu_, (approximate: GeluApproximation);
    hardtanh, hardtanh_, (min: Scalar, max: Scalar);
    relu6, relu6_, ();
    threshold, threshold_, (threshold: Scalar, value: Scalar);
}

impl Tensor {
    /// x where it is above 0, else `negative_slope`·x.
    ///
    /// # Errors
    /// For dtypes that are no floats.
    pub fn leaky_relu(&self, negative_slope: f64) -> Result<Tensor> {
        Function::new(Activation::LeakyRelu, [negative_slope, 0.0], "LeakyReluBackward0").apply(self, "leaky_relu_cpu")
    }

    /// `scale`·x where x is above 0, else `scale`·`alpha`·(e^(`input_scale`·x) - 1).
    ///
    /// # Errors
    /// For dtypes that are no floats.
    pub fn elu(&self, alpha: f64, scale: f64, input_scale: f64) -> Result<Tensor> {
        if input_scale != 1.0 {
            let below = self.mul(input_scale)?.expm1()?.mul(alpha * scale)?;
            return where_(&self.gt(0)?, &self.mul(scale)?, &below);
        }
        Function::new(Activation::Elu, [alpha * scale, scale], "EluBackward0").apply(self, "elu_cpu")
    }

    /// x where it is above 0, else `alpha`·(e^(x/`alpha`) - 1).
    ///
    /// # Errors
    /// If `alpha` is 0, and for dtypes that are no floats.
    pub fn celu(&self, alpha: f64) -> Result<Tensor> {
        if alpha == 0.0 {
            return Err(Error::runtime("ZeroDivisionError: alpha cannot be 0 for CELU"));
        }
        Function::new(Activation::Celu, [alpha, 0.0], "CeluBackward0").apply(self, "elu_cpu")
    }

    /// The self-normalising [`Tensor::elu`].
    ///
    /// # Errors
    /// For dtypes that are no floats.
    pub fn selu(&self) -> Result<Tensor> {
        self.elu(SELU_ALPHA, SELU_SCALE, 1.0)
    }

    /// x·Φ(x), with the distribution function Φ of the normal distribution.
    ///
    /// # Errors
    /// For dtypes that are no floats.
    pub fn gelu(&self, approximate: GeluApproximation) -> Result<Tensor> {
        let activation = match approximate {
            GeluApproximation::None => Activation::Gelu,
            GeluApproximation::Tanh => Activation::GeluTanh,
        };
        Function::new(activation, [0.0; 2], "GeluBackward0").apply(self, "GeluKernelImpl")
    }

    /// x cut to [`min`, `max`].
    ///
    /// # Errors
    /// For truth values.
    pub fn hardtanh(&self, min: Scalar, max: Scalar) -> Result<Tensor> {
        let dtype = self.dtype();
        if dtype == DType::Bool {
            return Err(Error::not_implemented("Bool inputs not supported for hardtanh"));
        }
        if dtype == DType::U8 && (min.to_f64() < 0.0 || max.to_f64() < 0.0) {
            return Err(Error::runtime("cannot do hardtanh on an unsigned type with negative limits"));
        }
        if !dtype.is_floating_point() {
            let (min, max) = (Scalar::Int(min.to_i64()), Scalar::Int(max.to_i64()));
            let raised = where_(&self.lt(min)?, min, self)?;
            return where_(&raised.gt(max)?, max, &raised)?.to_dtype(dtype);
        }
        Function::new(Activation::Hardtanh, [min.to_f64(), max.to_f64()], "HardtanhBackward0").apply(self, "hardtanh")
    }

    /// x cut to [0, 6].
    ///
    /// # Errors
    /// For truth values.
    pub fn relu6(&self) -> Result<Tensor> {
        self.hardtanh(Scalar::Int(0), Scalar::Int(6))
    }

    /// x where |x| > `lambd`, else 0.
    ///
    /// # Errors
    /// For dtypes that are no floats.
    pub fn hardshrink(&self, lambd: f64) -> Result<Tensor> {
        Function::new(Activation::Hardshrink, [lambd, 0.0], "HardshrinkBackward0").apply(self, "hardshrink_cpu")
    }

    /// x moved by `lambd` towards 0.
    ///
    /// # Errors
    /// If `lambd` is negative, and for dtypes that are no floats.
    pub fn softshrink(&self, lambd: f64) -> Result<Tensor> {
        if self.dtype().is_floating_point() && (lambd < 0.0 || lambd.is_nan()) {
            let (max, name) = match self.dtype() {
                DType::F64 => ("1.79769e+308", "Double"),
                DType::F16 => ("65504", "Half"),
                DType::BF16 => ("3.38953e+38", "BFloat16"),
                _ => ("3.40282e+38", "Float"),
            };
            return Err(Error::runtime(format!(
                "lambda must be in range [0, {max}] for input dtype {name}, but found {lambd}"
            )));
        }
        Function::new(Activation::Softshrink, [lambd, 0.0], "SoftshrinkBackward0").apply(self, "softshrink_check")
    }

    /// ln(1 + e^(`beta`·x))/`beta`, and x itself where `beta`·x > `threshold`.
    ///
    /// # Errors
    /// For dtypes that are no floats.
    pub fn softplus(&self, beta: f64, threshold: f64) -> Result<Tensor> {
        Function::new(Activation::Softplus, [beta, threshold], "SoftplusBackward0").apply(self, "softplus_cpu")
    }

    /// x where it is above `threshold`, else `value`.
    ///
    /// # Errors
    /// For truth values.
    pub fn threshold(&self, threshold: Scalar, value: Scalar) -> Result<Tensor> {
        let dtype = self.dtype();
        if dtype == DType::Bool {
            return Err(not_implemented("threshold_cpu", dtype));
        }
        if !dtype.is_floating_point() {
            let (threshold, value) = (Scalar::Int(threshold.to_i64()), Scalar::Int(value.to_i64()));
            return where_(&self.gt(threshold)?, self, value)?.to_dtype(dtype);
        }
        let parameters = [threshold.to_f64(), value.to_f64()];
        Function::new(Activation::Threshold, parameters, "ThresholdBackward0").apply(self, "threshold_cpu")
    }

    /// x/(1 + |x|)
    ///
    /// # Errors
    /// For truth values.
    pub fn softsign(&self) -> Result<Tensor> {
        self.div(&self.abs()?.add(1)?)
    }

    /// x - tanh(x)
    ///
    /// # Errors
    /// For truth values.
    pub fn tanhshrink(&self) -> Result<Tensor> {
        self.sub(&self.tanh()?)
    }
}
