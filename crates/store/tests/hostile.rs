//! Files that lie: each gives an error of its kind, without taking what it claims.

#[path = "fuzzing/allocator.rs"]
mod allocator;

use allocator::peak;
use flambeau_store::{LoadOptions, describe, load, load_with, npy, safetensors, torch};
use flambeau_tensor::{ErrorKind, Result};
use std::fmt::Debug;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

type TestResult = std::result::Result<(), Box<dyn std::error::Error>>;

/// Memory is counted for the whole process: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

/// The message of an error about a file, which may not have taken more memory than `limit`.
fn refusal<T: Debug>(limit: usize, read: impl FnOnce() -> Result<T>) -> String {
    let (outcome, memory) = peak(read);
    let error = outcome.expect_err("a file that lies");
    assert!(memory <= limit, "{memory} bytes for: {error}");
    assert!(matches!(error.kind(), ErrorKind::File | ErrorKind::Runtime), "{:?}: {error}", error.kind());
    error.message().to_owned()
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name)
}

const MIB: usize = 1 << 20;

fn archive(
    method: CompressionMethod,
    records: &[(&str, &[u8])],
) -> std::result::Result<Vec<u8>, zip::result::ZipError> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in records {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method))?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// A pickle of `{"w": tensor}` of float32, with these sizes and strides in storage 0.
fn pickled(numel: i32, offset: i32, size: &[i64], stride: &[i64]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(".to_vec();
    pickle.extend(b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ");
    pickle.extend(numel.to_le_bytes());
    pickle.extend(b"tQJ");
    pickle.extend(offset.to_le_bytes());
    for numbers in [size, stride] {
        pickle.push(b'(');
        for number in numbers {
            pickle.extend(b"\x8a\x08");
            pickle.extend(number.to_le_bytes());
        }
        pickle.push(b't');
    }
    pickle.extend(b"\x89ccollections\nOrderedDict\n)RtRu.");
    pickle
}

fn checkpoint(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    let records = [("a/data.pkl", pickle), ("a/data/0", storage), ("a/version", b"3\n")];
    archive(CompressionMethod::Stored, &records).expect("an archive in memory")
}

#[test]
fn files_cut_short_or_changed_give_errors() -> TestResult {
    let _alone = alone();
    for name in ["torch/nested.pt", "legacy/nested.pt"] {
        let whole = std::fs::read(corpus(name))?;
        for length in 0..whole.len() {
            assert!(torch::from_bytes(whole[..length].to_vec()).is_err(), "{name} cut at {length}");
        }
    }
    let whole = std::fs::read(corpus("safetensors/dtypes.safetensors"))?;
    for length in 0..whole.len() {
        assert!(safetensors::from_bytes(&whole[..length]).is_err(), "cut at {length}");
    }
    let whole = std::fs::read(corpus("npy/float32.npy"))?;
    for length in 0..whole.len() {
        assert!(npy::from_bytes(whole[..length].to_vec()).is_err(), "cut at {length}");
    }
    // A changed byte among an archive's numbers is told by the checksum.
    let mut bytes = std::fs::read(corpus("torch/state_dict.pt"))?;
    let numbers = bytes.windows(8).position(|part| part == [0, 0, 0x30, 0x41, 0, 0, 0, 0].as_slice());
    let eleven = numbers.or_else(|| bytes.windows(4).position(|part| part == 11f32.to_le_bytes()));
    bytes[eleven.ok_or("the number 11 is in the file")?] ^= 1;
    let message = refusal(MIB, || torch::from_bytes(bytes));
    assert!(message.contains("checksum is wrong"), "{message}");
    Ok(())
}

#[test]
fn tensors_beyond_their_storage_are_refused() {
    let _alone = alone();
    let storage = [0; 16];
    let load = |pickle: Vec<u8>| torch::from_bytes(checkpoint(&pickle, &storage));
    assert!(load(pickled(4, 0, &[2, 2], &[2, 1])).is_ok());
    for (numel, offset, size, stride, words) in [
        (4, 0, [2, 3], [3, 1], "out of bounds for storage of size 16"),
        (4, 1, [2, 2], [2, 1], "out of bounds for storage of size 16"),
        (5, 0, [2, 2], [2, 1], "it has 16 bytes where 20 are needed"),
        (i32::MAX, 0, [2, 2], [2, 1], "it has 16 bytes where"),
        (-4, 0, [2, 2], [2, 1], "a negative size -4"),
        (4, -1, [2, 2], [2, 1], "a negative size -1"),
        (4, 0, [-2, 2], [2, 1], "a negative size -2"),
        (4, 0, [2, 2], [-2, 1], "a negative size -2"),
        (4, 0, [i64::MAX, i64::MAX], [0, 0], "impossible shape"),
        (4, 0, [i64::MAX, 0], [i64::MAX, 1], "impossible shape"),
        (4, 0, [2, 2], [i64::MAX, i64::MAX], "out of bounds"),
    ] {
        let message = refusal(MIB, || load(pickled(numel, offset, &size, &stride)));
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn zip_bombs_are_refused() -> TestResult {
    let _alone = alone();
    let zeros = vec![0; 96 * MIB];
    let pickle = pickled((zeros.len() / 4) as i32, 0, &[1, 1], &[1, 1]);
    let bomb = archive(CompressionMethod::Deflated, &[("a/data.pkl", &pickle), ("a/data/0", &zeros)])?;
    drop(zeros);
    assert!(bomb.len() < MIB);
    let message = refusal(8 * MIB, || torch::from_bytes(bomb));
    assert!(message.contains("as those of a zip bomb do"), "{message}");
    // One that lies about its size.
    let header = std::fs::read(corpus("npy/float32.npy"))?;
    let content = [&header[..128], &vec![0; 64 * MIB][..]].concat();
    let mut bomb = archive(CompressionMethod::Deflated, &[("w.npy", &content)])?;
    for at in 0..bomb.len() - 4 {
        if bomb[at..at + 4] == (content.len() as u32).to_le_bytes() {
            bomb[at..at + 4].copy_from_slice(&152u32.to_le_bytes());
        }
    }
    let message = refusal(2 * MIB, || npy::archive_from_bytes(bomb));
    assert!(message.starts_with("record \"w.npy\" of the archive"), "{message}");
    Ok(())
}

#[test]
fn records_that_overlap_are_refused() -> TestResult {
    let _alone = alone();
    let pickle = pickled(4, 0, &[2, 2], &[2, 1]);
    let second: Vec<u8> = {
        // The same tensor from storage 1.
        let text = String::from_utf8_lossy(&pickle).find("X\u{1}\0\0\x000X").ok_or("the storage's key")?;
        let mut changed = pickle.clone();
        let key = changed[text..].iter().position(|&b| b == b'0').ok_or("the key")? + text;
        changed[key] = b'1';
        changed
    };
    let entry = |pickle: &[u8]| pickle[4..pickle.len() - 2].to_vec();
    let two = [b"\x80\x02](".to_vec(), entry(&pickle)[6..].to_vec(), entry(&second)[6..].to_vec(), b"e.".to_vec()];
    let records: [(&str, &[u8]); 3] = [("a/data.pkl", &two.concat()), ("a/data/0", &[1; 16]), ("a/data/1", &[1; 16])];
    let mut bytes = archive(CompressionMethod::Stored, &records)?;
    assert!(torch::from_bytes(bytes.clone()).is_ok());
    let entries: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..at + 4] == *b"PK\x01\x02").collect();
    let first: Vec<u8> = bytes[entries[1] + 42..entries[1] + 46].to_vec();
    bytes[entries[2] + 42..entries[2] + 46].copy_from_slice(&first);
    let message = refusal(MIB, || torch::from_bytes(bytes));
    assert!(message.contains("shares bytes with another record"), "{message}");
    Ok(())
}

#[test]
fn pickles_that_grow_are_refused() {
    let _alone = alone();
    // A list that holds itself.
    let message = refusal(MIB, || torch::from_bytes(checkpoint(b"\x80\x02]q\x00h\x00a.", b"")));
    assert!(message.contains("nested without end"), "{message}");
    // Lists of lists, each twice as long as the one before.
    let mut pickle = b"\x80\x02]q\x00".to_vec();
    for level in 0..60 {
        pickle.extend([b']', b'q', level + 1, b'(', b'h', level, b'h', level, b'e']);
    }
    pickle.push(b'.');
    let message = refusal(768 * MIB, || torch::from_bytes(checkpoint(&pickle, b"")));
    assert!(message.contains("nested without end"), "{message}");
    // Sets made of one long list, over and over.
    let mut pickle = b"\x80\x02c__builtin__\nset\nq\x00]q\x01(".to_vec();
    pickle.extend([b'N'; 100_000]);
    pickle.push(b'e');
    for _ in 0..100_000 {
        pickle.extend(b"h\x00h\x01\x85R");
    }
    pickle.push(b'.');
    let message = refusal(512 * MIB, || torch::from_bytes(checkpoint(&pickle, b"")));
    assert!(message.contains("builds more than"), "{message}");
    // Lengths that no file has.
    for start in [
        &b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"[..],
        b"\x80\x02X\xff\xff\xff\xff",
        b"\x80\x02\x8b\xff\xff\xff\xff",
    ] {
        let message = refusal(MIB, || torch::from_bytes(checkpoint(start, b"")));
        assert!(message.contains("ends too early"), "{message}");
    }
    // A thousand tuples in one another.
    let pickle = [b"\x80\x02N".to_vec(), vec![0x85; 100_000], b".".to_vec()].concat();
    let message = refusal(64 * MIB, || torch::from_bytes(checkpoint(&pickle, b"")));
    assert!(message.contains("nested without end"), "{message}");
}

#[test]
fn headers_that_lie_are_refused() {
    let _alone = alone();
    for (length, json, words) in [
        (u64::MAX, "{}", "the format allows"),
        (99_999_999, "{}", "the file ends too early"),
        (2, "{}xxxx", "its tensors have 0 bytes in all, and the file has 4"),
        (4, "{}", "the file ends too early"),
        (2, "[]", "not a whole safetensors file"),
    ] {
        let bytes = [&length.to_le_bytes()[..], json.as_bytes()].concat();
        let message = refusal(MIB, || safetensors::from_bytes(&bytes));
        assert!(message.contains(words), "{message}");
    }
    for json in [
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}"#,
        r#"{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#,
    ] {
        let bytes = [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &[0; 12]].concat();
        refusal(MIB, || safetensors::from_bytes(&bytes));
    }
    let npy = |dict: &str| {
        let head = [b"\x93NUMPY\x01\x00", &(dict.len() as u16).to_le_bytes()[..], dict.as_bytes(), &[0; 64]];
        refusal(MIB, || npy::from_bytes(head.concat()))
    };
    for (dict, words) in [
        (
            "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
            "Object arrays cannot be loaded when allow_pickle=False",
        ),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (99,)}", "takes 396 bytes, and the file has 64"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "no whole number"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9)}", "impossible shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9, 0)}", "impossible shape"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "an array of records"),
        ("{'descr': '<u2', 'fortran_order': False, 'shape': (2,)}", "uint16, which tensors here do not have"),
        ("{'descr': '<f4', 'shape': (2,)}", "it lacks a key"),
        ("{'descr': '<f4', 'fortran_order': __import__('os'), 'shape': (2,)}", "is missing"),
    ] {
        let message = npy(dict);
        assert!(message.contains(words), "{dict}: {message}");
    }
}

#[test]
fn an_index_reads_only_what_lies_beside_it() -> TestResult {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner)?;
    std::fs::copy(corpus("index/model-00001-of-00002.safetensors"), folder.path().join("a.safetensors"))?;
    std::fs::copy(corpus("index/model-00001-of-00002.safetensors"), inner.join("a.safetensors"))?;
    let index = inner.join("index.json");
    std::fs::write(&index, r#"{"weight_map": {"a": "a.safetensors"}}"#)?;
    assert_eq!(load(&index)?.len(), 1);
    let absolute = folder.path().join("a.safetensors").display().to_string();
    for name in ["../a.safetensors", "./a.safetensors", "..", "", "inner/../a.safetensors", &absolute] {
        std::fs::write(&index, format!(r#"{{"weight_map": {{"a": "{name}"}}}}"#))?;
        let message = refusal(MIB, || load(&index));
        assert!(message.contains("no file beside it"), "{name}: {message}");
        refusal(MIB, || describe(&index));
    }
    std::fs::write(&index, r#"{"weight_map": {"a": "index.json"}}"#)?;
    assert!(refusal(MIB, || load(&index)).contains("an index inside an index"));
    std::fs::write(&index, r#"{"weight_map": {"b": "a.safetensors"}}"#)?;
    assert!(refusal(MIB, || load(&index)).contains("lacks the tensor \"b\""));
    std::fs::write(&index, r#"{"weight_map": {"b": "missing.safetensors"}}"#)?;
    assert!(refusal(MIB, || load(&index)).contains("missing.safetensors"));
    Ok(())
}

#[test]
fn what_is_no_checkpoint_is_named() -> TestResult {
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model.pt");
    for (content, words) in [
        (&b""[..], "the file is empty"),
        (b"hello", "no checkpoint"),
        (b"\x80\x04K\x01.", "a Python pickle, but none that torch.save wrote"),
        (b"PK\x03\x04 and then nothing", "not a whole zip archive"),
        (b"{\"a\": 1}", "no index of a checkpoint's files"),
    ] {
        std::fs::write(&path, content)?;
        for message in [
            refusal(MIB, || load(&path)),
            refusal(MIB, || load_with(&path, &LoadOptions { mmap: true })),
            refusal(MIB, || describe(&path)),
        ] {
            assert!(message.contains(words) && message.starts_with(&path.display().to_string()), "{message}");
        }
    }
    assert!(refusal(MIB, || load(folder.path())).contains("not a regular file"));
    assert!(refusal(MIB, || load(folder.path().join("none"))).contains("No such file"));
    let program =
        archive(CompressionMethod::Stored, &[("a/constants.pkl", b"\x80\x02)."), ("a/data.pkl", b"\x80\x02N.")])?;
    assert!(refusal(MIB, || torch::from_bytes(program)).contains("TorchScript"));
    Ok(())
}
