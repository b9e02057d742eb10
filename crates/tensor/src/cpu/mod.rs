//! The CPU behind the [`Backend`] trait: locks arrays, picks element types, calls the kernels.

mod activation;
mod contraction;
mod convolution;
mod dense;
pub(crate) mod elementwise;
mod indexing;
mod norm;
mod order;
mod random;
mod reduce;
mod softmax;
mod update;
mod window;

use crate::backend::Backend;

/// The processor this program runs on.
#[derive(Debug)]
pub struct Cpu;

impl Backend for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }
}
