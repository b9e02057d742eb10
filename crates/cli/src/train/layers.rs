//! Networks described in a file.

use flambeau::autograd::no_grad;
use flambeau::nn::modules::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Conv2d, Dropout, Flatten, Gelu, Hardswish, LeakyRelu, Linear, MaxPool2d,
    Relu, Sequential, Sigmoid, Silu, Tanh,
};
use flambeau::prelude::*;
use serde::Deserialize;

/// A file: `[[layers]]` with a `type` each. How many channels or features a layer is given is seen from the layers before
/// it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    layers: Vec<Described>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Described {
    Conv2d {
        channels: usize,
        kernel: usize,
        #[serde(default = "one")]
        stride: usize,
        #[serde(default)]
        padding: usize,
        #[serde(default = "one")]
        dilation: usize,
        #[serde(default = "one")]
        groups: usize,
        #[serde(default = "yes")]
        bias: bool,
    },
    BatchNorm2d,
    Relu,
    LeakyRelu,
    Gelu,
    Silu,
    Hardswish,
    Sigmoid,
    Tanh,
    MaxPool2d {
        kernel: usize,
    },
    AvgPool2d {
        kernel: usize,
    },
    AdaptiveAvgPool2d {
        size: usize,
    },
    Dropout {
        p: f64,
    },
    Flatten,
    /// Without `features`, as many as there are classes.
    Linear {
        features: Option<usize>,
    },
    /// Layers whose output is added to their input.
    Residual {
        layers: Vec<Described>,
    },
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

/// Layers beside a shortcut.
#[derive(flambeau::nn::Module)]
struct Residual {
    layers: Sequential,
}

impl Forward for Residual {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        input.add(&self.layers.forward(input)?)
    }
}

/// Makes one layer after the other, and sees what each makes of an image.
struct Build {
    seen: Tensor,
    classes: usize,
}

impl Build {
    fn all(&mut self, layers: &[Described]) -> Result<Sequential> {
        layers.iter().enumerate().try_fold(Sequential::new(), |network, (number, layer)| {
            let made = self.layer(layer).map_err(|error| error.context(format!("layer {number}")))?;
            made.eval();
            self.seen =
                no_grad(|| made.forward(&self.seen)).map_err(|error| error.context(format!("layer {number}")))?;
            made.train(true);
            Ok(network.push(made))
        })
    }

    /// The channels of an image, or the features of a row.
    fn given(&self) -> usize {
        self.seen.shape().get(1).copied().unwrap_or(0)
    }

    fn layer(&mut self, layer: &Described) -> Result<Box<dyn Layer>> {
        Ok(match *layer {
            Described::Conv2d { channels, kernel, stride, padding, dilation, groups, bias } => Box::new(
                Conv2d::builder(self.given(), channels, kernel)
                    .stride(stride)
                    .padding(padding)
                    .dilation(dilation)
                    .groups(groups)
                    .bias(bias)
                    .build()?,
            ),
            Described::BatchNorm2d => Box::new(BatchNorm2d::new(self.given())?),
            Described::Relu => Box::new(Relu::new()),
            Described::LeakyRelu => Box::new(LeakyRelu::new(0.01)),
            Described::Gelu => Box::new(Gelu::new()),
            Described::Silu => Box::new(Silu::new()),
            Described::Hardswish => Box::new(Hardswish::new()),
            Described::Sigmoid => Box::new(Sigmoid::new()),
            Described::Tanh => Box::new(Tanh::new()),
            Described::MaxPool2d { kernel } => Box::new(MaxPool2d::new(kernel)),
            Described::AvgPool2d { kernel } => Box::new(AvgPool2d::new(kernel)),
            Described::AdaptiveAvgPool2d { size } => Box::new(AdaptiveAvgPool2d::new(size)),
            Described::Dropout { p } => Box::new(Dropout::new(p)),
            Described::Flatten => Box::new(Flatten::new()),
            Described::Linear { features } => Box::new(Linear::new(self.given(), features.unwrap_or(self.classes))?),
            Described::Residual { ref layers } => {
                let input = self.seen.clone();
                let layers = self.all(layers)?;
                if self.seen.shape() != input.shape() {
                    return Err(Error::shape(format!(
                        "a residual adds its input {} to the output {} of its layers, which must be of one shape",
                        input.shape(),
                        self.seen.shape()
                    )));
                }
                self.seen = input;
                Box::new(Residual { layers })
            }
        })
    }
}

impl Description {
    /// Reads TOML.
    ///
    /// # Errors
    /// If it is none, or describes what is no layer.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::value(error.to_string()))
    }

    /// Makes the network for images `(C, H, W)`.
    ///
    /// # Errors
    /// If a layer does not fit those before it, or the last one does not give a score for each class.
    pub fn build(&self, image: [usize; 3], classes: usize) -> Result<Sequential> {
        let [channels, height, width] = image;
        let mut build = Build { seen: Tensor::zeros([1, channels, height, width], DType::F32)?, classes };
        let network = build.all(&self.layers)?;
        if build.seen.shape() != [1, classes] {
            return Err(Error::shape(format!(
                "the last layer gives {} for one image; {classes} scores are needed: [1, {classes}]",
                build.seen.shape()
            )));
        }
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[layers]]
        type = "conv2d"
        channels = 8
        kernel = 3
        padding = 1
        bias = false
        [[layers]]
        type = "batch_norm2d"
        [[layers]]
        type = "relu"
        [[layers]]
        type = "residual"
        layers = [{ type = "conv2d", channels = 8, kernel = 3, padding = 1 }, { type = "tanh" }]
        [[layers]]
        type = "max_pool2d"
        kernel = 2
        [[layers]]
        type = "flatten"
        [[layers]]
        type = "dropout"
        p = 0.5
        [[layers]]
        type = "linear"
    "#;

    #[test]
    fn sizes_are_seen() {
        let network = Description::parse(GOOD).and_then(|d| d.build([3, 6, 6], 4)).expect("a network");
        let shapes: Vec<(String, Vec<usize>)> =
            network.named_parameters().into_iter().map(|(name, p)| (name, p.shape().to_vec())).collect();
        assert_eq!(shapes[0], ("0.weight".to_owned(), vec![8, 3, 3, 3]));
        assert_eq!(shapes[3], ("3.layers.0.weight".to_owned(), vec![8, 8, 3, 3]));
        assert_eq!(shapes[5], ("7.weight".to_owned(), vec![4, 8 * 9]));
        let output = network.forward(&Tensor::zeros([2, 3, 6, 6], DType::F32).expect("images")).expect("scores");
        assert_eq!(output.shape(), [2, 4]);
    }

    #[test]
    fn mistakes_are_told_by_layer() {
        let build = |text: &str| Description::parse(text).and_then(|d| d.build([1, 6, 6], 4)).err();
        let message = |text: &str| build(text).map(|error| error.message().to_owned()).unwrap_or_default();
        assert!(message("[[layers]]\ntype = \"conv3d\"").contains("unknown variant `conv3d`"));
        assert!(message("[[layers]]\ntype = \"conv2d\"\nchannels = 8").contains("missing field `kernel`"));
        let large = message("[[layers]]\ntype = \"relu\"\n[[layers]]\ntype = \"conv2d\"\nchannels = 8\nkernel = 9");
        assert!(large.starts_with("layer 1"), "{large}");
        assert!(message("[[layers]]\ntype = \"relu\"").starts_with("the last layer gives [1, 1, 6, 6] for one image"));
        let residual = "[[layers]]\ntype = \"residual\"\nlayers = [{ type = \"max_pool2d\", kernel = 2 }]";
        assert!(message(residual).contains("must be of one shape"));
    }
}
