//! IDX, the format of MNIST (Y. LeCun, C. Cortes, C. Burges): two zeros, a code of the numbers' type, the count of
//! dimensions, each dimension's size as a big-endian integer of 32 bits, and the numbers.

use crate::files::Content;
use flambeau_tensor::Result;
use std::path::Path;

/// The code of unsigned bytes.
const UNSIGNED_BYTES: u8 = 0x08;
/// How much a file may unfold to: the largest published set, EMNIST, has a sixth of it.
const MAX_BYTES: u64 = 1 << 32;

/// Bytes with their shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// As many bytes as the shape says.
    pub bytes: Vec<u8>,
}

/// Reads an IDX file of unsigned bytes, packed by gzip or not.
///
/// # Errors
/// If the file cannot be read, is of another format, or shorter or longer than it says.
pub fn read(path: &Path) -> Result<Idx> {
    let mut file = Content::open(path)?;
    let [first, second, code, dimensions] = file.array()?;
    if [first, second] != [0, 0] {
        return Err(file.error("not an IDX file: it begins with two zeros"));
    }
    if code != UNSIGNED_BYTES {
        return Err(
            file.error(format!("an IDX file of unsigned bytes (code 0x08) is needed, but its code is {code:#04x}"))
        );
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        shape.push(u32::from_be_bytes(file.array()?) as usize);
    }
    let count = shape.iter().try_fold(1u64, |count, &size| count.checked_mul(size as u64));
    let count = count.ok_or_else(|| file.error(format!("an impossible shape: {shape:?}")))?;
    if count > MAX_BYTES {
        return Err(file.error(format!("an array of shape {shape:?} is beyond the {MAX_BYTES} bytes that are read")));
    }
    let bytes = file.bytes(count)?;
    file.end()?;
    Ok(Idx { shape, bytes })
}
