//! The report for programs.

use super::shared;
use flambeau::store::Description;
use serde_json::{Map, Value, json};

/// One JSON object.
pub fn report(description: &Description, guess: Option<&str>) -> String {
    let tensors: Vec<Value> = description
        .tensors
        .iter()
        .map(|tensor| {
            json!({
                "name": tensor.name,
                "dtype": tensor.dtype.name,
                "shape": tensor.shape,
                "strides": tensor.placed.strides,
                "offset": tensor.placed.offset,
                "elements": tensor.numel(),
                "bytes": tensor.bytes(),
                "storage": tensor.placed.storage,
                "storage_bytes": tensor.placed.storage_bytes,
                "location": tensor.placed.location,
            })
        })
        .collect();
    let metadata: Map<String, Value> =
        description.metadata.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    let report = json!({
        "format": description.format.name(),
        "file_bytes": description.file_bytes,
        "architecture": guess,
        "elements": description.parameters(),
        "shared_storages": shared(description).into_values().collect::<Vec<_>>(),
        "metadata": metadata,
        "tensors": tensors,
    });
    format!("{report:#}\n")
}
