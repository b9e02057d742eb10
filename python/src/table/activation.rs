//! The Python operators of the family `activation`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::{AttentionOptions, GeluApproximation, RandomSlope};

fn slope(a: &Args) -> RandomSlope {
    RandomSlope { lower: a.scalar(1).to_f64(), upper: a.scalar(2).to_f64(), training: a.bool(3) }
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.both("relu(Tensor input)", |a| a.tensor(0).relu());
    table.both("relu_(Tensor input)", |a| a.tensor(0).relu_());
    table.nn("leaky_relu(Tensor input, Scalar negative_slope=0.01)", |a| a.tensor(0).leaky_relu(a.scalar(1).to_f64()));
    table
        .nn("leaky_relu_(Tensor input, Scalar negative_slope=0.01)", |a| a.tensor(0).leaky_relu_(a.scalar(1).to_f64()));
    table.nn("elu(Tensor input, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1)", |a| {
        a.tensor(0).elu(a.scalar(1).to_f64(), a.scalar(2).to_f64(), a.scalar(3).to_f64())
    });
    table.nn("elu_(Tensor input, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1)", |a| {
        a.tensor(0).elu_(a.scalar(1).to_f64(), a.scalar(2).to_f64(), a.scalar(3).to_f64())
    });
    table.function("celu(Tensor input, Scalar alpha=1.0)", |a| a.tensor(0).celu(a.scalar(1).to_f64()));
    table.function("celu_(Tensor input, Scalar alpha=1.0)", |a| a.tensor(0).celu_(a.scalar(1).to_f64()));
    table.function("selu(Tensor input)", |a| a.tensor(0).selu());
    table.function("selu_(Tensor input)", |a| a.tensor(0).selu_());
    table.nn("gelu(Tensor input, *, str approximate=\"none\")", |a| {
        a.tensor(0).gelu(GeluApproximation::named(a.str(1))?)
    });
    table.nn("silu(Tensor input)", |a| a.tensor(0).silu());
    table.nn("silu_(Tensor input)", |a| a.tensor(0).silu_());
    table.nn("mish(Tensor input)", |a| a.tensor(0).mish());
    table.nn("mish_(Tensor input)", |a| a.tensor(0).mish_());
    table.nn("relu6(Tensor input)", |a| a.tensor(0).relu6());
    table.nn("relu6_(Tensor input)", |a| a.tensor(0).relu6_());
    table.nn("hardswish(Tensor input)", |a| a.tensor(0).hardswish());
    table.nn("hardswish_(Tensor input)", |a| a.tensor(0).hardswish_());
    table.nn("hardsigmoid(Tensor input)", |a| a.tensor(0).hardsigmoid());
    table.nn("hardsigmoid_(Tensor input)", |a| a.tensor(0).hardsigmoid_());
    table.nn("hardtanh(Tensor input, Scalar min_val=-1, Scalar max_val=1)", |a| {
        a.tensor(0).hardtanh(a.scalar(1), a.scalar(2))
    });
    table.nn("hardtanh_(Tensor input, Scalar min_val=-1, Scalar max_val=1)", |a| {
        a.tensor(0).hardtanh_(a.scalar(1), a.scalar(2))
    });
    table.both("hardshrink(Tensor input, Scalar lambd=0.5)", |a| a.tensor(0).hardshrink(a.scalar(1).to_f64()));
    table.nn("softshrink(Tensor input, Scalar lambd=0.5)", |a| a.tensor(0).softshrink(a.scalar(1).to_f64()));
    table.nn("softplus(Tensor input, Scalar beta=1, Scalar threshold=20)", |a| {
        a.tensor(0).softplus(a.scalar(1).to_f64(), a.scalar(2).to_f64())
    });
    table.nn("log_sigmoid(Tensor input)", |a| a.tensor(0).log_sigmoid());
    table.function("threshold(Tensor input, Scalar threshold, Scalar value)", |a| {
        a.tensor(0).threshold(a.scalar(1), a.scalar(2))
    });
    table.function("threshold_(Tensor input, Scalar threshold, Scalar value)", |a| {
        a.tensor(0).threshold_(a.scalar(1), a.scalar(2))
    });
    table.function(
        "rrelu(Tensor input, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, Generator generator=None)",
        |a| a.tensor(0).rrelu(slope(a), a.generator(4)),
    );
    table.function(
        "rrelu_(Tensor input, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, Generator generator=None)",
        |a| a.tensor(0).rrelu_(slope(a), a.generator(4)),
    );
    table.nn(
        "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False)",
        |a| {
            let options = AttentionOptions {
                mask: a.opt_tensor(3).cloned(),
                dropout: a.float(4),
                causal: a.bool(5),
                scale: a.opt_float(6),
                grouped: a.bool(7),
            };
            a.tensor(0).scaled_dot_product_attention(a.tensor(1), a.tensor(2), &options)
        },
    );
    table.both("prelu(Tensor input, Tensor weight)", |a| a.tensor(0).prelu(a.tensor(1)));
    table.nn("glu(Tensor input, int dim=-1)", |a| a.tensor(0).glu(a.dim(1)));
}
