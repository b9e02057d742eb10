//! Computations as data.
//!
//! A [`Graph`] holds values and the nodes that make them, each with a typed [`Operator`]; an
//! [`Executor`] checks it once, orders it, computes what is constant ahead, and runs it on tensors.
//! Whatever describes a computation (a file that was read, a module that was traced) becomes a
//! graph, and what runs or improves graphs need not know where they came from.
//!
//! Operators mean what the newest version of the ONNX operator of that name means; whoever reads
//! an older version translates it.

mod compute;
mod executor;
mod graph;
mod operator;
pub mod ops;

pub use compute::{Compute, Inputs};
pub use executor::{Executor, NodeProfile};
pub use graph::{Dimension, Graph, Node, Value, ValueId};
pub use operator::Operator;
