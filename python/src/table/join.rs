//! The Python operators of the family `join`.

use super::Table;
use flambeau_tensor::{Result, Tensor, ops};

fn each_at_least(tensors: &[Tensor], ndim: usize) -> Result<Vec<Tensor>> {
    tensors.iter().map(|tensor| ops::atleast(tensor, ndim)).collect()
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function("cat(Tensor[] tensors, int dim=0, *, Tensor out=None)", |a| ops::cat(&a.tensor_refs(0), a.dim(1)));
    table.alias("concat", "cat");
    table.alias("concatenate", "cat");
    table.function("stack(Tensor[] tensors, int dim=0, *, Tensor out=None)", |a| {
        ops::stack(&a.tensor_refs(0), a.dim(1))
    });
    table.function("hstack(Tensor[] tensors, *, Tensor out=None)", |a| ops::hstack(&a.tensor_refs(0)));
    table.function("vstack(Tensor[] tensors, *, Tensor out=None)", |a| ops::vstack(&a.tensor_refs(0)));
    table.alias("row_stack", "vstack");
    table.function("dstack(Tensor[] tensors, *, Tensor out=None)", |a| ops::dstack(&a.tensor_refs(0)));
    table.function("column_stack(Tensor[] tensors, *, Tensor out=None)", |a| ops::column_stack(&a.tensor_refs(0)));
    table.function("block_diag(Tensor[] tensors)", |a| ops::block_diag(&a.tensor_refs(0)));
    table.function("atleast_1d(Tensor input)", |a| ops::atleast(a.tensor(0), 1));
    table.function("atleast_1d(Tensor[] tensors)", |a| each_at_least(a.tensors(0), 1));
    table.function("atleast_2d(Tensor input)", |a| ops::atleast(a.tensor(0), 2));
    table.function("atleast_2d(Tensor[] tensors)", |a| each_at_least(a.tensors(0), 2));
    table.function("atleast_3d(Tensor input)", |a| ops::atleast(a.tensor(0), 3));
    table.function("atleast_3d(Tensor[] tensors)", |a| each_at_least(a.tensors(0), 3));
}
