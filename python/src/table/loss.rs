//! The Python operators of the family `loss`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::{CrossEntropyOptions, CtcOptions, MultiMarginOptions, Reduction, TripletOptions};
use flambeau_tensor::{Result, Tensor};

fn reduction(a: &Args, i: usize) -> Result<Reduction> {
    Reduction::from_number(a.int(i))
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    regression(table);
    likeness(table);
    classes(table);
    alignment(table);
}

fn regression(table: &mut Table<'_>) {
    table.nn("mse_loss(Tensor input, Tensor target, int reduction=1, *, Tensor out=None)", |a| {
        a.tensor(0).mse_loss(a.tensor(1), reduction(a, 2)?)
    });
    table.nn("l1_loss(Tensor input, Tensor target, int reduction=1)", |a| {
        a.tensor(0).l1_loss(a.tensor(1), reduction(a, 2)?)
    });
    table.nn("smooth_l1_loss(Tensor input, Tensor target, int reduction=1, float beta=1.0, *, Tensor out=None)", |a| {
        a.tensor(0).smooth_l1_loss(a.tensor(1), reduction(a, 2)?, a.float(3))
    });
    table.nn("huber_loss(Tensor input, Tensor target, int reduction=1, float delta=1.0, *, Tensor out=None)", |a| {
        a.tensor(0).huber_loss(a.tensor(1), reduction(a, 2)?, a.float(3))
    });
    table.nn("soft_margin_loss(Tensor input, Tensor target, int reduction=1, *, Tensor out=None)", |a| {
        a.tensor(0).soft_margin_loss(a.tensor(1), reduction(a, 2)?)
    });
    table.function("kl_div(Tensor input, Tensor target, int reduction=1, *, bool log_target=False)", |a| {
        a.tensor(0).kl_div(a.tensor(1), reduction(a, 2)?, a.bool(3))
    });
    table.function(
        "poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, int reduction)",
        |a| a.tensor(0).poisson_nll_loss(a.tensor(1), a.bool(2), a.bool(3), a.float(4), reduction(a, 5)?),
    );
    table.function(
        "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1)",
        |a| a.tensor(0).margin_ranking_loss(a.tensor(1), a.tensor(2), a.float(3), reduction(a, 4)?),
    );
    table.function("hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, int reduction=1)", |a| {
        a.tensor(0).hinge_embedding_loss(a.tensor(1), a.float(2), reduction(a, 3)?)
    });
}

fn likeness(table: &mut Table<'_>) {
    table.function(
        "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=1)",
        |a| a.tensor(0).cosine_embedding_loss(a.tensor(1), a.tensor(2), a.float(3), reduction(a, 4)?),
    );
    table.function(
        "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2, float eps=1e-06, bool swap=False, int reduction=1)",
        |a| {
            let options = TripletOptions {
                margin: a.float(3),
                p: a.float(4),
                eps: a.float(5),
                swap: a.bool(6),
                reduction: reduction(a, 7)?,
            };
            a.tensor(0).triplet_margin_loss(a.tensor(1), a.tensor(2), &options)
        },
    );
    table.nn(
        "multi_margin_loss(Tensor input, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, int reduction=1, *, Tensor out=None)",
        |a| {
            let options = MultiMarginOptions {
                p: a.scalar(2).to_i64(),
                margin: a.scalar(3).to_f64(),
                weight: a.opt_tensor(4).cloned(),
                reduction: reduction(a, 5)?,
            };
            a.tensor(0).multi_margin_loss(a.tensor(1), &options)
        },
    );
    table.nn("multilabel_margin_loss(Tensor input, Tensor target, int reduction=1, *, Tensor out=None)", |a| {
        a.tensor(0).multilabel_margin_loss(a.tensor(1), reduction(a, 2)?)
    });
}

fn alignment(table: &mut Table<'_>) {
    fn options(a: &Args) -> Result<CtcOptions> {
        Ok(CtcOptions { blank: a.int(4), reduction: reduction(a, 5)?, zero_infinity: a.bool(6) })
    }
    table.function(
        "ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int blank=0, int reduction=1, bool zero_infinity=False)",
        |a| {
            let lengths = |i| Tensor::from_slice(a.ints(i), [a.ints(i).len()]);
            a.tensor(0).ctc_loss(a.tensor(1), &lengths(2)?, &lengths(3)?, options(a)?)
        },
    );
    table.function(
        "ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank=0, int reduction=1, bool zero_infinity=False)",
        |a| a.tensor(0).ctc_loss(a.tensor(1), a.tensor(2), a.tensor(3), options(a)?),
    );
}

fn classes(table: &mut Table<'_>) {
    for schema in [
        "nll_loss_nd(Tensor input, Tensor target, Tensor weight=None, int reduction=1, int ignore_index=-100)",
        "nll_loss(Tensor input, Tensor target, Tensor weight=None, int reduction=1, int ignore_index=-100)",
        "nll_loss2d(Tensor input, Tensor target, Tensor weight=None, int reduction=1, int ignore_index=-100)",
    ] {
        table.nn(schema, |a| a.tensor(0).nll_loss(a.tensor(1), a.opt_tensor(2), reduction(a, 3)?, a.int(4)));
    }
    table.nn(
        "cross_entropy_loss(Tensor input, Tensor target, Tensor weight=None, int reduction=1, int ignore_index=-100, float label_smoothing=0.0)",
        |a| {
            let options = CrossEntropyOptions {
                weight: a.opt_tensor(2).cloned(),
                reduction: reduction(a, 3)?,
                ignore_index: a.int(4),
                label_smoothing: a.float(5),
            };
            a.tensor(0).cross_entropy_loss(a.tensor(1), &options)
        },
    );
    table.nn(
        "binary_cross_entropy(Tensor input, Tensor target, Tensor weight=None, int reduction=1, *, Tensor out=None)",
        |a| a.tensor(0).binary_cross_entropy(a.tensor(1), a.opt_tensor(2), reduction(a, 3)?),
    );
    table.function(
        "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor weight=None, Tensor pos_weight=None, int reduction=1)",
        |a| a.tensor(0).binary_cross_entropy_with_logits(a.tensor(1), a.opt_tensor(2), a.opt_tensor(3), reduction(a, 4)?),
    );
}
