//! The Python operators of the family `embedding`.

use super::Table;
use flambeau_tensor::ops::{BagMode, EmbeddingBagOptions, EmbeddingOptions};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    // Gradients are never sparse here.
    table.function(
        "embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False)",
        |a| {
            let padding_idx = Some(a.int(2)).filter(|&row| row >= 0);
            a.tensor(0).embedding(a.tensor(1), EmbeddingOptions { padding_idx, scale_grad_by_freq: a.bool(3) })
        },
    );
    table.function(
        "embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int mode, bool sparse, Tensor? per_sample_weights, bool include_last_offset, int? padding_idx)",
        |a| {
            let options = EmbeddingBagOptions {
                mode: BagMode::from_number(a.int(4))?,
                scale_grad_by_freq: a.bool(3),
                weights: a.opt_tensor(6).cloned(),
                include_last_offset: a.bool(7),
                padding_idx: a.opt_int(8),
            };
            let bags = a.tensor(0).embedding_bag(a.tensor(1), a.tensor(2), &options)?;
            flambeau_tensor::Result::Ok((bags.output, bags.group_of_index, bags.sizes))
        },
    );
    table.function("embedding_renorm_(Tensor input, Tensor indices, float max_norm, float norm_type)", |a| {
        a.tensor(0).embedding_renorm_(a.tensor(1), a.float(2), a.float(3))
    });
}
