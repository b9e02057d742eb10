//! Neural networks: layers, losses, initialisation, optimisers, state dicts.
//!
//! As in PyTorch, a layer declares ([`modules`]) and a function computes ([`functional`]). A
//! network is a struct of layers with `#[derive(Module)]`, which gives it parameters and a state
//! dict, and an implementation of [`Forward`].

// The derive macro writes `::flambeau::nn::Module`, which must mean this crate in its own modules.
extern crate self as flambeau;
#[doc(hidden)]
pub mod nn {
    pub use crate::{Module, Path, Visitor};
}

pub mod functional;
pub mod init;
pub mod lr_scheduler;
mod module;
pub mod modules;
pub mod optim;
mod parameter;
mod precision;
mod state_dict;
pub mod utils;
pub mod watch;

pub use flambeau_derive::Module;
pub use module::{Forward, Layer, Module, Path, Visitor};
pub use parameter::{Buffer, Parameter, Training};
pub use state_dict::{IncompatibleKeys, StateDict};
