//! The Python operators of the family `elementwise`.

use super::Table;
use flambeau_tensor::ops::{self, Operand, RoundingMode};
use flambeau_tensor::{Error, Result, Tensor};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    unary(table);
    arithmetic(table);
    powers(table);
    binary(table);
    bits(table);
    comparisons(table);
    blends(table);
    special(table);
}

/// Functions of one tensor and their in-place forms.
macro_rules! unary_functions {
    ($table:ident: $($name:ident $name_:ident),* $(,)?) => {$(
        $table.both(concat!(stringify!($name), "(Tensor input, *, Tensor out=None)"), |a| a.tensor(0).$name());
        $table.both(concat!(stringify!($name_), "(Tensor input)"), |a| a.tensor(0).$name_());
    )*};
}

/// Functions of a tensor and another or a number, and their in-place methods.
macro_rules! number_functions {
    ($table:ident: $($name:ident $name_:ident),* $(,)?) => {$(
        $table.both(concat!(stringify!($name), "(Tensor input, Tensor other, *, Tensor out=None)"), |a| {
            a.tensor(0).$name(a.operand(1))
        });
        $table.both(concat!(stringify!($name), "(Tensor input, Scalar other, *, Tensor out=None)"), |a| {
            a.tensor(0).$name(a.operand(1))
        });
        $table.method(concat!(stringify!($name_), "(Tensor input, Tensor other)"), |a| a.tensor(0).$name_(a.operand(1)));
        $table.method(concat!(stringify!($name_), "(Tensor input, Scalar other)"), |a| a.tensor(0).$name_(a.operand(1)));
    )*};
}

/// Functions of two tensors, and their in-place methods.
macro_rules! binary_functions {
    ($table:ident: $($name:ident $name_:ident),* $(,)?) => {$(
        $table.both(concat!(stringify!($name), "(Tensor input, Tensor other, *, Tensor out=None)"), |a| {
            a.tensor(0).$name(a.operand(1))
        });
        $table.method(concat!(stringify!($name_), "(Tensor input, Tensor other)"), |a| {
            a.tensor(0).$name_(a.operand(1))
        });
    )*};
}

/// Methods named by Python's operators.
macro_rules! methods {
    ($table:ident: $($text:literal => $name:ident),* $(,)?) => {$(
        $table.method(concat!($text, "(Tensor input, Operand other)"), |a| a.tensor(0).$name(a.operand(1)));
    )*};
}

fn unary(table: &mut Table<'_>) {
    unary_functions!(table: neg neg_, abs abs_, sign sign_, exp exp_, exp2 exp2_, expm1 expm1_, log log_, log2 log2_,
        log10 log10_, log1p log1p_, sqrt sqrt_, rsqrt rsqrt_, square square_, reciprocal reciprocal_, sin sin_, cos cos_,
        tan tan_, asin asin_, acos acos_, atan atan_, sinh sinh_, cosh cosh_, tanh tanh_, asinh asinh_, acosh acosh_,
        atanh atanh_, sigmoid sigmoid_, erf erf_, erfc erfc_, erfinv erfinv_, floor floor_, ceil ceil_, trunc trunc_,
        frac frac_, lgamma lgamma_, digamma digamma_, sinc sinc_, deg2rad deg2rad_, rad2deg rad2deg_,
        bitwise_not bitwise_not_, logical_not logical_not_);
    for (alias, name) in [
        ("negative", "neg"),
        ("negative_", "neg_"),
        ("absolute", "abs"),
        ("absolute_", "abs_"),
        ("sgn", "sign"),
        ("sgn_", "sign_"),
        ("arcsin", "asin"),
        ("arcsin_", "asin_"),
        ("arccos", "acos"),
        ("arccos_", "acos_"),
        ("arctan", "atan"),
        ("arctan_", "atan_"),
        ("arcsinh", "asinh"),
        ("arcsinh_", "asinh_"),
        ("arccosh", "acosh"),
        ("arccosh_", "acosh_"),
        ("arctanh", "atanh"),
        ("arctanh_", "atanh_"),
        ("fix", "trunc"),
        ("fix_", "trunc_"),
    ] {
        table.alias(alias, name);
    }
    table.both("round(Tensor input, *, int decimals=0, Tensor out=None)", |a| match a.int(1) {
        0 => a.tensor(0).round(),
        decimals => a.tensor(0).round_decimals(decimals),
    });
    table.both("round_(Tensor input, *, int decimals=0)", |a| match a.int(1) {
        0 => a.tensor(0).round_(),
        decimals => a.tensor(0).round_decimals_(decimals),
    });
    table.both("positive(Tensor input)", |a| a.tensor(0).positive());
    table.both("logit(Tensor input, float eps=None, *, Tensor out=None)", |a| a.tensor(0).logit(a.opt_float(1)));
    table.both("logit_(Tensor input, float eps=None)", |a| a.tensor(0).logit_(a.opt_float(1)));
    table.both(
        "nan_to_num(Tensor input, float nan=None, float posinf=None, float neginf=None, *, Tensor out=None)",
        |a| a.tensor(0).nan_to_num(a.opt_float(1), a.opt_float(2), a.opt_float(3)),
    );
    table.both("nan_to_num_(Tensor input, float nan=None, float posinf=None, float neginf=None)", |a| {
        a.tensor(0).nan_to_num_(a.opt_float(1), a.opt_float(2), a.opt_float(3))
    });
    table.both("isnan(Tensor input)", |a| a.tensor(0).isnan());
    table.both("isinf(Tensor input)", |a| a.tensor(0).isinf());
    table.both("isfinite(Tensor input)", |a| a.tensor(0).isfinite());
    table.both("isposinf(Tensor input, *, Tensor out=None)", |a| a.tensor(0).isposinf());
    table.both("isneginf(Tensor input, *, Tensor out=None)", |a| a.tensor(0).isneginf());
    table.both("signbit(Tensor input, *, Tensor out=None)", |a| a.tensor(0).signbit());
    table.method("__invert__(Tensor input)", |a| {
        if a.tensor(0).dtype().is_floating_point() {
            return Err(Error::type_("~ (operator.invert) is only implemented on integer and Boolean-type tensors"));
        }
        a.tensor(0).bitwise_not()
    });
}

fn rounding(mode: Option<&str>) -> Result<Option<RoundingMode>> {
    match mode {
        None => Ok(None),
        Some("trunc") => Ok(Some(RoundingMode::Trunc)),
        Some("floor") => Ok(Some(RoundingMode::Floor)),
        Some(other) => Err(Error::runtime(format!(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{other}'"
        ))),
    }
}

fn arithmetic(table: &mut Table<'_>) {
    table.both("add(Tensor input, Operand other, *, Scalar alpha=1, Tensor out=None)", |a| {
        a.tensor(0).add_alpha(a.operand(1), a.scalar(2))
    });
    table.method("add_(Tensor input, Operand other, *, Scalar alpha=1)", |a| {
        a.tensor(0).add_alpha_(a.operand(1), a.scalar(2))
    });
    table.both("sub(Tensor input, Operand other, *, Scalar alpha=1, Tensor out=None)", |a| {
        a.tensor(0).sub_alpha(a.operand(1), a.scalar(2))
    });
    table.method("sub_(Tensor input, Operand other, *, Scalar alpha=1)", |a| {
        a.tensor(0).sub_alpha_(a.operand(1), a.scalar(2))
    });
    table.function("rsub(Tensor input, Operand other, *, Scalar alpha=1)", |a| {
        a.tensor(0).rsub(a.operand(1), a.scalar(2))
    });
    table.both("mul(Tensor input, Operand other, *, Tensor out=None)", |a| a.tensor(0).mul(a.operand(1)));
    table.method("mul_(Tensor input, Operand other)", |a| a.tensor(0).mul_(a.operand(1)));
    table.both("div(Tensor input, Operand other, *, str rounding_mode=None, Tensor out=None)", |a| {
        a.tensor(0).div_rounded(a.operand(1), rounding(a.opt_str(2))?)
    });
    table.method("div_(Tensor input, Operand other, *, str rounding_mode=None)", |a| match rounding(a.opt_str(2))? {
        None => a.tensor(0).div_(a.operand(1)),
        mode => a.tensor(0).div_rounded_(a.operand(1), mode),
    });
    table.both("true_divide(Tensor input, Operand other, *, Tensor out=None)", |a| a.tensor(0).div(a.operand(1)));
    table.method("true_divide_(Tensor input, Operand other)", |a| a.tensor(0).div_(a.operand(1)));
    table.both("floor_divide(Tensor input, Operand other, *, Tensor out=None)", |a| {
        a.tensor(0).floor_divide(a.operand(1))
    });
    table.function("floor_divide(Scalar input, Tensor other)", |a| {
        number(a.scalar(0), a.tensor(1))?.floor_divide(a.tensor(1))
    });
    table.method("floor_divide_(Tensor input, Operand other)", |a| a.tensor(0).floor_divide_(a.operand(1)));
    for (alias, name) in [
        ("subtract", "sub"),
        ("subtract_", "sub_"),
        ("multiply", "mul"),
        ("multiply_", "mul_"),
        ("divide", "div"),
        ("divide_", "div_"),
    ] {
        table.alias(alias, name);
    }
    methods!(table: "__add__" => add, "__radd__" => add, "__iadd__" => add_, "__sub__" => sub, "__isub__" => sub_,
        "__mul__" => mul, "__rmul__" => mul, "__imul__" => mul_, "__truediv__" => div, "__div__" => div,
        "__itruediv__" => div_, "__idiv__" => div_, "__mod__" => remainder, "__imod__" => remainder_,
        "__ifloordiv__" => floor_divide_);
}

/// A number that takes part in promotion as a 0-d tensor of its own kind beside `other`.
fn number(value: flambeau_tensor::Scalar, other: &Tensor) -> Result<Tensor> {
    let dtype = ops::result_type([&Operand::Scalar(value), &Operand::from(other)]);
    crate::args::scalar_tensor(value, dtype)
}

fn powers(table: &mut Table<'_>) {
    table.both("pow(Tensor input, Operand exponent, *, Tensor out=None)", |a| a.tensor(0).pow(a.operand(1)));
    table
        .function("pow(Scalar self, Tensor exponent, *, Tensor out=None)", |a| ops::pow_base(a.scalar(0), a.tensor(1)));
    table.method("pow_(Tensor input, Operand exponent)", |a| a.tensor(0).pow_(a.operand(1)));
    table.both("float_power(Tensor input, Operand exponent, *, Tensor out=None)", |a| {
        a.tensor(0).float_power(a.operand(1))
    });
    table.method("float_power_(Tensor input, Operand exponent)", |a| {
        let dtype = a.tensor(0).dtype();
        if dtype != flambeau_tensor::DType::F64 {
            return Err(Error::runtime(format!(
                "the base given to float_power_ has dtype {} but the operation's result requires dtype Double",
                dtype.scalar_type_name()
            )));
        }
        a.tensor(0).float_power_(a.operand(1))
    });
    table.both("ldexp(Tensor input, Tensor other, *, Tensor out=None)", |a| a.tensor(0).ldexp(a.tensor(1)));
}

fn binary(table: &mut Table<'_>) {
    number_functions!(table: remainder remainder_, fmod fmod_, xlogy xlogy_, copysign copysign_);
    table
        .function("remainder(Scalar self, Tensor other)", |a| number(a.scalar(0), a.tensor(1))?.remainder(a.tensor(1)));
    table.function("xlogy(Scalar self, Tensor other, *, Tensor out=None)", |a| {
        number(a.scalar(0), a.tensor(1))?.xlogy(a.tensor(1))
    });
    binary_functions!(table: atan2 atan2_, hypot hypot_, nextafter nextafter_, gcd gcd_, lcm lcm_);
    table.alias("arctan2", "atan2");
    table.alias("arctan2_", "atan2_");
    macro_rules! plain {
        ($($name:ident),*) => {$(
            table.both(concat!(stringify!($name), "(Tensor input, Tensor other, *, Tensor out=None)"), |a| {
                a.tensor(0).$name(a.tensor(1))
            });
        )*};
    }
    plain!(maximum, minimum, fmax, fmin, logaddexp, logaddexp2);
    table.both("heaviside(Tensor input, Tensor values, *, Tensor out=None)", |a| a.tensor(0).heaviside(a.tensor(1)));
    table.method("heaviside_(Tensor input, Tensor values)", |a| a.tensor(0).heaviside_(a.tensor(1)));
}

fn bits(table: &mut Table<'_>) {
    number_functions!(table: bitwise_and bitwise_and_, bitwise_or bitwise_or_, bitwise_xor bitwise_xor_,
        bitwise_left_shift bitwise_left_shift_, bitwise_right_shift bitwise_right_shift_);
    macro_rules! reversed {
        ($($name:ident),*) => {$(
            table.function(concat!(stringify!($name), "(Scalar self, Tensor other)"), |a| {
                number(a.scalar(0), a.tensor(1))?.$name(a.tensor(1))
            });
        )*};
    }
    reversed!(bitwise_and, bitwise_or, bitwise_xor, bitwise_left_shift, bitwise_right_shift);
    methods!(table: "__and__" => bitwise_and, "__rand__" => bitwise_and, "__iand__" => bitwise_and_,
        "__or__" => bitwise_or, "__ror__" => bitwise_or, "__ior__" => bitwise_or_,
        "__xor__" => bitwise_xor, "__rxor__" => bitwise_xor, "__ixor__" => bitwise_xor_,
        "__lshift__" => bitwise_left_shift, "__ilshift__" => bitwise_left_shift_,
        "__rshift__" => bitwise_right_shift, "__irshift__" => bitwise_right_shift_);
}

fn comparisons(table: &mut Table<'_>) {
    number_functions!(table: eq eq_, ne ne_, lt lt_, le le_, gt gt_, ge ge_);
    binary_functions!(table: logical_and logical_and_, logical_or logical_or_, logical_xor logical_xor_);
    for (alias, name) in [
        ("not_equal", "ne"),
        ("not_equal_", "ne_"),
        ("less", "lt"),
        ("less_", "lt_"),
        ("less_equal", "le"),
        ("less_equal_", "le_"),
        ("greater", "gt"),
        ("greater_", "gt_"),
        ("greater_equal", "ge"),
        ("greater_equal_", "ge_"),
    ] {
        table.alias(alias, name);
    }
    methods!(table: "__eq__" => eq, "__ne__" => ne, "__lt__" => lt, "__le__" => le, "__gt__" => gt, "__ge__" => ge);
    table.both("equal(Tensor input, Tensor other)", |a| a.tensor(0).equal(a.tensor(1)));
    table.both("isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)", |a| {
        a.tensor(0).isclose(a.tensor(1), a.float(2), a.float(3), a.bool(4))
    });
    table.both("allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)", |a| {
        a.tensor(0).allclose(a.tensor(1), a.float(2), a.float(3), a.bool(4))
    });
    table.function("where(Tensor condition, Operand input, Operand other, *, Tensor out=None)", |a| {
        ops::where_(a.tensor(0), a.operand(1), a.operand(2))
    });
    table.method("where(Tensor input, Tensor condition, Operand other)", |a| {
        ops::where_(a.tensor(1), a.tensor(0), a.operand(2))
    });
}

fn blends(table: &mut Table<'_>) {
    table.both("lerp(Tensor input, Tensor end, Operand weight, *, Tensor out=None)", |a| {
        a.tensor(0).lerp(a.tensor(1), a.operand(2))
    });
    table.method("lerp_(Tensor input, Tensor end, Operand weight)", |a| a.tensor(0).lerp_(a.tensor(1), a.operand(2)));
    table.both("addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1, Tensor out=None)", |a| {
        a.tensor(0).addcmul(a.tensor(1), a.tensor(2), a.scalar(3))
    });
    table.method("addcmul_(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1)", |a| {
        a.tensor(0).addcmul_(a.tensor(1), a.tensor(2), a.scalar(3))
    });
    table.both("addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1, Tensor out=None)", |a| {
        a.tensor(0).addcdiv(a.tensor(1), a.tensor(2), a.scalar(3))
    });
    table.method("addcdiv_(Tensor input, Tensor tensor1, Tensor tensor2, *, Scalar value=1)", |a| {
        a.tensor(0).addcdiv_(a.tensor(1), a.tensor(2), a.scalar(3))
    });
    for schema in [
        "clamp(Tensor input, Tensor min=None, Tensor max=None, *, Tensor out=None)",
        "clamp(Tensor input, Scalar min=None, Scalar max=None, *, Tensor out=None)",
    ] {
        table.both(schema, |a| a.tensor(0).clamp(a.opt_operand(1), a.opt_operand(2)));
    }
    for schema in [
        "clamp_(Tensor input, Tensor min=None, Tensor max=None)",
        "clamp_(Tensor input, Scalar min=None, Scalar max=None)",
    ] {
        table.both(schema, |a| a.tensor(0).clamp_(a.opt_operand(1), a.opt_operand(2)));
    }
    table.alias("clip", "clamp");
    table.alias("clip_", "clamp_");
    table.both("clamp_min(Tensor input, Operand min, *, Tensor out=None)", |a| a.tensor(0).clamp_min(a.operand(1)));
    table.both("clamp_min_(Tensor input, Operand min)", |a| a.tensor(0).clamp_min_(a.operand(1)));
    table.both("clamp_max(Tensor input, Operand max, *, Tensor out=None)", |a| a.tensor(0).clamp_max(a.operand(1)));
    table.both("clamp_max_(Tensor input, Operand max)", |a| a.tensor(0).clamp_max_(a.operand(1)));
}

/// The names that `torch.special` gives these functions.
fn special(table: &mut Table<'_>) {
    macro_rules! functions {
        ($($text:literal => $name:ident),* $(,)?) => {$(
            table.within("_special", concat!($text, "(Tensor input, *, Tensor out=None)"), |a| a.tensor(0).$name());
        )*};
    }
    functions!("special_expit" => sigmoid, "special_exp2" => exp2, "special_expm1" => expm1, "special_erf" => erf,
        "special_erfc" => erfc, "special_erfinv" => erfinv, "special_gammaln" => lgamma, "special_digamma" => digamma,
        "special_psi" => digamma, "special_log1p" => log1p, "special_sinc" => sinc, "special_round" => round);
    functions!("special_i0" => i0, "special_i1" => i1);
    table.both("i0(Tensor input, *, Tensor out=None)", |a| a.tensor(0).i0());
    table.function("polygamma(int n, Tensor input, *, Tensor out=None)", |a| a.tensor(1).polygamma(a.int(0)));
    table.method("polygamma(Tensor input, int n)", |a| a.tensor(0).polygamma(a.int(1)));
    table.within("_special", "special_polygamma(int n, Tensor input, *, Tensor out=None)", |a| {
        a.tensor(1).polygamma(a.int(0))
    });
    table.both("mvlgamma(Tensor input, int p, *, Tensor out=None)", |a| a.tensor(0).mvlgamma(a.int(1)));
    table.within("_special", "special_multigammaln(Tensor input, int p, *, Tensor out=None)", |a| {
        a.tensor(0).mvlgamma(a.int(1))
    });
    table.within("_special", "special_logit(Tensor input, float eps=None, *, Tensor out=None)", |a| {
        a.tensor(0).logit(a.opt_float(1))
    });
    table.within("_special", "special_xlogy(Tensor input, Operand other, *, Tensor out=None)", |a| {
        a.tensor(0).xlogy(a.operand(1))
    });
}
