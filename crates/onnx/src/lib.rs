//! ONNX models.
//!
//! [`Model::load`] reads a file into a [`flambeau_graph::Graph`] and runs it. The file is a
//! protocol buffer (`proto`); its tensors become constants (`data`), its nodes operators
//! (`translate`), whichever of the supported versions of ONNX's operators it is for. [`summary`]
//! tells what is in a file without building anything, and [`Exported`] writes one.
//!
//! A file is not trusted: what it says about sizes is checked before anything is allocated, and
//! files that it refers to must be in its own folder.

mod attributes;
mod data;
mod import;
mod model;
mod proto;
mod summary;
mod translate;
mod write;

pub use import::OPSETS;
pub use model::Model;
pub use summary::{Summary, initializers, summary};
pub use write::{AttributeValue, Exported, ExportedNode};

use flambeau_tensor::{Result, Tensor};

/// Reads a single tensor that is stored as ONNX's `TensorProto`, such as the inputs and outputs
/// beside the node tests of the standard.
///
/// # Errors
/// If the bytes are damaged, or the dtype is one that tensors here do not have.
pub fn tensor_from_bytes(bytes: impl Into<bytes::Bytes>) -> Result<Tensor> {
    let message = <proto::Tensor as prost::Message>::decode(bytes.into())
        .map_err(|error| flambeau_tensor::Error::file(format!("not a whole tensor: {error}")))?;
    data::read(&message, &data::Folder::default())
}
