//! The operators, a file for each family. Most are methods of [`crate::Tensor`].

mod activation;
mod conv;
mod copy;
mod create;
mod dropout;
mod elementwise;
mod embedding;
mod image;
mod index;
mod join;
mod linalg;
pub(crate) mod linear_map;
mod loss;
mod norm;
mod order;
mod pool;
mod random;
mod reduce;
mod resample;
mod softmax;
mod view;

mod operand;
pub use activation::GeluApproximation;
pub use conv::{
    ConvolutionOptions, Padding, conv_input_gradient, conv_weight_gradient, convolution_geometry, explain_convolution,
};
pub use copy::ToOptions;
pub use create::TensorOptions;
pub use elementwise::{RoundingMode, can_cast, pow_base, promote_types, result_type, where_};
pub use embedding::EmbeddingOptions;
pub use image::{GridMode, GridOptions, PadMode, Resize, ResizeTarget, Windows2d};
pub use index::{Index, IntoIndices, ScatterReduce, isin, where_nonzero};
pub use join::{atleast, block_diag, cat, column_stack, dstack, hstack, stack, vstack};
pub use linalg::{bilinear, chain_matmul, einsum, linear, tensordot};
pub use loss::{CrossEntropyOptions, Reduction};
pub use norm::BatchNormOptions;
pub use operand::Operand;
pub use order::{SearchOptions, Unique, UniqueOptions, bucketize_scalar};
pub use pool::PoolOptions;
pub use random::normal;
pub use reduce::VarianceOptions;
pub(crate) use view::ViewFn;
pub use view::{broadcast_shapes, broadcast_tensors, infer_sizes};
