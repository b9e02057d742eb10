//! The Python operators of the family `index`.

use super::Table;
use flambeau_tensor::ops;

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.both("index_select(Tensor input, int dim, Tensor index, *, Tensor out=None)", |a| {
        a.tensor(0).index_select(a.dim(1), a.tensor(2))
    });
    table.both("gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False, Tensor out=None)", |a| {
        a.tensor(0).gather(a.dim(1), a.tensor(2))
    });
    table.both("take_along_dim(Tensor input, Tensor indices, int? dim=None, *, Tensor out=None)", |a| {
        a.tensor(0).take_along_dim(a.tensor(1), a.opt_dim(2))
    });
    table.both("scatter(Tensor input, int dim, Tensor index, Operand src, *, Tensor out=None)", |a| {
        a.tensor(0).scatter(a.dim(1), a.tensor(2), a.operand(3))
    });
    table.both("scatter(Tensor input, int dim, Tensor index, Operand value, *, Tensor out=None)", |a| {
        a.tensor(0).scatter(a.dim(1), a.tensor(2), a.operand(3))
    });
    table.method("scatter_(Tensor input, int dim, Tensor index, Operand src)", |a| {
        a.tensor(0).scatter_(a.dim(1), a.tensor(2), a.operand(3))
    });
    table.method("scatter_(Tensor input, int dim, Tensor index, Operand value)", |a| {
        a.tensor(0).scatter_(a.dim(1), a.tensor(2), a.operand(3))
    });
    table.both("scatter_add(Tensor input, int dim, Tensor index, Tensor src, *, Tensor out=None)", |a| {
        a.tensor(0).scatter_add(a.dim(1), a.tensor(2), a.tensor(3))
    });
    table.method("scatter_add_(Tensor input, int dim, Tensor index, Tensor src)", |a| {
        a.tensor(0).scatter_add_(a.dim(1), a.tensor(2), a.tensor(3))
    });
    table.both(
        "index_add(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1, Tensor out=None)",
        |a| a.tensor(0).index_add(a.dim(1), a.tensor(2), a.tensor(3), a.scalar(4)),
    );
    table.method("index_add_(Tensor input, int dim, Tensor index, Tensor source, *, Scalar alpha=1)", |a| {
        a.tensor(0).index_add_(a.dim(1), a.tensor(2), a.tensor(3), a.scalar(4))
    });
    table.both("index_copy(Tensor input, int dim, Tensor index, Tensor source, *, Tensor out=None)", |a| {
        a.tensor(0).index_copy(a.dim(1), a.tensor(2), a.tensor(3))
    });
    table.method("index_copy_(Tensor input, int dim, Tensor index, Tensor source)", |a| {
        a.tensor(0).index_copy_(a.dim(1), a.tensor(2), a.tensor(3))
    });
    table.both("index_fill(Tensor input, int dim, Tensor index, Operand value)", |a| {
        a.tensor(0).index_fill(a.dim(1), a.tensor(2), a.operand(3))
    });
    table.method("index_fill_(Tensor input, int dim, Tensor index, Operand value)", |a| {
        a.tensor(0).index_fill_(a.dim(1), a.tensor(2), a.operand(3))
    });
    table.both("index_put(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False)", |a| {
        a.tensor(0).index_put(a.opt_tensors(1), a.tensor(2), a.bool(3))
    });
    table.method("index_put_(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False)", |a| {
        a.tensor(0).index_put_(a.opt_tensors(1), a.tensor(2), a.bool(3))
    });
    table.both("masked_fill(Tensor input, Tensor mask, Operand value)", |a| {
        a.tensor(0).masked_fill(a.tensor(1), a.operand(2))
    });
    table.method("masked_fill_(Tensor input, Tensor mask, Operand value)", |a| {
        a.tensor(0).masked_fill_(a.tensor(1), a.operand(2))
    });
    table.both("masked_select(Tensor input, Tensor mask, *, Tensor out=None)", |a| {
        a.tensor(0).masked_select(a.tensor(1))
    });
    table.both("masked_scatter(Tensor input, Tensor mask, Tensor source)", |a| {
        a.tensor(0).masked_scatter(a.tensor(1), a.tensor(2))
    });
    table.both("take(Tensor input, Tensor index, *, Tensor out=None)", |a| a.tensor(0).take(a.tensor(1)));
    table.both("nonzero(Tensor input, *, Tensor out=None)", |a| a.tensor(0).nonzero());
    table.both("argwhere(Tensor input)", |a| a.tensor(0).argwhere());
    table.function(
        "isin(Operand elements, Operand test_elements, *, bool assume_unique=False, bool invert=False)",
        |a| ops::isin(a.operand(0), a.operand(1), a.bool(3)),
    );
}
