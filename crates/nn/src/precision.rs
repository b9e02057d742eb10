//! What mixed precision makes of the arguments of layers and losses: see [`flambeau_tensor::autocast`].

use flambeau_tensor::autocast::{self, Policy};
use flambeau_tensor::{Result, Tensor};

/// Computes a product or a convolution of `input`, `weight` and `bias`, in the narrow dtype where mixed precision is on.
pub(crate) fn product(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    compute: impl FnOnce(&Tensor, &Tensor, Option<&Tensor>) -> Result<Tensor>,
) -> Result<Tensor> {
    if !autocast::state().enabled {
        return compute(input, weight, bias);
    }
    let [input, weight] = autocast::arguments(Policy::Narrow, [input, weight])?;
    let bias = bias.map(|bias| autocast::arguments(Policy::Narrow, [bias])).transpose()?;
    compute(&input, &weight, bias.as_ref().map(|[bias]| bias))
}

/// Computes a loss, in float32 where mixed precision is on.
pub(crate) fn loss(
    input: &Tensor,
    target: &Tensor,
    compute: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let [input, target] = autocast::arguments(Policy::Float32, [input, target])?;
    compute(&input, &target)
}
