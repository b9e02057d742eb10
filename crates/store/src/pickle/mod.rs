//! Python's pickle format, as far as checkpoints need it.
//!
//! A pickle is a program for a stack machine, and a general interpreter of it calls whatever the
//! file names. [`read`] knows a fixed list of names, builds plain data from them, and refuses the
//! rest. Format: CPython's `Lib/pickletools.py`.

mod names;
mod numpy;
mod object;
mod op;
mod read;
mod write;

pub(crate) use object::{Id, NumpyArray, Object, Pickle, StorageRef, TensorRef};
pub(crate) use read::{Names, read};
pub(crate) use write::Writer;

use flambeau_tensor::Error;

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::file(format!("the checkpoint's pickle is damaged: {what}"))
}
