//! The Python operators of the family `dropout`.

use super::Table;

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    macro_rules! forms {
        ($($name:ident),*) => {$(
            table.function(concat!(stringify!($name), "(Tensor input, float p, bool train)"), |a| {
                a.tensor(0).$name(a.float(1), a.bool(2))
            });
        )*};
    }
    forms!(dropout, feature_dropout, alpha_dropout, feature_alpha_dropout);
    forms!(dropout_, feature_dropout_, alpha_dropout_, feature_alpha_dropout_);
}
