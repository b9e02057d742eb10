//! Event files, compared with what TensorBoard's own library writes.

use flambeau_store::events::EventWriter;
use std::path::Path;

/// The records of a file without their frames, and without the times that they begin with.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let data = std::fs::read(path).expect("a file");
    let (mut rest, mut records) = (&data[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().expect("eight bytes")) as usize;
        let record = &rest[12..12 + length];
        // Field 1, a double: the time.
        assert_eq!(record[0], 0x09);
        records.push(record[9..].to_vec());
        rest = &rest[16 + length..];
    }
    records
}

#[test]
fn events_are_those_of_tensorboard() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut events = EventWriter::create(folder.path().join("runs/first")).expect("a writer");
    let name = events.path().file_name().and_then(|name| name.to_str()).expect("a name");
    assert!(name.starts_with("events.out.tfevents."), "{name}");
    events.add_scalar("loss", 0.5, 300).expect("written");
    events.add_text("note", "**hi**", 300).expect("written");
    let records = records(events.path());
    assert_eq!(records.len(), 3);
    assert!(records[0].ends_with(b"\x1a\x0dbrain.Event:2"));
    assert_eq!(records[1], b"\x10\xac\x02*\r\n\x0b\n\x04loss\x15\x00\x00\x00?");
    assert_eq!(
        records[2],
        b"\x10\xac\x02*$\n\"\n\x04noteB\x10\x08\x07\x12\x04\x12\x02\x08\x01B\x06**hi**J\x08\n\x06\n\x04text"
    );
}

#[test]
fn a_killed_program_leaves_what_it_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut events = EventWriter::create(folder.path()).expect("a writer");
    for step in 0..5 {
        events.add_scalar("loss", 1.0, step).expect("written");
        // The file is still open: nothing waits in the program's memory.
        assert_eq!(records(events.path()).len() as u64, step + 2);
    }
}

#[test]
fn two_writers_of_one_folder_have_two_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = EventWriter::create(folder.path()).expect("a writer");
    let second = EventWriter::create(folder.path()).expect("a writer");
    assert_ne!(first.path(), second.path());
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").expect("written");
    let error = EventWriter::create(&file).expect_err("no folder");
    assert!(error.message().contains("file"), "{error}");
    let mut events = EventWriter::create(folder.path()).expect("a writer");
    assert!(events.add_image("picture", b"no picture", 1).is_err());
    assert_eq!(records(events.path()).len(), 1);
}
