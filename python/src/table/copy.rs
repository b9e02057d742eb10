//! The Python operators of the family `copy`.

use super::Table;
use crate::args::Args;
use crate::output::Output;
use flambeau_tensor::ops::ToOptions;
use flambeau_tensor::{DType, Error, MemoryFormat, Result, Scalar, Tensor};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    copies(table);
    conversions(table);
    rearrangements(table);
    assignments(table);
}

fn copies(table: &mut Table<'_>) {
    table.both("clone(Tensor input, *, MemoryFormat memory_format=None)", |a| {
        a.tensor(0).clone_in(a.format(1).unwrap_or(MemoryFormat::Preserve))
    });
    table.method("contiguous(Tensor input, *, MemoryFormat memory_format=torch.contiguous_format)", |a| {
        match a.format_of(1) {
            MemoryFormat::Preserve => {
                Err(Error::runtime("preserve memory format is unsupported by the contiguous operator"))
            }
            format => a.tensor(0).contiguous_in(format),
        }
    });
}

/// `to` with the arguments `non_blocking, copy, memory_format` from position `at` on. There is one
/// device, so that nothing is left of it or of blocking.
fn to(a: &Args, dtype: Option<DType>, at: usize) -> Result<Tensor> {
    a.tensor(0).to(ToOptions { dtype, memory_format: a.format(at + 2), copy: a.bool(at + 1) })
}

fn conversions(table: &mut Table<'_>) {
    table.method(
        "to(Tensor input, Device device=None, ScalarType dtype=None, bool non_blocking=False, bool copy=False, *, MemoryFormat memory_format=None)",
        |a| to(a, a.dtype(2), 3),
    );
    table.method(
        "to(Tensor input, ScalarType dtype, bool non_blocking=False, bool copy=False, *, MemoryFormat memory_format=None)",
        |a| to(a, a.dtype(1), 2),
    );
    table.method(
        "to(Tensor input, Tensor other, bool non_blocking=False, bool copy=False, *, MemoryFormat memory_format=None)",
        |a| to(a, Some(a.tensor(1).dtype()), 2),
    );
    macro_rules! named {
        ($($name:literal: $dtype:ident,)*) => {$(
            table.method(concat!($name, "(Tensor input, *, MemoryFormat memory_format=None)"), |a| {
                a.tensor(0).to(ToOptions { dtype: Some(DType::$dtype), memory_format: a.format(1), copy: false })
            });
        )*};
    }
    named! {
        "float": F32, "double": F64, "half": F16, "bfloat16": BF16, "byte": U8, "char": I8, "short": I16, "int": I32,
        "long": I64, "bool": Bool,
    }
    table.method("cpu(Tensor input, *, MemoryFormat memory_format=None)", |a| {
        a.tensor(0).to(ToOptions { memory_format: a.format(1), ..Default::default() })
    });
    table.method("type_as(Tensor input, Tensor other)", |a| a.tensor(0).to_dtype(a.tensor(1).dtype()));
    table.method("type(Tensor input, ScalarType dtype=None, bool non_blocking=False)", |a| match a.dtype(1) {
        None => Ok(Output::Str(type_name(a.tensor(0).dtype()))),
        Some(dtype) => a.tensor(0).to_dtype(dtype).map(Output::Tensor),
    });
    table.method("type(Tensor input, str dtype, bool non_blocking=False)", |a| {
        match DType::ALL.into_iter().find(|&dtype| type_name(dtype) == a.str(1)) {
            Some(dtype) => a.tensor(0).to_dtype(dtype),
            None => Err(Error::value(format!("invalid type: '{}'", a.str(1)))),
        }
    });
}

fn type_name(dtype: DType) -> String {
    format!("torch.{}Tensor", dtype.scalar_type_name())
}

fn rearrangements(table: &mut Table<'_>) {
    table.both("flip(Tensor input, int[] dims)", |a| a.tensor(0).flip(&a.dims(1)));
    table.both("fliplr(Tensor input)", |a| match a.tensor(0).ndim() {
        0 | 1 => Err(Error::runtime("Input must be >= 2-d.")),
        _ => a.tensor(0).flip(&[1]),
    });
    table.both("flipud(Tensor input)", |a| match a.tensor(0).ndim() {
        0 => Err(Error::runtime("Input must be >= 1-d.")),
        _ => a.tensor(0).flip(&[0]),
    });
    table.both("roll(Tensor input, int[1] shifts, int[1] dims=[])", |a| a.tensor(0).roll(&a.dims(1), &a.dims(2)));
    table.method("repeat(Tensor input, int[] repeats)", |a| a.tensor(0).repeat(&a.dims(1)));
    table.function("repeat_interleave(Tensor repeats, *, int? output_size=None)", |a| {
        a.tensor(0).repeat_interleave_index(a.opt_int(1))
    });
    table.both("repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, int? output_size=None)", |a| {
        a.tensor(0).repeat_interleave(a.tensor(1), a.opt_dim(2), a.opt_int(3))
    });
    table.both("repeat_interleave(Tensor input, int repeats, int? dim=None, *, int? output_size=None)", |a| {
        a.tensor(0).repeat_interleave(a.int(1), a.opt_dim(2), a.opt_int(3))
    });
    table.both("rot90(Tensor input, int k=1, int[] dims=(0, 1))", |a| a.tensor(0).rot90(a.int(1), &a.dims(2)));
    matrices(table);
    table.both("tile(Tensor input, int[] dims)", |a| a.tensor(0).tile(&a.dims(1)));
}

fn matrices(table: &mut Table<'_>) {
    table.both("tril(Tensor input, int diagonal=0, *, Tensor out=None)", |a| a.tensor(0).tril(a.dim(1)));
    table.both("triu(Tensor input, int diagonal=0, *, Tensor out=None)", |a| a.tensor(0).triu(a.dim(1)));
    table.method("tril_(Tensor input, int diagonal=0)", |a| a.tensor(0).tril_(a.dim(1)));
    table.method("triu_(Tensor input, int diagonal=0)", |a| a.tensor(0).triu_(a.dim(1)));
    table.both("diag(Tensor input, int diagonal=0, *, Tensor out=None)", |a| a.tensor(0).diag(a.dim(1)));
    table.both("diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1)", |a| {
        a.tensor(0).diag_embed(a.dim(1), a.dim(2), a.dim(3))
    });
    table.both("diagflat(Tensor input, int offset=0)", |a| a.tensor(0).diagflat(a.dim(1)));
}

fn assignments(table: &mut Table<'_>) {
    table
        .method("copy_(Tensor input, Operand other, bool non_blocking=False)", |a| a.tensor(0).copy_(&a.tensor_of(1)?));
    table.both("fill(Tensor input, Tensor value)", |a| a.tensor(0).fill(a.tensor(1)));
    table.both("fill(Tensor input, Scalar value)", |a| a.tensor(0).fill(a.scalar(1)));
    table.both("fill_(Tensor input, Tensor value)", |a| a.tensor(0).fill_(a.tensor(1)));
    table.both("fill_(Tensor input, Scalar value)", |a| a.tensor(0).fill_(a.scalar(1)));
    table.both("zero_(Tensor input)", |a| a.tensor(0).zero_());
    table.method("resize_(Tensor input, int[] size, *, MemoryFormat memory_format=None)", |a| {
        if a.ints(1).iter().any(|&size| size < 0) {
            return Err(Error::runtime("numel: integer multiplication overflow"));
        }
        a.tensor(0).resize_(a.sizes(1)?, a.format(2))
    });
    table.method("resize_as_(Tensor input, Tensor the_template, *, MemoryFormat memory_format=None)", |a| {
        a.tensor(0).resize_(a.tensor(1).shape(), a.format(2))
    });
    table.method("fill_diagonal_(Tensor input, Scalar fill_value, bool wrap=False)", |a| {
        let value: Scalar = a.scalar(1);
        a.tensor(0).fill_diagonal_(value, a.bool(2))
    });
}
