//! The Python operators of the family `index`.

use super::Table;
use super::view::layout;
use crate::output::IntoOutput;
use flambeau_tensor::ops;

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    rows(table);
    along(table);
    scatters(table);
    masks(table);
    tensors(table);
    whole(table);
}

fn rows(table: &mut Table<'_>) {
    table.both("index_select(Tensor input, int dim, Tensor index, *, Tensor out=None)", |a| {
        a.tensor(0).index_select(a.dim(1), a.tensor(2))
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
}

fn along(table: &mut Table<'_>) {
    table.both("gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False, Tensor out=None)", |a| {
        a.tensor(0).gather(a.dim(1), a.tensor(2))
    });
    table.both("take_along_dim(Tensor input, Tensor indices, int? dim=None, *, Tensor out=None)", |a| {
        a.tensor(0).take_along_dim(a.tensor(1), a.opt_dim(2))
    });
    table.both("take(Tensor input, Tensor index, *, Tensor out=None)", |a| a.tensor(0).take(a.tensor(1)));
    table.both("put(Tensor input, Tensor index, Tensor source, bool accumulate=False)", |a| {
        a.tensor(0).put(a.tensor(1), a.tensor(2), a.bool(3))
    });
    table.method("put_(Tensor input, Tensor index, Tensor source, bool accumulate=False)", |a| {
        a.tensor(0).put_(a.tensor(1), a.tensor(2), a.bool(3))
    });
    table.both("nonzero(Tensor input, *, bool as_tuple=False, Tensor out=None)", |a| {
        if a.bool(1) { ops::where_nonzero(a.tensor(0)).into_output() } else { a.tensor(0).nonzero().into_output() }
    });
    table.both("argwhere(Tensor input)", |a| a.tensor(0).argwhere());
    table.function(
        "isin(Operand elements, Operand test_elements, *, bool assume_unique=False, bool invert=False, Tensor out=None)",
        |a| ops::isin(a.operand(0), a.operand(1), a.bool(3)),
    );
}

fn scatters(table: &mut Table<'_>) {
    macro_rules! scatter {
        ($source:literal, $read:ident) => {
            table.both(
                concat!("scatter(Tensor input, int dim, Tensor index, ", $source, ", *, Tensor out=None)"),
                |a| a.tensor(0).scatter(a.dim(1), a.tensor(2), a.$read(3)),
            );
            table.both(
                concat!("scatter(Tensor input, int dim, Tensor index, ", $source, ", *, str reduce, Tensor out=None)"),
                |a| a.tensor(0).scatter_with(a.dim(1), a.tensor(2), a.$read(3), a.str(4)),
            );
            table.method(concat!("scatter_(Tensor input, int dim, Tensor index, ", $source, ")"), |a| {
                a.tensor(0).scatter_(a.dim(1), a.tensor(2), a.$read(3))
            });
            table.method(concat!("scatter_(Tensor input, int dim, Tensor index, ", $source, ", *, str reduce)"), |a| {
                a.tensor(0).scatter_with_(a.dim(1), a.tensor(2), a.$read(3), a.str(4))
            });
        };
    }
    scatter!("Tensor src", tensor);
    scatter!("Scalar value", scalar);
    table.both("scatter_add(Tensor input, int dim, Tensor index, Tensor src, *, Tensor out=None)", |a| {
        a.tensor(0).scatter_add(a.dim(1), a.tensor(2), a.tensor(3))
    });
    table.method("scatter_add_(Tensor input, int dim, Tensor index, Tensor src)", |a| {
        a.tensor(0).scatter_add_(a.dim(1), a.tensor(2), a.tensor(3))
    });
    table.both(
        "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True, Tensor out=None)",
        |a| a.tensor(0).scatter_reduce(a.dim(1), a.tensor(2), a.tensor(3), a.str(4).parse()?, a.bool(5)),
    );
    table.method(
        "scatter_reduce_(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True)",
        |a| a.tensor(0).scatter_reduce_(a.dim(1), a.tensor(2), a.tensor(3), a.str(4).parse()?, a.bool(5)),
    );
}

fn masks(table: &mut Table<'_>) {
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
    table.method("masked_scatter_(Tensor input, Tensor mask, Tensor source)", |a| {
        a.tensor(0).masked_scatter_(a.tensor(1), a.tensor(2))
    });
    table.function("where(Tensor condition)", |a| ops::where_nonzero(a.tensor(0)));
}

fn tensors(table: &mut Table<'_>) {
    table.both("index_put(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False)", |a| {
        a.tensor(0).index_put(a.opt_tensors(1), a.tensor(2), a.bool(3))
    });
    table.both("index_put_(Tensor input, Tensor?[] indices, Tensor values, bool accumulate=False)", |a| {
        a.tensor(0).index_put_(a.opt_tensors(1), a.tensor(2), a.bool(3))
    });
}

fn whole(table: &mut Table<'_>) {
    table.both("slice_scatter(Tensor input, Tensor src, int dim=0, int? start=None, int? end=None, int step=1)", |a| {
        a.tensor(0).slice_scatter(a.tensor(1), a.dim(2), (a.opt_dim(3), a.opt_dim(4), a.dim(5)))
    });
    table.both("select_scatter(Tensor input, Tensor src, int dim, int index)", |a| {
        a.tensor(0).select_scatter(a.tensor(1), a.dim(2), a.dim(3))
    });
    table.both("diagonal_scatter(Tensor input, Tensor src, int offset=0, int dim1=0, int dim2=1)", |a| {
        a.tensor(0).diagonal_scatter(a.tensor(1), a.dim(2), a.dim(3), a.dim(4))
    });
    table.both(
        "as_strided_scatter(Tensor input, Tensor src, int[] size, int[] stride, int? storage_offset=None)",
        |a| a.tensor(0).as_strided_scatter(a.tensor(1), layout(a, 2)?),
    );
}
