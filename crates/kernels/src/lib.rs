//! Arithmetic on slices, and nothing above it.
//!
//! This room knows numbers, strides, instruction sets and threads. It knows no tensors, no
//! gradients graph and no user: every precondition of a function here is asserted, and the rooms
//! above check what a person typed before they call.

pub mod buffer;
pub mod clock;
pub mod conv;
pub mod element;
pub mod elementwise;
pub mod fingerprint;
pub mod gemm;
pub mod indexing;
pub mod machine;
pub mod norm;
pub mod order;
pub mod parallel;
pub mod pool;
pub mod random;
pub mod reduce;
pub mod resample;
pub mod sample;
pub mod scratch;
pub mod simd;
pub mod softmax;
pub mod units;
pub mod update;
pub mod window;
