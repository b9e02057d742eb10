//! Images: padding, resizing, sliding windows, shuffling, sampling.

mod axis;
mod bytes;
mod columns;
mod grid;
mod mode;
mod pad;
mod resize;
mod sample;
mod shuffle;

#[cfg(test)]
mod tests;

pub use axis::Resize;
pub use columns::Windows2d;
pub use grid::{GridMode, GridOptions};
pub use mode::PadMode;
pub use resize::ResizeTarget;
