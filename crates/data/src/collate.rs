//! Samples into batches.

use flambeau_tensor::{Result, Tensor, ops};

/// A sample that can be joined with others of its kind.
pub trait Collate: Send + Sized + 'static {
    /// Many samples in one.
    type Batch: Send + 'static;

    /// Joins samples, in order.
    ///
    /// # Errors
    /// If they do not fit together, such as tensors of different shapes.
    fn collate(samples: Vec<Self>) -> Result<Self::Batch>;
}

/// Tensors are stacked along a new first dimension.
impl Collate for Tensor {
    type Batch = Tensor;
    fn collate(samples: Vec<Self>) -> Result<Tensor> {
        ops::stack(&samples.iter().collect::<Vec<_>>(), 0)
    }
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        /// Numbers become a one-dimensional tensor.
        impl Collate for $t {
            type Batch = Tensor;
            fn collate(samples: Vec<Self>) -> Result<Tensor> {
                let count = samples.len();
                Tensor::from_slice(&samples, [count])
            }
        }
    )*};
}
numbers!(f32, f64, i64, i32, u8);

impl Collate for String {
    type Batch = Vec<String>;
    fn collate(samples: Vec<Self>) -> Result<Vec<String>> {
        Ok(samples)
    }
}

macro_rules! tuples {
    ($($name:ident . $index:tt),*) => {
        /// Each part of the samples becomes a batch of its own.
        impl<$($name: Collate),*> Collate for ($($name,)*) {
            type Batch = ($($name::Batch,)*);
            #[expect(non_snake_case, reason = "a variable for each type parameter, named like it")]
            fn collate(samples: Vec<Self>) -> Result<Self::Batch> {
                $(let mut $name = Vec::with_capacity(samples.len());)*
                for sample in samples {
                    $($name.push(sample.$index);)*
                }
                Ok(($($name::collate($name)?,)*))
            }
        }
    };
}
tuples!(A.0, B.1);
tuples!(A.0, B.1, C.2);
