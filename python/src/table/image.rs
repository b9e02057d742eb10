//! The Python operators of the family `image`.

use super::Table;

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    let _ = table;
}
