//! The Python operators of the family `create`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::{self, MeshIndexing, Operand, TensorOptions};
use flambeau_tensor::{DType, Error, MemoryFormat, Result, Scalar, Tensor};

/// The dtype that was asked for, or that of `out`.
fn dtype(a: &Args, out: usize, dtype: usize) -> Option<DType> {
    a.dtype(dtype).or_else(|| a.opt_tensor(out).map(Tensor::dtype))
}

/// Options of the factories that follow a tensor: `memory_format` at 1 or after, then `$options`.
fn like(a: &Args, format: usize) -> TensorOptions {
    TensorOptions { dtype: a.dtype(format + 1), memory_format: a.format(format), requires_grad: false }
}

fn strides(a: &Args, i: usize) -> Result<Vec<usize>> {
    a.ints(i)
        .iter()
        .map(|&stride| {
            usize::try_from(stride).map_err(|_| {
                let list: Vec<String> = a.ints(i).iter().map(i64::to_string).collect();
                Error::runtime(format!(
                    "as_strided: Negative strides are not supported at the moment, got strides: [{}]",
                    list.join(", ")
                ))
            })
        })
        .collect()
}

fn empty(sizes: Vec<usize>, format: MemoryFormat, dtype: DType) -> Result<Tensor> {
    if format == MemoryFormat::Preserve {
        return Err(Error::runtime("unsupported memory format option Preserve"));
    }
    let (rank, name) = match format {
        MemoryFormat::ChannelsLast => (4, "channels_last"),
        MemoryFormat::ChannelsLast3d => (5, "channels_last_3d"),
        _ => return Tensor::empty(sizes, dtype),
    };
    if sizes.len() != rank {
        return Err(Error::runtime(format!("required rank {rank} tensor to use {name} format")));
    }
    Tensor::empty_in_format(sizes, dtype, format)
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    constants(table);
    models(table);
    sequences(table);
}

fn constants(table: &mut Table<'_>) {
    table.function("zeros(int[] size, *, Tensor out=None, $options)", |a| {
        if a.ints(0).iter().any(|&size| size < 0) {
            return Err(Error::runtime("zeros: Dimension size must be non-negative."));
        }
        Tensor::zeros(a.sizes(0)?, dtype(a, 1, 2))
    });
    table.function("ones(int[] size, *, Tensor out=None, $options)", |a| Tensor::ones(a.sizes(0)?, dtype(a, 1, 2)));
    table.function("full(int[] size, Scalar fill_value, *, Tensor out=None, $options)", |a| {
        Tensor::full(a.sizes(0)?, a.scalar(1), dtype(a, 2, 3))
    });
    table.function("scalar_tensor(Scalar s, *, $options)", |a| Tensor::scalar(a.scalar(0), a.dtype_or_default(1)));
    table.function("empty(int[] size, *, MemoryFormat memory_format=None, Tensor out=None, $options)", |a| {
        let dtype = dtype(a, 2, 3).unwrap_or_else(flambeau_tensor::get_default_dtype);
        empty(a.sizes(0)?, a.format(1).unwrap_or(MemoryFormat::Contiguous), dtype)
    });
    table.function("empty_strided(int[] size, int[] stride, *, $options)", |a| {
        Tensor::empty_strided(a.sizes(0)?, &strides(a, 1)?, a.dtype_or_default(2))
    });
}

fn models(table: &mut Table<'_>) {
    table.function("empty_like(Tensor input, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).empty_like(like(a, 1))
    });
    table.function("zeros_like(Tensor input, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).zeros_like(like(a, 1))
    });
    table.function("ones_like(Tensor input, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).ones_like(like(a, 1))
    });
    table.function("full_like(Tensor input, Scalar fill_value, *, MemoryFormat memory_format=None, $options)", |a| {
        a.tensor(0).full_like(a.scalar(1), like(a, 2))
    });
    table
        .method("new_empty(Tensor input, int[] size, *, $options)", |a| a.tensor(0).new_empty(a.sizes(1)?, a.dtype(2)));
    table
        .method("new_zeros(Tensor input, int[] size, *, $options)", |a| a.tensor(0).new_zeros(a.sizes(1)?, a.dtype(2)));
    table.method("new_ones(Tensor input, int[] size, *, $options)", |a| a.tensor(0).new_ones(a.sizes(1)?, a.dtype(2)));
    table.method("new_full(Tensor input, int[] size, Scalar fill_value, *, $options)", |a| {
        a.tensor(0).new_full(a.sizes(1)?, a.scalar(2), a.dtype(3))
    });
    table.method("new_empty_strided(Tensor input, int[] size, int[] stride, *, $options)", |a| {
        Tensor::empty_strided(a.sizes(1)?, &strides(a, 2)?, a.dtype(3).unwrap_or_else(|| a.tensor(0).dtype()))
    });
}

fn sequences(table: &mut Table<'_>) {
    table.function("arange(Scalar end, *, Tensor out=None, $options)", |a| {
        Tensor::arange(0i64, a.scalar(0), 1i64, dtype(a, 1, 2))
    });
    table.function("arange(Scalar start, Scalar end, Scalar step=1, *, Tensor out=None, $options)", |a| {
        Tensor::arange(a.scalar(0), a.scalar(1), a.scalar(2), dtype(a, 3, 4))
    });
    spaces(table);
    grids(table);
    table.function("eye(int n, *, Tensor out=None, $options)", |a| eye(a.int(0), a.int(0), dtype(a, 1, 2)));
    table.function("eye(int n, int m, *, Tensor out=None, $options)", |a| eye(a.int(0), a.int(1), dtype(a, 2, 3)));
}

/// A bound given as a number, or as a tensor that must have no dimensions.
fn bound(a: &Args, i: usize, name: &str) -> Result<Scalar> {
    match a.operand(i) {
        Operand::Scalar(number) => Ok(number),
        Operand::Tensor(tensor) if tensor.ndim() == 0 => tensor.item(),
        Operand::Tensor(tensor) => Err(Error::runtime(format!(
            "{name} only supports 0-dimensional start and end tensors, but got {} with {} dimension(s).",
            if i == 0 { "start" } else { "end" },
            tensor.ndim()
        ))),
    }
}

fn spaces(table: &mut Table<'_>) {
    macro_rules! forms {
        ($($start:literal, $end:literal;)*) => {$(
            table.function(
                concat!("linspace(", $start, " start, ", $end, " end, int steps, *, Tensor out=None, $options)"),
                |a| Tensor::linspace(bound(a, 0, "linspace")?, bound(a, 1, "linspace")?, a.int(2), dtype(a, 3, 4)),
            );
            table.function(
                concat!(
                    "logspace(", $start, " start, ", $end,
                    " end, int steps, float base=10.0, *, Tensor out=None, $options)"
                ),
                |a| {
                    let (start, end) = (bound(a, 0, "logspace")?, bound(a, 1, "logspace")?);
                    Tensor::logspace(start, end, a.int(2), a.float(3), dtype(a, 4, 5))
                },
            );
        )*};
    }
    forms!("Tensor", "Tensor"; "Scalar", "Tensor"; "Tensor", "Scalar"; "Scalar", "Scalar";);
}

fn grids(table: &mut Table<'_>) {
    table.function("meshgrid(Tensor[] tensors)", |a| ops::meshgrid(&a.tensor_refs(0), MeshIndexing::Matrix));
    table.function("meshgrid(Tensor[] tensors, *, str indexing)", |a| {
        ops::meshgrid(&a.tensor_refs(0), MeshIndexing::named(a.str(1))?)
    });
    table.function("cartesian_prod(Tensor[] tensors)", |a| ops::cartesian_prod(&a.tensor_refs(0)));
    table.function("combinations(Tensor input, int r=2, bool with_replacement=False)", |a| {
        a.tensor(0).combinations(a.int(1), a.bool(2))
    });
    table.function("vander(Tensor x, int? N=None, bool increasing=False)", |a| {
        a.tensor(0).vander(a.opt_int(1), a.bool(2))
    });
    table.function("tril_indices(int row, int col, int offset=0, *, $options)", |a| {
        ops::tril_indices(a.int(0), a.int(1), a.int(2), a.dtype(3).unwrap_or(DType::I64))
    });
    table.function("triu_indices(int row, int col, int offset=0, *, $options)", |a| {
        ops::triu_indices(a.int(0), a.int(1), a.int(2), a.dtype(3).unwrap_or(DType::I64))
    });
}

fn eye(n: i64, m: i64, dtype: Option<DType>) -> Result<Tensor> {
    let size = |name: &str, size: i64| {
        usize::try_from(size).map_err(|_| Error::runtime(format!("{name} must be greater or equal to 0, got {size}")))
    };
    let matrix = Tensor::zeros([size("n", n)?, size("m", m)?], dtype)?;
    matrix.diagonal(0, 0, 1)?.fill_(1i64)?;
    Ok(matrix)
}
