//! Activation functions, with their first and second derivatives.

use super::{Compute, Kernel, Parameters, math};

/// A function of one number with a known derivative. Functions take up to two parameters, called
/// `p` and `q` here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// max(x, 0)
    Relu,
    /// x where it is above 0, else p·x.
    LeakyRelu,
    /// q·x where it is above 0, else p·(e^x - 1).
    Elu,
    /// x where it is above 0, else p·(e^(x/p) - 1).
    Celu,
    /// x·Φ(x) with the normal distribution Φ.
    Gelu,
    /// The approximation of `Gelu` by a hyperbolic tangent.
    GeluTanh,
    /// x·σ(x)
    Silu,
    /// x·tanh(softplus(x))
    Mish,
    /// x·min(max(x + 3, 0), 6)/6
    Hardswish,
    /// min(max(x + 3, 0), 6)/6
    Hardsigmoid,
    /// x cut to [p, q].
    Hardtanh,
    /// x where |x| > p, else 0.
    Hardshrink,
    /// x moved by p towards 0.
    Softshrink,
    /// ln(1 + e^(p·x))/p, x where p·x > q.
    Softplus,
    /// ln(σ(x))
    LogSigmoid,
    /// x where it is above p, else q.
    Threshold,
}

/// Which derivative of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// The slope.
    First,
    /// The slope of the slope.
    Second,
}

/// The type-dependent functions under common names.
trait Functions: Sized {
    fn exp_(self) -> Self;
    fn tanh_(self) -> Self;
    fn erf_(self) -> Self;
    /// ln(1 + e^self)
    fn softplus_(self) -> Self;
}

/// The error function for float32, from polynomials fitted by least squares: one for erf(x)/x near
/// zero, one for ln(erfc(x)) elsewhere.
#[inline(always)]
fn erf32(x: f32) -> f32 {
    let a = x.abs();
    let s = a * a;
    let mut near = 8.534_12e-5_f32;
    for c in [-8.180_781e-4, 5.204_331_6e-3, -2.686_070_9e-2, 1.128_371_9e-1, -3.761_263_5e-1] {
        near = near.mul_add(s, c);
    }
    // The leading coefficient 2/√π as 1 + the rest, so that the product is rounded once.
    let near = near.mul_add(s, 0.128_379_17).mul_add(a, a);
    let t = a.min(4.0);
    let mut far = -1.892_69e-5_f32;
    for c in [4.062_391_7e-4, -4.018_898_6e-3, 2.467_879e-2, -1.075_394_75e-1, -6.340_7e-1, -1.129_134_8, 9.155_78e-5] {
        far = far.mul_add(t, c);
    }
    let far = 1.0 - math::exp(far);
    let y = if a < 0.9 { near } else { far };
    let y = y.copysign(x);
    if x.is_nan() { x } else { y }
}

impl Functions for f32 {
    #[inline(always)]
    fn exp_(self) -> f32 {
        math::exp(self)
    }
    #[inline(always)]
    fn tanh_(self) -> f32 {
        math::tanh(self)
    }
    #[inline(always)]
    fn erf_(self) -> f32 {
        erf32(self)
    }
    #[inline(always)]
    fn softplus_(self) -> f32 {
        // ln(1 + u) for u = e^-|x| in (0, 1]: exact 1 + u, and what it lost to rounding.
        let u = math::exp(-self.abs());
        let one_plus = 1.0 + u;
        let lost = u - (one_plus - 1.0);
        self.max(0.0) + (math::log(one_plus) + lost / one_plus)
    }
}

impl Functions for f64 {
    #[inline(always)]
    fn exp_(self) -> f64 {
        self.exp()
    }
    #[inline(always)]
    fn tanh_(self) -> f64 {
        self.tanh()
    }
    #[inline(always)]
    fn erf_(self) -> f64 {
        libm::erf(self)
    }
    #[inline(always)]
    fn softplus_(self) -> f64 {
        self.max(0.0) + (-self.abs()).exp().ln_1p()
    }
}

macro_rules! unary {
    ($t:ty, |$x:ident, $p:ident, $q:ident| $e:expr) => {{
        crate::multiversion! {
            fn apply(out: &mut [$t], a: &[$t], p: &Parameters) {
                let ($p, $q) = (p.float[0] as $t, p.float[1] as $t);
                let _ = ($p, $q);
                for (o, &$x) in out.iter_mut().zip(a) {
                    *o = $e;
                }
            }
        }
        unsafe fn erased(out: *mut u8, inputs: [*const u8; 3], n: usize, p: &Parameters) {
            // SAFETY: the engine hands out blocks of `n` elements that do not overlap.
            let (out, a) = unsafe {
                (
                    std::slice::from_raw_parts_mut(out.cast::<$t>(), n),
                    std::slice::from_raw_parts(inputs[0].cast::<$t>(), n),
                )
            };
            apply(out, a, p);
        }
        erased as super::BlockFn
    }};
}

/// A derivative times the first input.
macro_rules! scaled {
    ($t:ty, |$g:ident, $x:ident, $p:ident, $q:ident| $e:expr) => {{
        crate::multiversion! {
            fn apply(out: &mut [$t], g: &[$t], x: &[$t], p: &Parameters) {
                let ($p, $q) = (p.float[0] as $t, p.float[1] as $t);
                let _ = ($p, $q);
                for ((o, &$g), &$x) in out.iter_mut().zip(g).zip(x) {
                    *o = $e;
                }
            }
        }
        unsafe fn erased(out: *mut u8, inputs: [*const u8; 3], n: usize, p: &Parameters) {
            // SAFETY: the engine hands out blocks of `n` elements that do not overlap.
            let (out, g, x) = unsafe {
                (
                    std::slice::from_raw_parts_mut(out.cast::<$t>(), n),
                    std::slice::from_raw_parts(inputs[0].cast::<$t>(), n),
                    std::slice::from_raw_parts(inputs[1].cast::<$t>(), n),
                )
            };
            apply(out, g, x, p);
        }
        erased as super::BlockFn
    }};
}

/// 1/√2, √(2/π), 1/√(2π) and the cubic coefficient of the approximated `Gelu`.
const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
const SQRT_2_PI: f64 = 0.797_884_560_802_865_4;
const DENSITY: f64 = 0.398_942_280_401_432_7;
const CUBIC: f64 = 0.044_715;

macro_rules! activations {
    ($value:ident, $first:ident, $second:ident, $t:ident) => {
        fn $value(activation: Activation) -> super::BlockFn {
            use Activation::*;
            match activation {
                // NaN compares as not below: it stays.
                Relu => unary!($t, |x, p, q| if x < 0.0 { 0.0 } else { x }),
                LeakyRelu => unary!($t, |x, p, q| if x > 0.0 { x } else { x * p }),
                Elu => unary!($t, |x, p, q| {
                    // Near zero e^x - 1 cancels; its Taylor series does not.
                    if x <= 0.0 { p * expm1(x, x.exp_()) } else { x * q }
                }),
                Celu => unary!($t, |x, p, q| {
                    let y = x / p;
                    if x <= 0.0 { p * expm1(y, y.exp_()) } else { x }
                }),
                Gelu => unary!($t, |x, p, q| 0.5 * x * (1.0 + (x * SQRT_HALF as $t).erf_())),
                GeluTanh => unary!($t, |x, p, q| {
                    0.5 * x * (1.0 + (SQRT_2_PI as $t * (x + CUBIC as $t * x * x * x)).tanh_())
                }),
                Silu => unary!($t, |x, p, q| x / (1.0 + (-x).exp_())),
                Mish => unary!($t, |x, p, q| x * x.softplus_().tanh_()),
                Hardswish => unary!($t, |x, p, q| x * clip(x + 3.0, 0.0, 6.0) / 6.0),
                Hardsigmoid => unary!($t, |x, p, q| clip(x + 3.0, 0.0, 6.0) / 6.0),
                Hardtanh => unary!($t, |x, p, q| clip(x, p, q)),
                Hardshrink => unary!($t, |x, p, q| if x >= -p && x <= p { 0.0 } else { x }),
                Softshrink => unary!($t, |x, p, q| {
                    if x > p {
                        x - p
                    } else if x < -p {
                        x + p
                    } else {
                        x * 0.0
                    }
                }),
                Softplus => unary!($t, |x, p, q| if x * p > q { x } else { (x * p).softplus_() / p }),
                LogSigmoid => unary!($t, |x, p, q| -(-x).softplus_()),
                Threshold => unary!($t, |x, p, q| if x <= p { q } else { x }),
            }
        }

        fn $first(activation: Activation) -> super::BlockFn {
            use Activation::*;
            match activation {
                Relu => scaled!($t, |g, x, p, q| if x <= 0.0 { 0.0 } else { g }),
                LeakyRelu => scaled!($t, |g, x, p, q| if x > 0.0 { g } else { g * p }),
                Elu => scaled!($t, |g, x, p, q| if x <= 0.0 { g * p * x.exp_() } else { g * q }),
                Celu => scaled!($t, |g, x, p, q| if x <= 0.0 { g * (x / p).exp_() } else { g }),
                Gelu => scaled!($t, |g, x, p, q| {
                    let below = 0.5 * (1.0 + (x * SQRT_HALF as $t).erf_());
                    g * (below + x * (DENSITY as $t * (-0.5 * x * x).exp_()))
                }),
                GeluTanh => scaled!($t, |g, x, p, q| {
                    let (c, k) = (SQRT_2_PI as $t, CUBIC as $t);
                    let t = (c * (x + k * x * x * x)).tanh_();
                    g * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * c * (1.0 + 3.0 * k * x * x))
                }),
                Silu => scaled!($t, |g, x, p, q| {
                    let s = 1.0 / (1.0 + (-x).exp_());
                    g * s * (1.0 + x * (1.0 - s))
                }),
                Mish => scaled!($t, |g, x, p, q| {
                    let (t, s) = (x.softplus_().tanh_(), 1.0 / (1.0 + (-x).exp_()));
                    g * (t + x * s * (1.0 - t * t))
                }),
                Hardswish => scaled!($t, |g, x, p, q| {
                    if x <= -3.0 {
                        0.0
                    } else if x < 3.0 {
                        g * (x / 3.0 + 0.5)
                    } else {
                        g
                    }
                }),
                // PyTorch's factor is a sixth in single precision, whatever the dtype.
                Hardsigmoid => {
                    scaled!($t, |g, x, p, q| if x > -3.0 && x < 3.0 { g * (1.0f32 / 6.0) as $t } else { 0.0 })
                }
                Hardtanh => scaled!($t, |g, x, p, q| if x <= p || x >= q { 0.0 } else { g }),
                Hardshrink | Softshrink => scaled!($t, |g, x, p, q| if x >= -p && x <= p { 0.0 } else { g }),
                Softplus => scaled!($t, |g, x, p, q| if x * p > q { g } else { g / (1.0 + (-x * p).exp_()) }),
                LogSigmoid => scaled!($t, |g, x, p, q| g / (1.0 + x.exp_())),
                Threshold => scaled!($t, |g, x, p, q| if x <= p { 0.0 } else { g }),
            }
        }

        fn $second(activation: Activation) -> Option<super::BlockFn> {
            use Activation::*;
            Some(match activation {
                Elu => scaled!($t, |g, x, p, q| if x <= 0.0 { g * p * x.exp_() } else { 0.0 }),
                Celu => scaled!($t, |g, x, p, q| if x <= 0.0 { g * (x / p).exp_() / p } else { 0.0 }),
                Gelu => scaled!($t, |g, x, p, q| g * (DENSITY as $t * (-0.5 * x * x).exp_()) * (2.0 - x * x)),
                GeluTanh => scaled!($t, |g, x, p, q| {
                    let (c, k) = (SQRT_2_PI as $t, CUBIC as $t);
                    let t = (c * (x + k * x * x * x)).tanh_();
                    let (u, v) = (c * (1.0 + 3.0 * k * x * x), c * 6.0 * k * x);
                    let slope = 1.0 - t * t;
                    g * slope * (u + 0.5 * x * v - x * t * u * u)
                }),
                Silu => scaled!($t, |g, x, p, q| {
                    let s = 1.0 / (1.0 + (-x).exp_());
                    g * s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s))
                }),
                Mish => scaled!($t, |g, x, p, q| {
                    let (t, s) = (x.softplus_().tanh_(), 1.0 / (1.0 + (-x).exp_()));
                    let slope = 1.0 - t * t;
                    g * slope * (2.0 * s + x * (s * (1.0 - s) - 2.0 * s * s * t))
                }),
                Hardswish => scaled!($t, |g, x, p, q| if x > -3.0 && x < 3.0 { g / 3.0 } else { 0.0 }),
                Softplus => scaled!($t, |g, x, p, q| {
                    let s = 1.0 / (1.0 + (-x * p).exp_());
                    if x * p > q { 0.0 } else { g * p * s * (1.0 - s) }
                }),
                LogSigmoid => scaled!($t, |g, x, p, q| {
                    let s = 1.0 / (1.0 + x.exp_());
                    -g * s * (1.0 - s)
                }),
                // Made of straight lines.
                Relu | LeakyRelu | Hardsigmoid | Hardtanh | Hardshrink | Softshrink | Threshold => return None,
            })
        }
    };
}

/// e^x - 1, given e^x.
#[inline(always)]
fn expm1<T>(x: T, exp: T) -> T
where
    T: Copy + PartialOrd + std::ops::Mul<Output = T> + std::ops::Add<Output = T> + std::ops::Sub<Output = T> + Small,
{
    // The first terms of the series, enough for |x| below the bound.
    if x > T::of(-T::BOUND) && x < T::of(T::BOUND) {
        let mut sum = T::of(1.0);
        for n in (2..T::TERMS).rev() {
            sum = T::of(1.0) + x * sum * T::of(1.0 / n as f64);
        }
        x * sum
    } else {
        exp - T::of(1.0)
    }
}

/// How far and with how many terms the series of `expm1` is used.
trait Small {
    const BOUND: f64 = 0.5;
    const TERMS: usize;
    fn of(value: f64) -> Self;
}

impl Small for f32 {
    const TERMS: usize = 9;
    #[inline(always)]
    fn of(value: f64) -> f32 {
        value as f32
    }
}

impl Small for f64 {
    const TERMS: usize = 16;
    #[inline(always)]
    fn of(value: f64) -> f64 {
        value
    }
}

/// A cut that leaves NaN.
#[inline(always)]
fn clip<T: PartialOrd>(x: T, low: T, high: T) -> T {
    if x < low {
        low
    } else if x > high {
        high
    } else {
        x
    }
}

activations!(value32, first32, second32, f32);
activations!(value64, first64, second64, f64);

/// The kernel `f(x)`; `None` for integers.
pub fn activation(activation: Activation, compute: Compute) -> Option<Kernel> {
    let function = match compute {
        Compute::F32 => value32(activation),
        Compute::F64 => value64(activation),
        Compute::I64 => return None,
    };
    Some(Kernel { inputs: [compute.kind(); 3], output: compute.kind(), function })
}

/// The kernel `g · f'(x)` or `g · f''(x)` of `(g, x)`; `None` for integers, and for second
/// derivatives that are zero everywhere.
pub fn activation_derivative(activation: Activation, order: Order, compute: Compute) -> Option<Kernel> {
    let function = match (compute, order) {
        (Compute::F32, Order::First) => first32(activation),
        (Compute::F64, Order::First) => first64(activation),
        (Compute::F32, Order::Second) => second32(activation)?,
        (Compute::F64, Order::Second) => second64(activation)?,
        (Compute::I64, _) => return None,
    };
    Some(Kernel { inputs: [compute.kind(); 3], output: compute.kind(), function })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementwise::Number;
    use Activation::*;

    const ALL: [(Activation, [f64; 2]); 16] = [
        (Relu, [0.0, 0.0]),
        (LeakyRelu, [0.2, 0.0]),
        (Elu, [1.3, 0.8]),
        (Celu, [1.7, 0.0]),
        (Gelu, [0.0, 0.0]),
        (GeluTanh, [0.0, 0.0]),
        (Silu, [0.0, 0.0]),
        (Mish, [0.0, 0.0]),
        (Hardswish, [0.0, 0.0]),
        (Hardsigmoid, [0.0, 0.0]),
        (Hardtanh, [-1.1, 0.9]),
        (Hardshrink, [0.6, 0.0]),
        (Softshrink, [0.6, 0.0]),
        (Softplus, [1.4, 5.0]),
        (LogSigmoid, [0.0, 0.0]),
        (Threshold, [0.1, -7.0]),
    ];

    fn parameters([p, q]: [f64; 2]) -> Parameters {
        Parameters::new(Number::Float(p), Number::Float(q))
    }

    fn apply<T: Copy + Default>(kernel: Kernel, inputs: [&[T]; 2], p: &Parameters) -> Vec<T> {
        let mut out = vec![T::default(); inputs[0].len()];
        let pointers = [inputs[0].as_ptr().cast(), inputs[1].as_ptr().cast(), std::ptr::null()];
        // SAFETY: as many elements as each slice has, of the kernel's type.
        unsafe { (kernel.function)(out.as_mut_ptr().cast(), pointers, inputs[0].len(), p) };
        out
    }

    #[test]
    fn derivatives_are_the_slopes() {
        // No point is nearer to a corner than the step.
        let x: Vec<f64> = (0..97).map(|i| -6.0 + i as f64 * 0.127).collect();
        let ones = vec![1.0; x.len()];
        let h = 1e-5;
        for (f, pq) in ALL {
            let p = parameters(pq);
            let shifted = |by: f64| x.iter().map(|v| v + by).collect::<Vec<f64>>();
            let value = |x: &[f64]| apply(activation(f, Compute::F64).unwrap(), [x, x], &p);
            let slope =
                |x: &[f64]| apply(activation_derivative(f, Order::First, Compute::F64).unwrap(), [&ones, x], &p);
            let difference = |f: &dyn Fn(&[f64]) -> Vec<f64>| -> Vec<f64> {
                f(&shifted(h)).iter().zip(f(&shifted(-h))).map(|(a, b)| (a - b) / (2.0 * h)).collect()
            };
            for (i, (a, b)) in slope(&x).iter().zip(difference(&value)).enumerate() {
                assert!((a - b).abs() < 1e-6, "{f:?} at {}: {a} {b}", x[i]);
            }
            let curvature = activation_derivative(f, Order::Second, Compute::F64);
            let second = curvature.map_or(vec![0.0; x.len()], |k| apply(k, [&ones, &x], &p));
            for (i, (a, b)) in second.iter().zip(difference(&slope)).enumerate() {
                assert!((a - b).abs() < 1e-6, "{f:?}'' at {}: {a} {b}", x[i]);
            }
        }
    }

    #[test]
    fn float32_is_near_float64() {
        let x: Vec<f32> = (0..4001).map(|i| (i - 2000) as f32 * 0.006_01).collect();
        let wide: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
        for (f, pq) in ALL {
            let p = parameters(pq);
            let near = apply(activation(f, Compute::F32).unwrap(), [&x, &x], &p);
            let exact = apply(activation(f, Compute::F64).unwrap(), [&wide, &wide], &p);
            for (i, (a, b)) in near.iter().zip(exact).enumerate() {
                assert!((f64::from(*a) - b).abs() <= 4e-7 * b.abs().max(0.25), "{f:?} at {}: {a} {b}", x[i]);
            }
        }
        for &v in &x {
            assert!((f64::from(erf32(v)) - libm::erf(f64::from(v))).abs() <= 1.8e-7 * libm::erf(f64::from(v)).abs());
        }
    }

    #[test]
    fn nan_stays() {
        for (f, pq) in ALL {
            let y = apply(activation(f, Compute::F32).unwrap(), [&[f32::NAN; 3], &[0.0; 3]], &parameters(pq));
            assert!(y.iter().all(|y| y.is_nan()), "{f:?}");
        }
    }
}
