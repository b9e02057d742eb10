//! The operators, a file for each family.

mod activation;
mod columns;
mod conv;
mod create;
mod dropout;
mod elementwise;
mod grid;
mod loss;
mod matrix;
mod norm;
mod order;
mod pad;
mod part;
mod pick;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod shape;
mod window;
mod write;

pub use activation::{Activation, PRelu, Softmax, SoftmaxKind};
pub use columns::{Col2Im, DeformConv};
pub use conv::{Conv, ConvInteger, ConvTranspose, QLinearConv};
pub use create::{ConstantOfShape, EyeLike, OneHot, Range, Trilu};
pub use dropout::Dropout;
pub use elementwise::{Binary, Cast, CastLike, Clip, Unary, Variadic, Where};
pub use grid::{BlockShuffle, GridSample};
pub use loss::{NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss};
pub use matrix::{Einsum, Gemm, MatMul, MatMulInteger, QLinearMatMul};
pub use norm::{
    BatchNormalization, GroupNormalization, InstanceNormalization, LayerNormalization, LpNormalization, Lrn,
    MeanVarianceNormalization, RmsNormalization,
};
pub use order::{ArgExtreme, CumSum, TopK};
pub use pad::{Pad, PadMode};
pub use part::{Concat, Slice, Split};
pub use pick::{Gather, GatherElements, GatherNd, NonZero};
pub use pool::{AveragePool, GlobalPool, LpPool, MaxPool, MaxUnpool};
pub use quantize::{DequantizeLinear, DynamicQuantizeLinear, QuantizeLinear};
pub use reduce::{Reduce, Reduction};
pub use resize::{AspectPolicy, Coordinates, Interpolation, NearestRounding, Resize};
pub use shape::{Expand, Flatten, Reshape, ShapeOf, Size, Squeeze, Tile, Transpose, Unsqueeze};
pub use window::{Padding, Window};
pub use write::{ScatterElements, ScatterNd, ScatterReduction};

/// The name of an operator in messages. Variants that stand for several functions say which.
pub(crate) trait OperatorName {
    /// The name, given that of the variant.
    fn name(&self, variant: &str) -> String {
        variant.to_owned()
    }
}

macro_rules! named_by_variant {
    ($($name:ty),* $(,)?) => {$( impl OperatorName for $name {} )*};
}
named_by_variant!(
    Conv,
    ConvTranspose,
    ConvInteger,
    QLinearConv,
    DeformConv,
    Col2Im,
    Gemm,
    MatMul,
    MatMulInteger,
    QLinearMatMul,
    Einsum,
    MaxPool,
    MaxUnpool,
    AveragePool,
    LpPool,
    BatchNormalization,
    InstanceNormalization,
    LayerNormalization,
    GroupNormalization,
    RmsNormalization,
    Lrn,
    LpNormalization,
    MeanVarianceNormalization,
    NegativeLogLikelihoodLoss,
    SoftmaxCrossEntropyLoss,
    PRelu,
    Clip,
    Where,
    Cast,
    CastLike,
    TopK,
    CumSum,
    Resize,
    Pad,
    GridSample,
    Concat,
    Split,
    Slice,
    Reshape,
    Flatten,
    Squeeze,
    Unsqueeze,
    Transpose,
    Expand,
    Tile,
    ShapeOf,
    Size,
    Gather,
    GatherElements,
    GatherNd,
    ScatterElements,
    ScatterNd,
    ConstantOfShape,
    Range,
    OneHot,
    EyeLike,
    Trilu,
    NonZero,
    Dropout,
    QuantizeLinear,
    DequantizeLinear,
    DynamicQuantizeLinear,
);

macro_rules! named_by_function {
    ($($name:ty),* $(,)?) => {$(
        impl OperatorName for $name {
            fn name(&self, _: &str) -> String {
                // The function's own name, without its parameters.
                let text = format!("{self:?}");
                text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
            }
        }
    )*};
}
named_by_function!(Unary, Activation, Binary, Variadic, GlobalPool, BlockShuffle);

impl OperatorName for Softmax {
    fn name(&self, _: &str) -> String {
        format!("{:?}", self.kind)
    }
}

impl OperatorName for Reduce {
    fn name(&self, _: &str) -> String {
        format!("Reduce{:?}", self.reduction)
    }
}

impl OperatorName for ArgExtreme {
    fn name(&self, _: &str) -> String {
        if self.largest { "ArgMax" } else { "ArgMin" }.to_owned()
    }
}
