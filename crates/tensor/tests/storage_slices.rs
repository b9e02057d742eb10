//! Storages that are parts of others.

use flambeau_tensor::{Array, DType, Layout, Result, Storage, Tensor};
use std::sync::Arc;

fn floats(storage: &Arc<Storage>, n: usize) -> Result<Tensor> {
    Ok(Tensor::from_array(Array::new(storage.clone(), Layout::contiguous([n]), DType::F32)?))
}

#[test]
fn slices_share_memory_and_may_meet_in_one_operation() -> Result<()> {
    let whole = Storage::filled(32, |bytes| {
        bytes.chunks_exact_mut(4).zip(0u8..).for_each(|(to, i)| to.copy_from_slice(&f32::from(i).to_le_bytes()));
        Ok(())
    })?;
    let (front, back) = (floats(&whole.slice(0, 16)?, 4)?, floats(&whole.slice(16, 16)?, 4)?);
    // Both are under one lock, which an operation must not take twice.
    front.add_(&back)?;
    assert_eq!(front.to_vec::<f32>()?, [4.0, 6.0, 8.0, 10.0]);
    assert_eq!(floats(&whole, 8)?.to_vec::<f32>()?, [4.0, 6.0, 8.0, 10.0, 4.0, 5.0, 6.0, 7.0]);
    // A slice of a slice, which outlives what it was cut from.
    let inner = whole.slice(8, 24)?.slice(4, 8)?;
    drop((whole, front, back));
    assert_eq!(floats(&inner, 2)?.to_vec::<f32>()?, [10.0, 4.0]);
    Ok(())
}

#[test]
fn slices_end_where_the_storage_does() -> Result<()> {
    let whole = Storage::zeroed(8)?;
    assert_eq!(whole.slice(8, 0)?.len(), 0);
    for (start, bytes) in [(0, 9), (9, 0), (4, 5), (usize::MAX, 2), (2, usize::MAX)] {
        assert!(whole.slice(start, bytes).is_err(), "{bytes} bytes from {start}");
    }
    assert!(Storage::filled(4, |_| Err(flambeau_tensor::Error::file("nothing"))).is_err());
    Ok(())
}
