//! Mixed precision: while it is on, some operators compute in a narrower dtype than their arguments
//! have, and some in a wider one.
//!
//! ```
//! use flambeau_tensor::{DType, autocast};
//! assert_eq!(autocast::state(), autocast::State { enabled: false, dtype: DType::BF16 });
//! assert!(autocast::with(DType::F16, || autocast::state().enabled));
//! assert!(!autocast::state().enabled);
//! assert_eq!(autocast::Policy::of("matmul"), Some(autocast::Policy::Narrow));
//! ```
//!
//! The tensor's own operators compute in what they are given. Who calls them for a user asks for the conversion: the
//! functions and layers of `flambeau_nn` by [`arguments`], and what Python calls.

use crate::{DType, Result, Tensor};
use std::cell::Cell;

/// Whether mixed precision is on, and its narrow dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether operators convert their arguments.
    pub enabled: bool,
    /// What products and convolutions compute in.
    pub dtype: DType,
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State { enabled: false, dtype: DType::BF16 }) };
}

/// The state of this thread.
pub fn state() -> State {
    STATE.get()
}

/// Changes the state of this thread.
pub fn set_state(state: State) {
    STATE.set(state);
}

/// Runs something with mixed precision on, whose narrow dtype is `dtype`; afterwards, also after a panic, the state is as
/// it was before.
pub fn with<R>(dtype: DType, run: impl FnOnce() -> R) -> R {
    struct Before(State);
    impl Drop for Before {
        fn drop(&mut self) {
            set_state(self.0);
        }
    }
    let _before = Before(STATE.replace(State { enabled: true, dtype }));
    run()
}

/// Which dtype an operator gets its floating-point arguments in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The narrow one: products and convolutions.
    Narrow,
    /// float32: losses, and what loses too many digits.
    Float32,
    /// The widest among them: what puts tensors together.
    Widest,
}

impl Policy {
    /// The policy for an operator, by PyTorch's lists for CPUs; `None` for one that takes any dtype.
    pub fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "conv1d"
            | "conv2d"
            | "conv3d"
            | "conv_transpose1d"
            | "conv_transpose2d"
            | "conv_transpose3d"
            | "convolution"
            | "conv_tbc"
            | "mm"
            | "bmm"
            | "matmul"
            | "__matmul__"
            | "linear"
            | "addmm"
            | "baddbmm"
            | "addbmm"
            | "einsum"
            | "tensordot"
            | "chain_matmul"
            | "matrix_power"
            | "scaled_dot_product_attention" => Self::Narrow,
            "avg_pool3d"
            | "binary_cross_entropy"
            | "binary_cross_entropy_with_logits"
            | "grid_sampler"
            | "prod"
            | "quantile"
            | "nanquantile"
            | "cdist"
            | "trace"
            | "mse_loss"
            | "cosine_embedding_loss"
            | "nll_loss"
            | "nll_loss_nd"
            | "nll_loss2d"
            | "hinge_embedding_loss"
            | "poisson_nll_loss"
            | "smooth_l1_loss"
            | "cross_entropy_loss"
            | "l1_loss"
            | "huber_loss"
            | "margin_ranking_loss"
            | "soft_margin_loss"
            | "triplet_margin_loss"
            | "multi_margin_loss"
            | "ctc_loss"
            | "kl_div"
            | "multilabel_margin_loss"
            | "linalg_matrix_norm"
            | "linalg_qr" => Self::Float32,
            "cat" | "stack" | "index_copy" => Self::Widest,
            _ => return None,
        })
    }

    /// The dtype that an operator's arguments are converted to, given what they are. float64 and
    /// what is no floating-point type stays as it is.
    pub fn target(self, arguments: impl IntoIterator<Item = DType>) -> Option<DType> {
        match self {
            Self::Narrow => Some(state().dtype),
            Self::Float32 => Some(DType::F32),
            Self::Widest => arguments.into_iter().filter(|dtype| eligible(*dtype)).reduce(DType::promote),
        }
    }
}

fn eligible(dtype: DType) -> bool {
    dtype.is_floating_point() && dtype != DType::F64
}

/// An argument as an operator gets it.
///
/// # Errors
/// If there is not enough memory.
pub fn convert(argument: &Tensor, target: DType) -> Result<Tensor> {
    if eligible(argument.dtype()) { argument.to_dtype(target) } else { Ok(argument.clone()) }
}

/// The arguments of an operator, as this thread's state wants them.
///
/// # Errors
/// If there is not enough memory.
pub fn arguments<const N: usize>(policy: Policy, given: [&Tensor; N]) -> Result<[Tensor; N]> {
    let mut arguments = given.map(Tensor::clone);
    if state().enabled
        && let Some(target) = policy.target(given.iter().map(|tensor| tensor.dtype()))
    {
        for argument in &mut arguments {
            *argument = convert(argument, target)?;
        }
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_choose_a_dtype() {
        assert_eq!(Policy::of("relu"), None);
        assert_eq!(Policy::Narrow.target([DType::F32]), Some(DType::BF16));
        assert_eq!(Policy::Widest.target([DType::BF16, DType::F32, DType::I64]), Some(DType::F32));
        let x = Tensor::ones([2], DType::F32).unwrap();
        assert_eq!(convert(&x, DType::BF16).unwrap().dtype(), DType::BF16);
        let [same] = arguments(Policy::Narrow, [&x]).unwrap();
        let [narrow] = with(DType::F16, || arguments(Policy::Narrow, [&x])).unwrap();
        assert_eq!((same.dtype(), narrow.dtype(), state().enabled), (DType::F32, DType::F16, false));
        let x = x.to_dtype(DType::F64).unwrap();
        assert_eq!(convert(&x, DType::BF16).unwrap().dtype(), DType::F64);
    }
}
