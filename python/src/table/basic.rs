//! What belongs to no family: a tensor's sizes, place in memory and place in the graph.

use super::Table;
use crate::output::{IntoOutput, Output};
use flambeau_tensor::{Error, Scalar, Tensor, autocast};

/// Adds these operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.method("size(Tensor input, int dim=None)", |a| {
        let tensor = a.tensor(0);
        Ok::<_, Error>(match a.opt_dim(1) {
            None => Output::Shape(tensor.shape()),
            Some(dim) => Output::Scalar(Scalar::Int(tensor.size(dim)? as i64)),
        })
    });
    table.method("stride(Tensor input, int dim=None)", |a| {
        let strides = a.tensor(0).strides();
        let Some(dim) = a.opt_dim(1) else { return strides.to_vec().into_output() };
        let at = a.tensor(0).dim(dim)?;
        strides.get(at).copied().ok_or_else(|| Error::dimension(dim, 0)).into_output()
    });
    table.method("dim(Tensor input)", |a| a.tensor(0).ndim());
    table.alias("ndimension", "dim");
    table.both("numel(Tensor input)", |a| a.tensor(0).numel());
    table.method("nelement(Tensor input)", |a| a.tensor(0).numel());
    table.method("element_size(Tensor input)", |a| a.tensor(0).dtype().size());
    table.method("storage_offset(Tensor input)", |a| a.tensor(0).layout().offset());
    table.method("data_ptr(Tensor input)", |a| {
        let array = a.tensor(0).array();
        let address = array.storage().as_ptr() as usize + array.layout().offset() * array.dtype().size();
        if array.storage().is_empty() { 0 } else { address }
    });
    table.method("is_contiguous(Tensor input, *, MemoryFormat memory_format=torch.contiguous_format)", |a| {
        a.tensor(0).is_contiguous_in(a.format_of(1))
    });
    table.both("is_floating_point(Tensor input)", |a| a.tensor(0).dtype().is_floating_point());
    table.both("is_complex(Tensor input)", |a| a.tensor(0).dtype().is_complex());
    table.both("is_signed(Tensor input)", |a| {
        let dtype = a.tensor(0).dtype();
        !matches!(dtype, flambeau_tensor::DType::Bool | flambeau_tensor::DType::U8)
    });
    table.both("is_conj(Tensor input)", |_| false);
    table.both("is_neg(Tensor input)", |_| false);
    for schema in ["resolve_conj(Tensor input)", "resolve_neg(Tensor input)"] {
        table.both(schema, |a| a.tensor(0).clone());
    }
    table.both("is_inference(Tensor input)", |a| a.tensor(0).is_inference());
    table.both("is_same_size(Tensor input, Tensor other)", |a| a.tensor(0).shape() == a.tensor(1).shape());
    table.method("is_set_to(Tensor input, Tensor tensor)", |a| {
        let (one, other) = (a.tensor(0).array(), a.tensor(1).array());
        std::sync::Arc::ptr_eq(one.storage(), other.storage()) && one.layout() == other.layout()
    });
    table.method("is_pinned(Tensor input, Device device=None)", |_| false);
    table.method("get_device(Tensor input)", |_| Scalar::Int(-1));
    table.method("has_names(Tensor input)", |_| false);
    table.both("is_nonzero(Tensor input)", |a| {
        let tensor = a.tensor(0);
        match tensor.numel() {
            1 => tensor.item().map(Scalar::to_bool),
            0 => Err(Error::runtime("Boolean value of Tensor with no values is ambiguous")),
            _ => Err(Error::runtime("Boolean value of Tensor with more than one value is ambiguous")),
        }
    });
    table.method("item(Tensor input)", |a| item(a.tensor(0)));
    table.both("detach(Tensor input)", |a| a.tensor(0).detach());
    table.both("detach_(Tensor input)", |a| a.tensor(0).detach_());
    table.method("requires_grad_(Tensor input, bool requires_grad=True)", |a| a.tensor(0).requires_grad_(a.bool(1)));
    table.method("retain_grad(Tensor input)", |a| a.tensor(0).retain_grad());
    table.function("result_type(Operand tensor, Operand other)", |a| {
        use flambeau_tensor::ops::Operand;
        let class = |operand: &Operand| match operand {
            Operand::Tensor(tensor) => (tensor.dtype(), if tensor.ndim() > 0 { 2 } else { 1 }),
            Operand::Scalar(number) => (number.dtype(), 0),
        };
        promote(class(&a.operand(0)), class(&a.operand(1)))
    });
    table.function("promote_types(ScalarType type1, ScalarType type2)", |a| a.dtype_of(0).promote(a.dtype_of(1)));
    table.function("can_cast(ScalarType from_, ScalarType to)", |a| a.dtype_of(0).can_cast(a.dtype_of(1)));
    table.function("set_default_dtype(ScalarType d)", |a| flambeau_tensor::set_default_dtype(a.dtype_of(0)));
    table.function("get_default_dtype()", |_| flambeau_tensor::get_default_dtype());
    table.function("get_num_threads()", |_| flambeau_kernels::parallel::threads());
    table.function("get_num_interop_threads()", |_| 1usize);
    table.function("set_num_interop_threads(int num_threads)", |_| ());
    table.function("is_grad_enabled()", |_| flambeau_tensor::autograd::is_grad_enabled());
    table.function("is_inference_mode_enabled()", |_| flambeau_tensor::autograd::is_inference_mode_enabled());
    mixed_precision(table);
    table.function("_shape_as_tensor(Tensor input)", |a| shape_tensor(a.tensor(0)));
}

/// The only element as a number.
fn item(tensor: &Tensor) -> flambeau_tensor::Result<Output> {
    if tensor.numel() == 1 && tensor.dtype().is_complex() {
        let tensor = tensor.detach();
        return Ok(Output::Complex(tensor.real()?.item()?.to_f64(), tensor.imag()?.item()?.to_f64()));
    }
    tensor.item()?.into_output()
}

/// The dtype of a result of two operands, each a dtype and its rank: 0 for a number, 1 for a 0-d
/// tensor, 2 for another. The lower rank counts only if it is of a higher kind.
fn promote(
    (a, rank_a): (flambeau_tensor::DType, u8),
    (b, rank_b): (flambeau_tensor::DType, u8),
) -> flambeau_tensor::DType {
    let kind = |d: flambeau_tensor::DType| {
        if d.is_complex() {
            3
        } else if d.is_floating_point() {
            2
        } else {
            u8::from(d.is_integral(false))
        }
    };
    if rank_a == rank_b {
        return a.promote(b);
    }
    let (strong, weak) = if rank_a > rank_b { (a, b) } else { (b, a) };
    if kind(weak) <= kind(strong) {
        strong
    } else if weak.is_floating_point() && rank_a.min(rank_b) == 0 {
        flambeau_tensor::get_default_dtype()
    } else {
        weak
    }
}

fn shape_tensor(tensor: &Tensor) -> flambeau_tensor::Result<Tensor> {
    let shape: Vec<i64> = tensor.shape().iter().map(|&n| n as i64).collect();
    Tensor::from_slice(&shape, [shape.len()])
}

/// The switches behind `torch.autocast`; there is one type of device.
fn mixed_precision(table: &mut Table<'_>) {
    table.function("_is_autocast_enabled(str device_type)", |a| a.str(0) == "cpu" && autocast::state().enabled);
    table.function("_get_autocast_dtype(str device_type)", |_| autocast::state().dtype);
    table.function("_set_autocast_enabled(str device_type, bool enabled)", |a| {
        if a.str(0) == "cpu" {
            autocast::set_state(autocast::State { enabled: a.bool(1), ..autocast::state() });
        }
    });
    table.function("_set_autocast_dtype(str device_type, ScalarType dtype)", |a| {
        if a.str(0) == "cpu" {
            autocast::set_state(autocast::State { dtype: a.dtype_of(1), ..autocast::state() });
        }
    });
}
