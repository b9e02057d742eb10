//! The Python operators of the family `view`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::{Error, Layout, Result, ops};

/// Lengths, which must not be negative.
pub(super) fn lengths(values: &[i64]) -> Result<Vec<usize>> {
    values.iter().map(|&n| length(n)).collect()
}

/// A length, which must not be negative.
pub(super) fn length(n: i64) -> Result<usize> {
    usize::try_from(n).map_err(|_| Error::runtime(format!("a length must be non-negative, but got {n}")))
}

/// The layout in sizes, strides and an optional offset, from argument 1 on.
fn layout(a: &Args) -> Result<Layout> {
    let (sizes, strides) = (lengths(a.ints(1))?, lengths(a.ints(2))?);
    if sizes.len() != strides.len() {
        return Err(Error::runtime("mismatch in length of strides and shape"));
    }
    let offset = match a.opt_int(3) {
        Some(offset) => length(offset)?,
        None => a.tensor(0).layout().offset(),
    };
    Ok(Layout::strided(sizes, &strides, offset))
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    shapes(table);
    parts(table);
    in_place(table);
}

fn shapes(table: &mut Table<'_>) {
    table.both("transpose(Tensor input, int dim0, int dim1)", |a| a.tensor(0).transpose(a.dim(1), a.dim(2)));
    for schema in ["swapaxes(Tensor input, int axis0, int axis1)", "swapdims(Tensor input, int dim0, int dim1)"] {
        table.both(schema, |a| a.tensor(0).swapaxes(a.dim(1), a.dim(2)));
    }
    table.method("view(Tensor input, ScalarType dtype)", |a| a.tensor(0).view_dtype(a.dtype_of(1)));
    table.method("view(Tensor input, int[] size)", |a| a.tensor(0).view(&a.dims(1)));
    table.method("view_as(Tensor input, Tensor other)", |a| a.tensor(0).view_as(a.tensor(1)));
    table.both("reshape(Tensor input, int[] shape)", |a| a.tensor(0).reshape(&a.dims(1)));
    table.method("reshape_as(Tensor input, Tensor other)", |a| a.tensor(0).reshape_as(a.tensor(1)));
    table.both("flatten(Tensor input, int start_dim=0, int end_dim=-1)", |a| a.tensor(0).flatten(a.dim(1), a.dim(2)));
    table.both("unflatten(Tensor input, int dim, int[] sizes)", |a| a.tensor(0).unflatten(a.dim(1), &a.dims(2)));
    table.both("ravel(Tensor input)", |a| a.tensor(0).ravel());
    table.both("permute(Tensor input, int[] dims)", |a| a.tensor(0).permute(&a.dims(1)));
    table.both("t(Tensor input)", |a| a.tensor(0).t());
    table.both("adjoint(Tensor input)", |a| a.tensor(0).adjoint());
    for schema in [
        "movedim(Tensor input, int[1] source, int[1] destination)",
        "moveaxis(Tensor input, int[1] source, int[1] destination)",
    ] {
        table.both(schema, |a| a.tensor(0).movedim(&a.dims(1), &a.dims(2)));
    }
    table.both("squeeze(Tensor input)", |a| a.tensor(0).squeeze());
    table.both("squeeze(Tensor input, int dim)", |a| a.tensor(0).squeeze_dim(a.dim(1)));
    table.both("squeeze(Tensor input, int[] dim)", |a| a.tensor(0).squeeze_dims(&a.dims(1)));
    table.both("unsqueeze(Tensor input, int dim)", |a| a.tensor(0).unsqueeze(a.dim(1)));
    table.method("expand(Tensor input, int[] size, *, bool implicit=False)", |a| a.tensor(0).expand(&a.dims(1)));
    table.method("expand_as(Tensor input, Tensor other)", |a| a.tensor(0).expand_as(a.tensor(1)));
    table.both("broadcast_to(Tensor input, int[] size)", |a| a.tensor(0).broadcast_to(&a.dims(1)));
    table.function("broadcast_tensors(Tensor[] tensors)", |a| ops::broadcast_tensors(&a.tensor_refs(0)));
    table.both("as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None)", |a| {
        a.tensor(0).as_strided(layout(a)?)
    });
}

fn parts(table: &mut Table<'_>) {
    table.both("narrow(Tensor input, int dim, int start, int length)", |a| {
        let wanted = a.int(3);
        let wanted = usize::try_from(wanted).map_err(|_| Error::runtime("narrow(): length must be non-negative."))?;
        a.tensor(0).narrow(a.dim(1), a.dim(2), wanted)
    });
    table.both("select(Tensor input, int dim, int index)", |a| a.tensor(0).select(a.dim(1), a.dim(2)));
    table.both("diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1)", |a| {
        a.tensor(0).diagonal(a.dim(1), a.dim(2), a.dim(3))
    });
    table.both("unbind(Tensor input, int dim=0)", |a| a.tensor(0).unbind(a.dim(1)));
    table.both("chunk(Tensor input, int chunks, int dim=0)", |a| {
        let chunks = a.int(1);
        if chunks <= 0 {
            return Err(Error::runtime(format!("chunk expects `chunks` to be greater than 0, got: {chunks}")));
        }
        a.tensor(0).chunk(length(chunks)?, a.dim(2))
    });
    table.both("split(Tensor input, int split_size, int dim=0)", |a| {
        let size = a.int(1);
        let size = usize::try_from(size).map_err(|_| {
            Error::runtime(format!("split expects split_size be non-negative, but got split_size={size}"))
        })?;
        a.tensor(0).split(size, a.dim(2))
    });
    table.both("split(Tensor input, int[] split_size, int dim=0)", |a| {
        a.tensor(0).split_with_sizes(&lengths(a.ints(1))?, a.dim(2))
    });
    table.both("split_with_sizes(Tensor input, int[] split_sizes, int dim=0)", |a| {
        a.tensor(0).split_with_sizes(&lengths(a.ints(1))?, a.dim(2))
    });
    table.both("tensor_split(Tensor input, int sections, int dim=0)", |a| a.tensor(0).tensor_split(a.dim(1), a.dim(2)));
    table.both("tensor_split(Tensor input, int[] indices, int dim=0)", |a| {
        a.tensor(0).tensor_split_at(&a.dims(1), a.dim(2))
    });
    table.method("unfold(Tensor input, int dimension, int size, int step)", |a| {
        a.tensor(0).unfold(a.dim(1), length(a.int(2))?, length(a.int(3))?)
    });
}

fn in_place(table: &mut Table<'_>) {
    table.method("squeeze_(Tensor input)", |a| a.tensor(0).squeeze_());
    table.method("squeeze_(Tensor input, int dim)", |a| a.tensor(0).squeeze_dim_(a.dim(1)));
    table.method("unsqueeze_(Tensor input, int dim)", |a| a.tensor(0).unsqueeze_(a.dim(1)));
    table.method("t_(Tensor input)", |a| a.tensor(0).t_());
    table.method("transpose_(Tensor input, int dim0, int dim1)", |a| a.tensor(0).transpose_(a.dim(1), a.dim(2)));
}
