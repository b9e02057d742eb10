//! The operators, a file for each family. Most are methods of [`crate::Tensor`].

mod activation;
mod attention;
pub(crate) mod complex;
mod conv;
mod copy;
mod create;
mod distance;
mod dropout;
mod elementwise;
mod embedding;
mod embedding_bag;
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
mod update;
mod view;

mod operand;
pub use activation::{GeluApproximation, RandomSlope};
pub use attention::AttentionOptions;
pub use complex::{complex, polar};
pub use conv::{
    ConvolutionOptions, Padding, conv_input_gradient, conv_weight_gradient, convolution_backward, convolution_geometry,
    explain_convolution,
};
pub use copy::ToOptions;
pub use create::{MeshIndexing, TensorOptions, cartesian_prod, meshgrid, tril_indices, triu_indices};
pub(crate) use elementwise::float_dtype;
pub use elementwise::{RoundingMode, can_cast, pow_base, promote_types, result_type, where_};
pub use embedding::EmbeddingOptions;
pub use embedding_bag::{BagMode, Bags, EmbeddingBagOptions};
pub use image::{GridMode, GridOptions, PadMode, Resize, ResizeTarget, Windows2d};
pub use index::{Index, IntoIndices, ScatterReduce, isin, where_nonzero};
pub use join::{atleast, block_diag, cat, column_stack, dstack, hstack, stack, vstack};
pub use linalg::{MatrixNorm, QrMode, bilinear, chain_matmul, einsum, linear, tensordot};
pub use loss::{CrossEntropyOptions, CtcOptions, MultiMarginOptions, Reduction, TripletOptions};
pub use norm::BatchNormOptions;
pub use operand::Operand;
pub use order::{Interpolation, QuantileOptions, SearchOptions, Unique, UniqueOptions, bucketize_scalar};
pub use pool::PoolOptions;
pub use random::normal;
pub use reduce::{CovarianceOptions, VarianceOptions};
pub(crate) use view::ViewFn;
pub use view::{broadcast_shapes, broadcast_tensors, infer_sizes};
