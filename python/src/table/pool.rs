//! The Python operators of the family `pool`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::PoolOptions;

/// The options of maximum pooling: kernel size, stride, padding, dilation, rounding.
fn maximum(a: &Args) -> PoolOptions {
    PoolOptions {
        kernel_size: a.dims(1),
        stride: a.opt_dims(2).unwrap_or_default(),
        padding: a.dims(3),
        dilation: a.dims(4),
        ceil_mode: a.bool(5),
        ..Default::default()
    }
}

/// The options of average pooling: kernel size, stride, padding, rounding, counting.
fn average(a: &Args) -> PoolOptions {
    PoolOptions {
        kernel_size: a.dims(1),
        stride: a.opt_dims(2).unwrap_or_default(),
        padding: a.dims(3),
        ceil_mode: a.bool(4),
        count_include_pad: a.bool(5),
        ..Default::default()
    }
}

fn average_with_divisor(a: &Args) -> PoolOptions {
    PoolOptions { divisor_override: a.opt_int(6), ..average(a) }
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function(
        "max_pool1d(Tensor input, int[1] kernel_size, int[1] stride=None, int[1] padding=0, int[1] dilation=1, bool ceil_mode=False)",
        |a| a.tensor(0).max_pool1d(&maximum(a)),
    );
    table.function(
        "max_pool1d_with_indices(Tensor input, int[1] kernel_size, int[1] stride=None, int[1] padding=0, int[1] dilation=1, bool ceil_mode=False)",
        |a| a.tensor(0).max_pool1d_with_indices(&maximum(a)),
    );
    table.function(
        "max_pool2d(Tensor input, int[2] kernel_size, int[2] stride=None, int[2] padding=0, int[2] dilation=1, bool ceil_mode=False)",
        |a| a.tensor(0).max_pool2d(&maximum(a)),
    );
    table.nn(
        "max_pool2d_with_indices(Tensor input, int[2] kernel_size, int[2] stride=None, int[2] padding=0, int[2] dilation=1, bool ceil_mode=False)",
        |a| a.tensor(0).max_pool2d_with_indices(&maximum(a)),
    );
    table.function(
        "max_pool3d(Tensor input, int[3] kernel_size, int[3] stride=None, int[3] padding=0, int[3] dilation=1, bool ceil_mode=False)",
        |a| a.tensor(0).max_pool3d(&maximum(a)),
    );
    table.nn(
        "max_pool3d_with_indices(Tensor input, int[3] kernel_size, int[3] stride=None, int[3] padding=0, int[3] dilation=1, bool ceil_mode=False)",
        |a| a.tensor(0).max_pool3d_with_indices(&maximum(a)),
    );
    table.function(
        "avg_pool1d(Tensor input, int[1] kernel_size, int[1] stride=None, int[1] padding=0, bool ceil_mode=False, bool count_include_pad=True)",
        |a| a.tensor(0).avg_pool1d(&average(a)),
    );
    table.nn(
        "avg_pool2d(Tensor input, int[2] kernel_size, int[2] stride=None, int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int divisor_override=None)",
        |a| a.tensor(0).avg_pool2d(&average_with_divisor(a)),
    );
    table.nn(
        "avg_pool3d(Tensor input, int[3] kernel_size, int[3] stride=None, int[3] padding=0, bool ceil_mode=False, bool count_include_pad=True, int divisor_override=None)",
        |a| a.tensor(0).avg_pool3d(&average_with_divisor(a)),
    );
    table.function("adaptive_avg_pool1d(Tensor input, int[1] output_size)", |a| {
        a.tensor(0).adaptive_avg_pool1d(&a.dims(1))
    });
    table.nn("adaptive_avg_pool2d(Tensor input, int[2] output_size)", |a| a.tensor(0).adaptive_avg_pool2d(&a.dims(1)));
    table.nn("adaptive_avg_pool3d(Tensor input, int[3] output_size)", |a| a.tensor(0).adaptive_avg_pool3d(&a.dims(1)));
    table.function("adaptive_max_pool1d(Tensor input, int[1] output_size)", |a| {
        a.tensor(0).adaptive_max_pool1d(&a.dims(1))
    });
    table.nn("adaptive_max_pool2d(Tensor input, int[2] output_size)", |a| a.tensor(0).adaptive_max_pool2d(&a.dims(1)));
    table.nn("adaptive_max_pool3d(Tensor input, int[3] output_size)", |a| a.tensor(0).adaptive_max_pool3d(&a.dims(1)));
    table.nn("max_unpool2d(Tensor input, Tensor indices, int[2] output_size, *, Tensor out=None)", |a| {
        a.tensor(0).max_unpool2d(a.tensor(1), &a.dims(2))
    });
    table.nn(
        "max_unpool3d(Tensor input, Tensor indices, int[3] output_size, int[3] stride, int[3] padding, *, Tensor out=None)",
        |a| a.tensor(0).max_unpool3d(a.tensor(1), &a.dims(2), &a.dims(3), &a.dims(4)),
    );
    table.nn(
        "fractional_max_pool2d(Tensor input, int[2] kernel_size, int[2] output_size, Tensor _random_samples)",
        |a| a.tensor(0).fractional_max_pool2d(&a.dims(1), &a.dims(2), a.tensor(3)),
    );
    table.nn(
        "fractional_max_pool3d(Tensor input, int[3] kernel_size, int[3] output_size, Tensor _random_samples)",
        |a| a.tensor(0).fractional_max_pool3d(&a.dims(1), &a.dims(2), a.tensor(3)),
    );
}
