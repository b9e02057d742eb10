//! The Python operators of the family `image`.

use super::Table;
use flambeau_tensor::{Error, Scalar};

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function("constant_pad_nd(Tensor input, int[] pad, Scalar value=0)", |a| {
        a.tensor(0).constant_pad_nd(&a.dims(1), a.scalar(2))
    });
    table.nn("pad(Tensor input, int[] pad, str mode=\"constant\", float? value=None)", |a| match a.str(2) {
        _ if a.ints(1).len() % 2 != 0 => Err(Error::runtime("Padding length must be divisible by 2")),
        "constant" => a.tensor(0).constant_pad_nd(&a.dims(1), Scalar::Float(a.opt_float(3).unwrap_or(0.0))),
        mode @ ("reflect" | "replicate" | "circular") => {
            Err(Error::not_implemented(format!("padding mode '{mode}' is not there yet, only 'constant' is")))
        }
        mode => Err(Error::not_implemented(format!("Unrecognised padding mode {mode}"))),
    });
}
