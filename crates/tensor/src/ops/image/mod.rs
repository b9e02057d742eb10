//! Images: padding, resizing, unfolding, sampling.

mod pad;
