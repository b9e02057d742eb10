//! The Python operators of the family `update`: what `torch.optim` is made of.

use super::Table;
use flambeau_tensor::backend::{Adam, Sgd};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function(
        "_sgd_step_(Tensor param, Tensor grad, Tensor? momentum_buffer, float lr, float momentum, float dampening, float weight_decay, bool nesterov)",
        |a| {
            let options = Sgd {
                lr: a.float(3),
                momentum: a.float(4),
                dampening: a.float(5),
                weight_decay: a.float(6),
                nesterov: a.bool(7),
                maximize: false,
            };
            a.tensor(0).sgd_step_(a.tensor(1), a.opt_tensor(2), &options)
        },
    );
    table.function(
        "_adam_step_(Tensor param, Tensor grad, Tensor exp_avg, Tensor exp_avg_sq, float step, float lr, float beta1, float beta2, float eps, float weight_decay, bool decoupled_weight_decay)",
        |a| {
            let options = Adam {
                step: a.float(4),
                lr: a.float(5),
                betas: [a.float(6), a.float(7)],
                eps: a.float(8),
                weight_decay: a.float(9),
                decoupled: a.bool(10),
                maximize: false,
            };
            a.tensor(0).adam_step_(a.tensor(1), [a.tensor(2), a.tensor(3)], &options)
        },
    );
}
