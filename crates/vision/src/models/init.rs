//! How networks draw their initial numbers anew, in the order in which PyTorch walks through modules.

use flambeau_nn::Module;
use flambeau_nn::init::{self, Fan, Nonlinearity};
use flambeau_tensor::{Result, Tensor};

/// How weights of convolutions, or of linear layers, are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Draw {
    /// As the layer has drawn them.
    Keep,
    /// He's normal distribution that keeps the variance backwards or forwards.
    Kaiming(Fan),
    /// A normal distribution of this deviation.
    Normal(f64),
    /// A normal distribution of this deviation, cut at plus and minus 2.
    Truncated(f64),
    /// Evenly within one over the root of the number of outputs.
    WithinOutputs,
}

/// What a network does once its layers are made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Weights of four dimensions.
    pub convolutions: Draw,
    /// Weights of two dimensions.
    pub linear: Draw,
    /// Whether the biases of convolutions and linear layers become 0.
    pub zero_biases: bool,
}

fn draw(weight: &Tensor, how: Draw) -> Result<()> {
    match how {
        Draw::Keep => return Ok(()),
        Draw::Kaiming(fan) => init::kaiming_normal_(weight, fan, Nonlinearity::Relu)?,
        Draw::Normal(std) => init::normal_(weight, 0.0, std)?,
        Draw::Truncated(std) => init::trunc_normal_(weight, 0.0, std, -2.0, 2.0)?,
        Draw::WithinOutputs => {
            let bound = 1.0 / (weight.shape()[0] as f64).sqrt();
            init::uniform_(weight, -bound, bound)?
        }
    };
    Ok(())
}

/// Draws the weights of a network, in order. Normalisations keep their ones and zeros, which every plan wants.
pub fn initialize(network: &impl Module, plan: Plan) -> Result<()> {
    for (name, parameter) in network.named_parameters() {
        match (parameter.ndim(), name.ends_with("bias")) {
            (4, false) => draw(&parameter, plan.convolutions)?,
            (2, false) => draw(&parameter, plan.linear)?,
            (1, true) if plan.zero_biases => drop(init::constant_(&parameter, 0.0)?),
            _ => {}
        }
    }
    Ok(())
}
