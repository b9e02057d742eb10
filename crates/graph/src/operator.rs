//! All operators.

use crate::compute::{Compute, Inputs};
use crate::ops;
use flambeau_tensor::{Result, Tensor};

macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident($options:ty),)*) => {
        /// What a node computes, with its attributes.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Operator {$(
            $(#[$doc])*
            $name($options),
        )*}

        impl Operator {
            /// The name in messages: that of the ONNX operator where one variant is one operator,
            /// else that of the function.
            pub fn name(&self) -> String {
                match self {
                    $(Operator::$name(options) => ops::OperatorName::name(options, stringify!($name)),)*
                }
            }
        }

        impl Compute for Operator {
            fn compute(&self, inputs: &Inputs<'_>) -> Result<Vec<Tensor>> {
                match self {
                    $(Operator::$name(options) => options.compute(inputs),)*
                }
            }
        }

        $(impl From<$options> for Operator {
            fn from(options: $options) -> Self {
                Operator::$name(options)
            }
        })*
    };
}

operators! {
    /// Convolution.
    Conv(ops::Conv),
    /// Transposed convolution.
    ConvTranspose(ops::ConvTranspose),
    /// Convolution of integers.
    ConvInteger(ops::ConvInteger),
    /// Convolution of quantised numbers.
    QLinearConv(ops::QLinearConv),
    /// Convolution whose windows move.
    DeformConv(ops::DeformConv),
    /// Images put together from windows.
    Col2Im(ops::Col2Im),
    /// `alpha · A · B + beta · C`.
    Gemm(ops::Gemm),
    /// Matrix product.
    MatMul(ops::MatMul),
    /// Matrix product of integers.
    MatMulInteger(ops::MatMulInteger),
    /// Matrix product of quantised numbers.
    QLinearMatMul(ops::QLinearMatMul),
    /// Sum of products in Einstein's notation.
    Einsum(ops::Einsum),
    /// Maximum of each window.
    MaxPool(ops::MaxPool),
    /// What undoes the maximum of windows.
    MaxUnpool(ops::MaxUnpool),
    /// Mean of each window.
    AveragePool(ops::AveragePool),
    /// Norm of each window.
    LpPool(ops::LpPool),
    /// Mean, maximum or norm of each image.
    GlobalPool(ops::GlobalPool),
    /// Normalisation of channels over the batch.
    BatchNormalization(ops::BatchNormalization),
    /// Normalisation of each channel of each image.
    InstanceNormalization(ops::InstanceNormalization),
    /// Normalisation over the last axes.
    LayerNormalization(ops::LayerNormalization),
    /// Normalisation of groups of channels.
    GroupNormalization(ops::GroupNormalization),
    /// Division by the root mean square over the last axes.
    RMSNormalization(ops::RmsNormalization),
    /// Normalisation by neighbouring channels.
    LRN(ops::Lrn),
    /// Division by the norm along an axis.
    LpNormalization(ops::LpNormalization),
    /// Mean 0 and variance 1 over axes.
    MeanVarianceNormalization(ops::MeanVarianceNormalization),
    /// A function of each element.
    Unary(ops::Unary),
    /// An activation with parameters.
    Activation(ops::Activation),
    /// A slope below zero for each channel.
    PRelu(ops::PRelu),
    /// Softmax and its kin along an axis.
    Softmax(ops::Softmax),
    /// A function of two elements.
    Binary(ops::Binary),
    /// Minimum, maximum, sum or mean of any number of tensors.
    Variadic(ops::Variadic),
    /// Loss of log-probabilities.
    NegativeLogLikelihoodLoss(ops::NegativeLogLikelihoodLoss),
    /// Loss of scores.
    SoftmaxCrossEntropyLoss(ops::SoftmaxCrossEntropyLoss),
    /// Limits.
    Clip(ops::Clip),
    /// A choice between two tensors.
    Where(ops::Where),
    /// Another dtype.
    Cast(ops::Cast),
    /// The dtype of another tensor.
    CastLike(ops::CastLike),
    /// Sums, means and the like over axes.
    Reduce(ops::Reduce),
    /// The place of the largest or smallest element.
    ArgExtreme(ops::ArgExtreme),
    /// The largest or smallest elements and their places.
    TopK(ops::TopK),
    /// Running sums.
    CumSum(ops::CumSum),
    /// Images of another size.
    Resize(ops::Resize),
    /// Continued images.
    Pad(ops::Pad),
    /// Pixels at points of a grid.
    GridSample(ops::GridSample),
    /// Channels as blocks of pixels, and back.
    BlockShuffle(ops::BlockShuffle),
    /// Tensors after each other.
    Concat(ops::Concat),
    /// Parts of a tensor.
    Split(ops::Split),
    /// A part with steps.
    Slice(ops::Slice),
    /// Another shape.
    Reshape(ops::Reshape),
    /// A matrix.
    Flatten(ops::Flatten),
    /// Without axes of size 1.
    Squeeze(ops::Squeeze),
    /// With new axes of size 1.
    Unsqueeze(ops::Unsqueeze),
    /// Axes in another order.
    Transpose(ops::Transpose),
    /// Repeated along axes of size 1.
    Expand(ops::Expand),
    /// Repeated along axes.
    Tile(ops::Tile),
    /// The sizes as a tensor.
    Shape(ops::ShapeOf),
    /// The number of elements.
    Size(ops::Size),
    /// Slices picked by index.
    Gather(ops::Gather),
    /// Elements picked along an axis.
    GatherElements(ops::GatherElements),
    /// Slices picked by index tuples.
    GatherND(ops::GatherNd),
    /// Elements written along an axis.
    ScatterElements(ops::ScatterElements),
    /// Slices written by index tuples.
    ScatterND(ops::ScatterNd),
    /// A constant of any shape.
    ConstantOfShape(ops::ConstantOfShape),
    /// Numbers at equal distances.
    Range(ops::Range),
    /// Indices as rows with a single one.
    OneHot(ops::OneHot),
    /// A diagonal of ones.
    EyeLike(ops::EyeLike),
    /// One triangle of matrices.
    Trilu(ops::Trilu),
    /// Places of what is not zero.
    NonZero(ops::NonZero),
    /// Random zeros, in training.
    Dropout(ops::Dropout),
    /// Floats as small integers.
    QuantizeLinear(ops::QuantizeLinear),
    /// Small integers as floats.
    DequantizeLinear(ops::DequantizeLinear),
    /// Floats as bytes, with a scale of their own.
    DynamicQuantizeLinear(ops::DynamicQuantizeLinear),
}

impl Operator {
    /// Whether the same inputs always give the same results.
    pub fn is_deterministic(&self) -> bool {
        !matches!(self, Operator::Dropout(_))
    }
}
