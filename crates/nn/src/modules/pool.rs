//! Pooling layers.

use super::Sizes;
use crate::functional::{self, Pool2dOptions};
use crate::{Forward, Module};
use flambeau_tensor::{Result, Tensor};

macro_rules! pools {
    ($($(#[$doc:meta])* $name:ident: $compute:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Module)]
        pub struct $name(#[module(skip)] Pool2dOptions);

        impl $name {
            /// Windows of this size, side by side.
            pub fn new(kernel_size: impl Sizes<2>) -> Self {
                Self(Pool2dOptions::new(kernel_size))
            }

            /// Windows with these options.
            pub fn with_options(options: Pool2dOptions) -> Self {
                Self(options)
            }
        }

        impl Forward for $name {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                $compute(input, &self.0)
            }
        }
    )*};
}

pools! {
    /// The largest element of each window of an image `(N, C, H, W)`.
    MaxPool2d: functional::max_pool2d_with;
    /// The mean of each window of an image `(N, C, H, W)`.
    AvgPool2d: functional::avg_pool2d_with;
}

macro_rules! adaptive {
    ($($(#[$doc:meta])* $name:ident: $compute:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Module)]
        pub struct $name(#[module(skip)] [usize; 2]);

        impl $name {
            /// Images of this size, whatever the input's.
            pub fn new(output_size: impl Sizes<2>) -> Self {
                Self(output_size.sizes())
            }
        }

        impl Forward for $name {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                $compute(input, self.0)
            }
        }
    )*};
}

adaptive! {
    /// Means over as many areas as the output has elements.
    AdaptiveAvgPool2d: functional::adaptive_avg_pool2d;
    /// Maxima over as many areas as the output has elements.
    AdaptiveMaxPool2d: functional::adaptive_max_pool2d;
}
