//! The Python operators of the family `embedding`.

use super::Table;
use flambeau_tensor::ops::EmbeddingOptions;

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
}
