//! Moving numbers to and from places that other numbers name.
//!
//! Gathering, scattering, advanced indexing, selecting and flipping are one loop nest: an element
//! of the indexed side lies at its position in the nest plus an offset read from a table, an
//! element of the other side at its position alone. An [`Axis`] says how far one step of a loop
//! moves on the indexed side, in the table and on the other side; [`gather`] and [`scatter`] run
//! the nest in one direction and the other.
//!
//! Offsets are elements, already checked against the size of the dimension they index (that is
//! where a user's mistake is found); that everything lies inside the slices is asserted here.

mod mask;
mod nest;
mod scan;
mod triangle;

pub use mask::{masked_fill, nonzero};
pub use nest::{Axis, gather, scatter};
pub use scan::is_in;
pub use triangle::zero_triangle;

#[cfg(test)]
mod tests;
