//! PyTorch's Conv2d system in Rust.
//!
//! ```
//! use flambeau::prelude::*;
//!
//! let conv = Conv2d::builder(3, 64, 3).stride(1).padding(1).build()?;
//! let image = Tensor::randn([1, 3, 28, 28], DType::F32)?;
//! let output = conv.forward(&image)?;
//! assert_eq!(output.shape(), [1, 64, 28, 28]);
//! # Ok::<(), flambeau::Error>(())
//! ```
//!
//! The crates behind this one: tensors and automatic differentiation ([`tensor`]), layers and
//! optimisers ([`nn`]), datasets and loaders ([`data`]), training ([`train`]), checkpoints ([`store`]), ready networks ([`vision`]),
//! computations as data ([`graph`]) and ONNX models ([`onnx`]).

pub use flambeau_tensor::{
    DType, Device, Error, ErrorKind, Layout, MemoryFormat, Result, Scalar, Shape, Tensor, autograd, get_default_dtype,
    manual_seed, ops, set_default_dtype,
};

/// Datasets, samplers, loaders.
pub use flambeau_data as data;
/// Graphs of operators, and their executor.
pub use flambeau_graph as graph;
/// Layers, functions, initialisation, optimisers.
pub use flambeau_nn as nn;
/// ONNX models.
pub use flambeau_onnx as onnx;
/// Checkpoints: `.pt`, safetensors, `.npy` and `.npz`.
pub use flambeau_store as store;
/// Tensors, operators, automatic differentiation.
pub use flambeau_tensor as tensor;
/// Training: the loop, metrics, checkpoints that resume.
pub use flambeau_train as train;
/// Ready networks and preparation of images.
pub use flambeau_vision as vision;

/// Threads that compute, the caller's included.
pub fn get_num_threads() -> usize {
    flambeau_kernels::parallel::threads()
}

/// Sets how many threads compute, the caller's included; at least one.
pub fn set_num_threads(threads: usize) {
    flambeau_kernels::parallel::set_threads(threads);
}

/// What most programs use.
pub mod prelude {
    pub use crate::nn::modules::{
        AvgPool2d, BatchNorm1d, BatchNorm2d, Conv1d, Conv2d, Conv3d, ConvTranspose2d, Dropout, Embedding, Flatten,
        Linear, MaxPool2d, Relu, Sequential,
    };
    pub use crate::nn::optim::{Adam, AdamW, Optimizer, Sgd};
    pub use crate::nn::{Forward, Layer, Module, functional};
    pub use crate::{DType, Device, Error, Result, Shape, Tensor};
}
