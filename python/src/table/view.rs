//! The Python operators of the family `view`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::{DType, Error, Layout, Result, Tensor, ops};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    shapes(table);
    dims(table);
    in_place(table);
    parts(table);
    splits(table);
}

/// The layout that `size, stride, storage_offset` from position `at` on describe.
pub(super) fn layout(a: &Args, at: usize) -> Result<Layout> {
    let (sizes, ints) = (a.sizes(at)?, a.ints(at + 1));
    if sizes.len() != ints.len() {
        return Err(Error::runtime("mismatch in length of strides and shape"));
    }
    let strides = ints.iter().map(|&stride| usize::try_from(stride).ok()).collect::<Option<Vec<_>>>();
    let Some(strides) = strides else {
        let list: Vec<String> = ints.iter().map(i64::to_string).collect();
        return Err(Error::runtime(format!(
            "as_strided: Negative strides are not supported at the moment, got strides: [{}]",
            list.join(", ")
        )));
    };
    let offset = match a.opt_int(at + 2) {
        None => a.tensor(0).layout().offset(),
        Some(offset) => {
            usize::try_from(offset).map_err(|_| Error::runtime(format!("Tensor: invalid storage offset {offset}")))?
        }
    };
    Ok(Layout::strided(sizes, &strides, offset))
}

fn shapes(table: &mut Table<'_>) {
    table.method("view(Tensor input, ScalarType dtype)", |a| a.tensor(0).view_dtype(a.dtype_of(1)));
    table.method("view(Tensor input, int[] size)", |a| a.tensor(0).view(&a.dims(1)));
    table.method("view_as(Tensor input, Tensor other)", |a| a.tensor(0).view_as(a.tensor(1)));
    table.both("reshape(Tensor input, int[] shape)", |a| a.tensor(0).reshape(&a.dims(1)));
    table.method("reshape_as(Tensor input, Tensor other)", |a| a.tensor(0).reshape_as(a.tensor(1)));
    table.both("flatten(Tensor input, int start_dim=0, int end_dim=-1)", |a| a.tensor(0).flatten(a.dim(1), a.dim(2)));
    table.both("unflatten(Tensor input, int dim, int[] sizes)", |a| a.tensor(0).unflatten(a.dim(1), &a.dims(2)));
    table.both("ravel(Tensor input)", |a| a.tensor(0).ravel());
    table.method("expand(Tensor input, int[] size, *, bool implicit=False)", |a| a.tensor(0).expand(&a.dims(1)));
    table.method("expand_as(Tensor input, Tensor other)", |a| a.tensor(0).expand_as(a.tensor(1)));
    table.both("broadcast_to(Tensor input, int[] size)", |a| a.tensor(0).broadcast_to(&a.dims(1)));
    table.function("broadcast_tensors(Tensor[] tensors)", |a| ops::broadcast_tensors(&a.tensor_refs(0)));
}

fn dims(table: &mut Table<'_>) {
    table.both("permute(Tensor input, int[] dims)", |a| a.tensor(0).permute(&a.dims(1)));
    table.both("transpose(Tensor input, int dim0, int dim1)", |a| a.tensor(0).transpose(a.dim(1), a.dim(2)));
    table.both("swapaxes(Tensor input, int axis0, int axis1)", |a| a.tensor(0).swapaxes(a.dim(1), a.dim(2)));
    table.both("swapdims(Tensor input, int dim0, int dim1)", |a| a.tensor(0).swapaxes(a.dim(1), a.dim(2)));
    table.both("t(Tensor input)", |a| a.tensor(0).t());
    table.both("adjoint(Tensor input)", |a| a.tensor(0).adjoint());
    table.both("movedim(Tensor input, int source, int destination)", |a| a.tensor(0).movedim(&[a.dim(1)], &[a.dim(2)]));
    table.both("movedim(Tensor input, int[] source, int[] destination)", |a| {
        a.tensor(0).movedim(&a.dims(1), &a.dims(2))
    });
    table.alias("moveaxis", "movedim");
    table.both("squeeze(Tensor input)", |a| a.tensor(0).squeeze());
    table.both("squeeze(Tensor input, int dim)", |a| a.tensor(0).squeeze_dim(a.dim(1)));
    table.both("squeeze(Tensor input, int[] dim)", |a| a.tensor(0).squeeze_dims(&a.dims(1)));
    table.both("unsqueeze(Tensor input, int dim)", |a| a.tensor(0).unsqueeze(a.dim(1)));
}

fn in_place(table: &mut Table<'_>) {
    table.method("t_(Tensor input)", |a| a.tensor(0).t_());
    table.method("transpose_(Tensor input, int dim0, int dim1)", |a| a.tensor(0).transpose_(a.dim(1), a.dim(2)));
    table.method("swapaxes_(Tensor input, int axis0, int axis1)", |a| a.tensor(0).transpose_(a.dim(1), a.dim(2)));
    table.method("swapdims_(Tensor input, int dim0, int dim1)", |a| a.tensor(0).transpose_(a.dim(1), a.dim(2)));
    table.method("squeeze_(Tensor input)", |a| a.tensor(0).squeeze_());
    table.method("squeeze_(Tensor input, int dim)", |a| a.tensor(0).squeeze_dim_(a.dim(1)));
    table.method("squeeze_(Tensor input, int[] dim)", |a| a.tensor(0).squeeze_dims_(&a.dims(1)));
    table.method("unsqueeze_(Tensor input, int dim)", |a| a.tensor(0).unsqueeze_(a.dim(1)));
    table.both("as_strided_(Tensor input, int[] size, int[] stride, int? storage_offset=None)", |a| {
        a.tensor(0).as_strided_(layout(a, 1)?)
    });
}

fn parts(table: &mut Table<'_>) {
    table.both("select(Tensor input, int dim, int index)", |a| a.tensor(0).select(a.dim(1), a.dim(2)));
    table.both("narrow(Tensor input, int dim, int start, int length)", |a| {
        narrow(a.tensor(0), a.dim(1), a.dim(2), a.int(3))
    });
    table.both("narrow(Tensor input, int dim, Tensor start, int length)", |a| {
        let start = a.tensor(2);
        if start.ndim() != 0 || !start.dtype().is_integral(false) {
            return Err(Error::runtime("start must be an 0-dim integral Tensor."));
        }
        narrow(a.tensor(0), a.dim(1), start.item()?.to_i64() as isize, a.int(3))
    });
    table.both("diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1)", |a| {
        a.tensor(0).diagonal(a.dim(1), a.dim(2), a.dim(3))
    });
    table.within("_linalg", "linalg_diagonal(Tensor A, *, int offset=0, int dim1=-2, int dim2=-1)", |a| {
        a.tensor(0).diagonal(a.dim(1), a.dim(2), a.dim(3))
    });
    table.both("as_strided(Tensor input, int[] size, int[] stride, int? storage_offset=None)", |a| {
        a.tensor(0).as_strided(layout(a, 1)?)
    });
    table.method("unfold(Tensor input, int dimension, int size, int step)", |a| {
        let size =
            usize::try_from(a.int(2)).map_err(|_| Error::runtime(format!("size is {} but must be >= 0", a.int(2))))?;
        let step =
            usize::try_from(a.int(3)).map_err(|_| Error::runtime(format!("step is {} but must be > 0", a.int(3))))?;
        a.tensor(0).unfold(a.dim(1), size, step)
    });
}

fn narrow(tensor: &Tensor, dim: isize, start: isize, length: i64) -> Result<Tensor> {
    let length = usize::try_from(length).map_err(|_| Error::runtime("narrow(): length must be non-negative."))?;
    tensor.narrow(dim, start, length)
}

fn splits(table: &mut Table<'_>) {
    table.both("split(Tensor input, int split_size, int dim=0)", |a| {
        let size = usize::try_from(a.int(1)).map_err(|_| {
            Error::runtime(format!("split expects split_size be non-negative, but got split_size={}", a.int(1)))
        })?;
        a.tensor(0).split(size, a.dim(2))
    });
    table.both("split(Tensor input, int[] split_size, int dim=0)", with_sizes);
    table.both("split_with_sizes(Tensor input, int[] split_sizes, int dim=0)", with_sizes);
    table.both("chunk(Tensor input, int chunks, int dim=0)", |a| {
        let chunks = usize::try_from(a.int(1)).unwrap_or(0);
        if chunks == 0 {
            return Err(Error::runtime(format!("chunk expects `chunks` to be greater than 0, got: {}", a.int(1))));
        }
        a.tensor(0).chunk(chunks, a.dim(2))
    });
    table.alias("unsafe_chunk", "chunk");
    table.alias("unsafe_split", "split");
    table.alias("unsafe_split_with_sizes", "split_with_sizes");
    table.both("unbind(Tensor input, int dim=0)", |a| a.tensor(0).unbind(a.dim(1)));
    table.both("tensor_split(Tensor input, int sections, int dim=0)", |a| a.tensor(0).tensor_split(a.dim(1), a.dim(2)));
    table.both("tensor_split(Tensor input, int[] indices, int dim=0)", |a| {
        a.tensor(0).tensor_split_at(&a.dims(1), a.dim(2))
    });
    table.both("tensor_split(Tensor input, Tensor tensor_indices_or_sections, int dim=0)", |a| {
        let indices = a.tensor(1);
        if indices.dtype() != DType::I64 {
            let name = indices.dtype().scalar_type_name();
            return Err(Error::runtime(format!(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got {name}"
            )));
        }
        match indices.ndim() {
            0 => a.tensor(0).tensor_split(indices.item()?.to_i64() as isize, a.dim(2)),
            1 => {
                let indices: Vec<isize> = indices.to_vec::<i64>()?.into_iter().map(|i| i as isize).collect();
                a.tensor(0).tensor_split_at(&indices, a.dim(2))
            }
            ndim => Err(Error::runtime(format!(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with {ndim} dims"
            ))),
        }
    });
    table.both("hsplit(Tensor input, int sections)", |a| a.tensor(0).hsplit(a.dim(1)));
    table.both("hsplit(Tensor input, int[] indices)", |a| a.tensor(0).hsplit_at(&a.dims(1)));
    table.both("vsplit(Tensor input, int sections)", |a| a.tensor(0).vsplit(a.dim(1)));
    table.both("vsplit(Tensor input, int[] indices)", |a| a.tensor(0).vsplit_at(&a.dims(1)));
    table.both("dsplit(Tensor input, int sections)", |a| a.tensor(0).dsplit(a.dim(1)));
    table.both("dsplit(Tensor input, int[] indices)", |a| a.tensor(0).dsplit_at(&a.dims(1)));
}

fn with_sizes(a: &Args) -> Result<Vec<Tensor>> {
    let sizes = a.ints(1).iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<_>>>();
    match sizes {
        Some(sizes) => a.tensor(0).split_with_sizes(&sizes, a.dim(2)),
        None => {
            let list: Vec<String> = a.ints(1).iter().map(i64::to_string).collect();
            Err(Error::runtime(format!(
                "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes=[{}]",
                list.join(", ")
            )))
        }
    }
}
