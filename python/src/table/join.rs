//! The Python operators of the family `join`.

use super::Table;
use flambeau_tensor::ops;

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    for schema in [
        "cat(Tensor[] tensors, int dim=0, *, Tensor out=None)",
        "concat(Tensor[] tensors, int dim=0, *, Tensor out=None)",
        "concatenate(Tensor[] tensors, int dim=0, *, Tensor out=None)",
    ] {
        table.function(schema, |a| ops::cat(&a.tensor_refs(0), a.dim(1)));
    }
    table.function("stack(Tensor[] tensors, int dim=0, *, Tensor out=None)", |a| {
        ops::stack(&a.tensor_refs(0), a.dim(1))
    });
    table.function("hstack(Tensor[] tensors, *, Tensor out=None)", |a| ops::hstack(&a.tensor_refs(0)));
    table.function("vstack(Tensor[] tensors, *, Tensor out=None)", |a| ops::vstack(&a.tensor_refs(0)));
    table.function("row_stack(Tensor[] tensors, *, Tensor out=None)", |a| ops::vstack(&a.tensor_refs(0)));
    table.function("dstack(Tensor[] tensors, *, Tensor out=None)", |a| ops::dstack(&a.tensor_refs(0)));
    table.function("column_stack(Tensor[] tensors, *, Tensor out=None)", |a| ops::column_stack(&a.tensor_refs(0)));
    table.function("block_diag(Tensor[] tensors)", |a| ops::block_diag(&a.tensor_refs(0)));
}
