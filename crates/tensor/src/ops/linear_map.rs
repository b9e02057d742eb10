//! Operators that are linear in one tensor, recorded once for all orders of differentiation.
//!
//! The gradient of a linear map is its adjoint, and the gradient of the adjoint is the map again.

use crate::autograd::Recorder;
use crate::{Result, Tensor};
use std::sync::Arc;

/// Which way a linear map is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The map itself.
    Forward,
    /// Its adjoint: gradients of results to gradients of operands.
    Adjoint,
}

/// One direction of a map, computed.
type Compute = Arc<dyn Fn(&Tensor, Direction) -> Result<Tensor> + Send + Sync>;

/// A linear map and its adjoint, each as a computation that is not recorded.
#[derive(Clone)]
pub(crate) struct LinearMap {
    name: &'static str,
    compute: Compute,
}

impl LinearMap {
    /// `name` is the node's in the graph: `AvgPool2DBackward0`.
    pub(crate) fn new(
        name: &'static str,
        compute: impl Fn(&Tensor, Direction) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        LinearMap { name, compute: Arc::new(compute) }
    }

    /// Applies the map and records it.
    pub(crate) fn apply(&self, operand: &Tensor) -> Result<Tensor> {
        self.apply_in(operand, Direction::Forward)
    }

    fn apply_in(&self, operand: &Tensor, direction: Direction) -> Result<Tensor> {
        let result = (self.compute)(operand, direction)?;
        self.record(operand, &result, direction);
        Ok(result)
    }

    /// Records a result that was computed by other means (the maximum, together with the indices
    /// that make up the map).
    pub(crate) fn record_forward(&self, operand: &Tensor, result: &Tensor) {
        self.record(operand, result, Direction::Forward);
    }

    fn record(&self, operand: &Tensor, result: &Tensor, direction: Direction) {
        if let Some(recorder) = Recorder::new(self.name, &[operand]) {
            let (map, back) = (
                self.clone(),
                match direction {
                    Direction::Forward => Direction::Adjoint,
                    Direction::Adjoint => Direction::Forward,
                },
            );
            recorder.finish(result, move |_, grad| Ok(vec![Some(map.apply_in(grad, back)?)]));
        }
    }
}
