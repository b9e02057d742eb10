//! Python's pickle format, as far as checkpoints need it.
//!
//! A pickle is a program for a stack machine, and a general interpreter of it calls whatever the
//! file names. [`read`] knows a fixed list of names, builds plain data from them, and refuses the
//! rest. Format: CPython's `Lib/pickletools.py`.

mod op;
mod read;
mod write;

pub(crate) use read::{Object, StorageRef, TensorRef, read};
pub(crate) use write::Writer;
