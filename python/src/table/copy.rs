//! The Python operators of the family `copy`.

use super::Table;
use flambeau_tensor::{DType, Result, Tensor};

/// Converts a tensor, or gives it back if it is of the dtype already.
fn converted(tensor: &Tensor, dtype: DType) -> Result<Tensor> {
    if tensor.dtype() == dtype { Ok(tensor.clone()) } else { tensor.to_dtype(dtype) }
}

macro_rules! conversions {
    ($table:ident: $($schema:literal => $dtype:ident),*) => {
        $($table.method($schema, |a| converted(a.tensor(0), DType::$dtype));)*
    };
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.both("clone(Tensor input, *, MemoryFormat memory_format=None)", |a| match a.format(1) {
        Some(format) => a.tensor(0).clone_in(format),
        None => a.tensor(0).copy(),
    });
    table.method("contiguous(Tensor input, *, MemoryFormat memory_format=torch.contiguous_format)", |a| {
        a.tensor(0).contiguous_in(a.format_of(1))
    });
    table.method("type_as(Tensor input, Tensor other)", |a| converted(a.tensor(0), a.tensor(1).dtype()));
    table.method("cpu(Tensor input, *, MemoryFormat memory_format=None)", |a| a.tensor(0).clone());
    conversions!(table:
        "float(Tensor input, *, MemoryFormat memory_format=None)" => F32,
        "double(Tensor input, *, MemoryFormat memory_format=None)" => F64,
        "half(Tensor input, *, MemoryFormat memory_format=None)" => F16,
        "bfloat16(Tensor input, *, MemoryFormat memory_format=None)" => BF16,
        "long(Tensor input, *, MemoryFormat memory_format=None)" => I64,
        "int(Tensor input, *, MemoryFormat memory_format=None)" => I32,
        "short(Tensor input, *, MemoryFormat memory_format=None)" => I16,
        "char(Tensor input, *, MemoryFormat memory_format=None)" => I8,
        "byte(Tensor input, *, MemoryFormat memory_format=None)" => U8,
        "bool(Tensor input, *, MemoryFormat memory_format=None)" => Bool
    );
    table.method(
        "to(Tensor input, Device device=None, ScalarType dtype=None, bool non_blocking=False, bool copy=False, *, MemoryFormat memory_format=None)",
        |a| convert(a.tensor(0), a.dtype(2), a.bool(4), a.format(5)),
    );
    table.method(
        "to(Tensor input, ScalarType dtype, bool non_blocking=False, bool copy=False, *, MemoryFormat memory_format=None)",
        |a| convert(a.tensor(0), a.dtype(1), a.bool(3), a.format(4)),
    );
    table.method(
        "to(Tensor input, Tensor other, bool non_blocking=False, bool copy=False, *, MemoryFormat memory_format=None)",
        |a| convert(a.tensor(0), Some(a.tensor(1).dtype()), a.bool(3), a.format(4)),
    );
    table.method("copy_(Tensor input, Tensor other, bool non_blocking=False)", |a| a.tensor(0).copy_(a.tensor(1)));
    table.both("fill_(Tensor input, Operand value)", |a| a.tensor(0).fill_(a.operand(1)));
    table.both("fill(Tensor input, Operand value)", |a| a.tensor(0).fill(a.operand(1)));
    table.both("zero_(Tensor input)", |a| a.tensor(0).zero_());
    table.method("fill_diagonal_(Tensor input, Scalar fill_value, bool wrap=False)", |a| {
        a.tensor(0).fill_diagonal_(a.scalar(1), a.bool(2))
    });
}

/// `Tensor.to`: the tensor itself where nothing changes and no copy is asked for.
fn convert(
    tensor: &Tensor,
    dtype: Option<DType>,
    copy: bool,
    format: Option<flambeau_tensor::MemoryFormat>,
) -> Result<Tensor> {
    let changed = dtype.is_some_and(|d| d != tensor.dtype());
    let mut result = match dtype {
        Some(dtype) if changed => tensor.to_dtype(dtype)?,
        _ if copy => tensor.copy()?,
        _ => tensor.clone(),
    };
    if let Some(format) = format {
        result = result.contiguous_in(format)?;
    }
    Ok(result)
}
