//! Layers: they hold parameters and options, and call [`crate::functional`].

mod activation;
mod container;
mod conv;
mod dropout;
mod embedding;
mod linear;
mod loss;
mod norm;
mod pool;
mod shape;

pub use activation::{Gelu, Hardsigmoid, Hardswish, LeakyRelu, LogSoftmax, Relu, Relu6, Sigmoid, Silu, Softmax, Tanh};
pub use container::Sequential;
pub use conv::{
    Conv, Conv1d, Conv2d, Conv3d, ConvBuilder, ConvTranspose, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d,
    ConvTransposeBuilder,
};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use linear::Linear;
pub use loss::{BceWithLogitsLoss, CrossEntropyLoss, L1Loss, MseLoss, NllLoss};
pub use norm::{BatchNorm, BatchNorm1d, BatchNorm2d, BatchNorm3d, BatchNormBuilder};
pub use pool::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d};
pub use shape::{Flatten, Identity};

/// One number for all of `D` dimensions, or one for each.
pub trait Sizes<const D: usize> {
    /// A number for each dimension.
    fn sizes(self) -> [usize; D];
}

impl<const D: usize> Sizes<D> for usize {
    fn sizes(self) -> [usize; D] {
        [self; D]
    }
}

impl<const D: usize> Sizes<D> for [usize; D] {
    fn sizes(self) -> [usize; D] {
        self
    }
}

impl Sizes<2> for (usize, usize) {
    fn sizes(self) -> [usize; 2] {
        self.into()
    }
}

impl Sizes<3> for (usize, usize, usize) {
    fn sizes(self) -> [usize; 3] {
        self.into()
    }
}
