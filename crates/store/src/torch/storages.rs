//! Where the bytes of storages are: records of an archive, or one after the other.

use crate::archive::Archive;
use crate::dtypes::FileDType;
use crate::pickle::{self, Names, Object, Pickle, StorageRef};
use crate::source::Source;
use flambeau_tensor::{Error, Result, Storage};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The number that a legacy file begins with, as a pickled integer: the lowest byte first.
pub(crate) const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL_VERSION: i64 = 1001;
/// How many bytes an archive's pickle may have.
const MAX_PICKLE: u64 = 1 << 30;

/// The storages of a file.
pub(super) enum Storages<'a> {
    Archive {
        archive: Box<Archive<'a>>,
        root: String,
        /// Whether the numbers' bytes have to be reversed for this machine.
        swapped: bool,
    },
    Legacy {
        source: &'a Source,
        ranges: HashMap<Arc<str>, Range<u64>>,
    },
}

/// Opens an archive.
pub(super) fn archive(source: &Source) -> Result<(Pickle, Storages<'_>)> {
    let mut archive = Archive::open(source)?;
    let names = archive.names();
    let folder = |name: &str, file: &str| {
        let folder = name.strip_suffix(file)?;
        (folder.is_empty() || (folder.ends_with('/') && folder.matches('/').count() == 1)).then(|| folder.to_owned())
    };
    if names.iter().any(|name| folder(name, "constants.pkl").is_some()) {
        return Err(Error::file(
            "Cannot use ``weights_only=True`` with TorchScript archives: they hold a program; save the module's state_dict instead",
        ));
    }
    let root = names
        .iter()
        .find_map(|name| folder(name, "data.pkl"))
        .ok_or_else(|| Error::file("PytorchStreamReader failed locating file data.pkl: file not found"))?;
    let order = names.contains(&format!("{root}byteorder"));
    let big_endian = match order.then(|| archive.read(&format!("{root}byteorder"), 16)).transpose()?.as_deref() {
        None | Some(b"little") => false,
        Some(b"big") => true,
        Some(_) => return Err(Error::file("the checkpoint's byte order is neither little nor big")),
    };
    let data = Source::Memory(archive.read(&format!("{root}data.pkl"), MAX_PICKLE)?);
    let pickle = pickle::read(&mut data.cursor(0), Names::Checkpoint)?;
    let swapped = big_endian != cfg!(target_endian = "big");
    Ok((pickle, Storages::Archive { archive: Box::new(archive), root, swapped }))
}

/// Opens a file in the older format: a magic number, a version, facts about the machine that wrote
/// it, the value and the storages' keys, a pickle each; then each storage's number of elements and
/// its bytes, the lowest byte of a number first whatever the machine.
pub(super) fn legacy(source: &Source) -> Result<(Pickle, Storages<'_>)> {
    let damaged = |what: &str| Error::file(format!("the checkpoint is damaged: {what}"));
    let mut cursor = source.cursor(0);
    let magic = pickle::read(&mut cursor, Names::Checkpoint)?;
    if !matches!(&magic.objects[magic.root], Object::BigInt(number) if **number == MAGIC) {
        return Err(Error::file("Invalid magic number; corrupt file?"));
    }
    let version = pickle::read(&mut cursor, Names::Checkpoint)?;
    match version.objects[version.root] {
        Object::Int(PROTOCOL_VERSION) => {}
        Object::Int(other) => return Err(Error::file(format!("Invalid protocol version: {other}"))),
        _ => return Err(Error::file("Invalid protocol version")),
    }
    let _machine = pickle::read(&mut cursor, Names::Checkpoint)?;
    let pickle = pickle::read(&mut cursor, Names::Checkpoint)?;
    let mut sizes: HashMap<&str, (usize, usize)> = HashMap::new();
    for object in &pickle.objects {
        if let Object::Storage(storage) = object {
            let size = FileDType::of_class(&storage.class)?.bits / 8;
            sizes.insert(&storage.key, (size, storage.numel));
        }
    }
    let keys = pickle::read(&mut cursor, Names::Checkpoint)?;
    let Object::List(listed) = &keys.objects[keys.root] else {
        return Err(damaged("a list of storages was expected"));
    };
    let mut at = cursor.at();
    let mut ranges = HashMap::new();
    for &key in listed {
        let Object::Str(key) = &keys.objects[key] else {
            return Err(damaged("a storage's key is no string"));
        };
        let &(size, numel) = sizes.get(&**key).ok_or_else(|| damaged("a storage that no tensor has"))?;
        let mut count = [0; 8];
        source.read_at(at, &mut count)?;
        if u64::from_le_bytes(count) != numel as u64 {
            return Err(damaged("a storage has another size than its tensors say"));
        }
        let start = at + 8;
        let end = numel.checked_mul(size).and_then(|bytes| start.checked_add(bytes as u64));
        let end = end.filter(|&end| end <= source.len()).ok_or_else(|| damaged("unexpected EOF"))?;
        if ranges.insert(key.clone(), start..end).is_some() {
            return Err(damaged("a storage is listed twice"));
        }
        at = end;
    }
    drop(sizes);
    Ok((pickle, Storages::Legacy { source, ranges }))
}

/// A copy with the bytes of each number of `size` bytes in the other order.
pub(crate) fn byteswapped(storage: &Storage, size: usize) -> Result<Arc<Storage>> {
    Storage::filled(storage.len(), |to| {
        storage.with_bytes(|from| to.copy_from_slice(from));
        to.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        Ok(())
    })
}

impl Storages<'_> {
    /// The memory of a storage, its whole whatever view of it is meant, for numbers of `size`
    /// bytes.
    pub(super) fn load(&mut self, wanted: &StorageRef, size: usize) -> Result<Arc<Storage>> {
        let class = FileDType::of_class(&wanted.class)?;
        let bytes =
            wanted.numel.checked_mul(class.bits / 8).ok_or_else(|| Error::file("a storage beyond all memory"))?;
        let (storage, swapped) = match self {
            Storages::Archive { archive, root, swapped } => {
                let record = archive.record(&format!("{root}data/{}", wanted.key))?;
                (archive.storage(&record, 0..bytes, size)?, *swapped)
            }
            Storages::Legacy { source, ranges } => {
                let range = ranges
                    .get(&wanted.key)
                    .ok_or_else(|| Error::file(format!("the checkpoint lacks storage {:?}", wanted.key)))?;
                if range.end - range.start != bytes as u64 {
                    return Err(Error::file(format!("the checkpoint gives storage {:?} two sizes", wanted.key)));
                }
                (source.storage(range.start, bytes, size)?, cfg!(target_endian = "big"))
            }
        };
        if swapped && size > 1 { byteswapped(&storage, size) } else { Ok(storage) }
    }

    /// Whether a storage is where the pickle says, and as long, without reading it.
    pub(super) fn check(&mut self, wanted: &StorageRef) -> Result<()> {
        let bytes = wanted.numel.checked_mul(FileDType::of_class(&wanted.class)?.bits / 8);
        let there = match self {
            Storages::Archive { archive, root, .. } => archive.record(&format!("{root}data/{}", wanted.key))?.bytes,
            Storages::Legacy { ranges, .. } => ranges.get(&wanted.key).map_or(0, |range| range.end - range.start),
        };
        if bytes.is_none_or(|bytes| bytes as u64 > there) {
            return Err(Error::file(format!(
                "storage {:?} has {there} bytes where {} elements of a {} are needed",
                wanted.key, wanted.numel, wanted.class
            )));
        }
        Ok(())
    }
}
