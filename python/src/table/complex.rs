//! The Python operators of the family `complex`.

use super::Table;
use flambeau_tensor::ops;

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function("complex(Tensor real, Tensor imag, *, Tensor out=None)", |a| ops::complex(a.tensor(0), a.tensor(1)));
    table.function("polar(Tensor abs, Tensor angle, *, Tensor out=None)", |a| ops::polar(a.tensor(0), a.tensor(1)));
    table.function("view_as_real(Tensor input)", |a| a.tensor(0).view_as_real());
    table.function("view_as_complex(Tensor input)", |a| a.tensor(0).view_as_complex());
    table.function("real(Tensor input)", |a| a.tensor(0).real());
    table.function("imag(Tensor input)", |a| a.tensor(0).imag());
    table.both("conj(Tensor input)", |a| a.tensor(0).conj());
    table.both("conj_physical(Tensor input, *, Tensor out=None)", |a| a.tensor(0).conj());
    table.both("angle(Tensor input, *, Tensor out=None)", |a| a.tensor(0).angle());
}
