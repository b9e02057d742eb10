//! Reductions: many elements along some dimensions become one.
//!
//! One engine ([`reduce`]) walks the input in the order that memory likes and hands dense pieces to
//! a reducer. Sums of floats are made in float64, so they are right to the last bit or so of
//! float32. Pieces are cut by size alone: the result does not depend on the number of threads.

mod engine;
mod reducers;

pub use engine::{Reduction, Target, reduce};
pub use reducers::ReduceOp;
