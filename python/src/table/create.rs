//! The Python operators of the family `create`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::TensorOptions;
use flambeau_tensor::{DType, Scalar, Tensor};

/// The options of a factory that follows a model: dtype and memory format.
fn like(a: &Args, dtype: usize, format: usize) -> TensorOptions {
    TensorOptions { dtype: a.dtype(dtype), memory_format: a.format(format), requires_grad: false }
}

/// The dtype of a number where none was asked for.
fn number_dtype(a: &Args, dtype: usize, value: Scalar) -> DType {
    a.dtype(dtype).unwrap_or_else(|| value.dtype())
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function("zeros(int[] size, *, Tensor out=None, $options)", |a| {
        Tensor::zeros(a.sizes(0)?, a.dtype_or_default(2))
    });
    table.function("ones(int[] size, *, Tensor out=None, $options)", |a| {
        Tensor::ones(a.sizes(0)?, a.dtype_or_default(2))
    });
    table.function("empty(int[] size, *, Tensor out=None, MemoryFormat memory_format=None, $options)", |a| {
        let format = a.format(2).unwrap_or_default();
        Tensor::empty_in_format(a.sizes(0)?, a.dtype_or_default(3), format)
    });
    table.function("full(int[] size, Scalar fill_value, *, Tensor out=None, $options)", |a| {
        Tensor::full(a.sizes(0)?, a.scalar(1), number_dtype(a, 3, a.scalar(1)))
    });
    table.function("scalar_tensor(Scalar s, *, $options)", |a| Tensor::scalar(a.scalar(0), a.dtype_or_default(1)));
    table.function("zeros_like(Tensor input, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).zeros_like(like(a, 2, 1))
    });
    table.function("ones_like(Tensor input, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).ones_like(like(a, 2, 1))
    });
    table.function("empty_like(Tensor input, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).empty_like(like(a, 2, 1))
    });
    table.function("full_like(Tensor input, Scalar fill_value, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).full_like(a.scalar(1), like(a, 3, 2))
    });
    table
        .method("new_zeros(Tensor input, int[] size, *, $options)", |a| a.tensor(0).new_zeros(a.sizes(1)?, a.dtype(2)));
    table.method("new_ones(Tensor input, int[] size, *, $options)", |a| a.tensor(0).new_ones(a.sizes(1)?, a.dtype(2)));
    table
        .method("new_empty(Tensor input, int[] size, *, $options)", |a| a.tensor(0).new_empty(a.sizes(1)?, a.dtype(2)));
    table.method("new_full(Tensor input, int[] size, Scalar fill_value, *, $options)", |a| {
        a.tensor(0).new_full(a.sizes(1)?, a.scalar(2), a.dtype(3))
    });
    table.function("arange(Scalar end, *, Tensor out=None, $options)", |a| {
        Tensor::arange(0i64, a.scalar(0), 1i64, a.dtype(2))
    });
    table.function("arange(Scalar start, Scalar end, Scalar step=1, *, Tensor out=None, $options)", |a| {
        Tensor::arange(a.scalar(0), a.scalar(1), a.scalar(2), a.dtype(4))
    });
}
