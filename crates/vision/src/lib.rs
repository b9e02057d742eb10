//! Computer vision: ready networks ([`models`]), the blocks they are made of ([`ops`]), names of classes ([`imagenet`]),
//! preparation of images ([`transforms`]), pictures in files ([`io`]), faces ([`mtcnn`]).
//!
//! Networks are torchvision's: constructors, numbers drawn from the same seed, and the keys of state dicts, so that a
//! checkpoint saved there loads here and answers the same.
//!
//! ```
//! use flambeau::prelude::*;
//! use flambeau::vision::models;
//!
//! flambeau::manual_seed(0);
//! let net = models::squeezenet1_1(1000)?;
//! net.eval();
//! let scores = net.forward(&Tensor::randn([1, 3, 64, 64], DType::F32)?)?;
//! assert_eq!(scores.shape(), [1, 1000]);
//! # Ok::<(), flambeau::Error>(())
//! ```

// The derive macro writes `::flambeau::nn::Module`, which must mean this crate's view of it here.
extern crate self as flambeau;
#[doc(hidden)]
pub mod nn {
    pub use flambeau_nn::{Module, Path, Visitor};
}

pub mod imagenet;
pub mod io;
pub mod models;
pub mod mtcnn;
pub mod ops;
pub mod transforms;
