//! The Python operators of the family `norm`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::BatchNormOptions;

fn options(a: &Args) -> BatchNormOptions<'_> {
    BatchNormOptions {
        weight: a.opt_tensor(1),
        bias: a.opt_tensor(2),
        running_mean: a.opt_tensor(3),
        running_var: a.opt_tensor(4),
        training: a.bool(5),
        momentum: a.float(6),
        eps: a.float(7),
    }
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function(
        "batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled)",
        |a| a.tensor(0).batch_norm(&options(a)),
    );
    table.function(
        "native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps)",
        |a| a.tensor(0).native_batch_norm(&options(a)),
    );
    table.function(
        "instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool use_input_stats, float momentum, float eps, bool cudnn_enabled)",
        |a| a.tensor(0).instance_norm(&options(a)),
    );
    table.function(
        "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enable=True)",
        |a| a.tensor(0).layer_norm(&a.sizes(1)?, a.opt_tensor(2), a.opt_tensor(3), a.float(4)),
    );
    table.function(
        "native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps)",
        |a| a.tensor(0).native_layer_norm(&a.sizes(1)?, a.opt_tensor(2), a.opt_tensor(3), a.float(4)),
    );
    table.function(
        "group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enabled=True)",
        |a| a.tensor(0).group_norm(a.dim(1), a.opt_tensor(2), a.opt_tensor(3), a.float(4)),
    );
    table.function("rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float eps=None)", |a| {
        a.tensor(0).rms_norm(&a.sizes(1)?, a.opt_tensor(2), a.opt_float(3))
    });
}
