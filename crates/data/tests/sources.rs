//! Sources of images: what is read, and what an error says.

use flambeau_data::sources::{self, Options, idx};
use flambeau_data::{Dataset, Images};
use std::io::Write;
use std::path::Path;

/// The content of an IDX file of unsigned bytes.
fn idx_bytes(shape: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut content = vec![0, 0, 8, shape.len() as u8];
    shape.iter().for_each(|size| content.extend(size.to_be_bytes()));
    content.extend(bytes);
    content
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

/// Three images to learn from, two to test with; labels 0, 1, 2 and 3, 4.
fn write_set(folder: &Path, gzip: bool) {
    std::fs::create_dir_all(folder).expect("a folder");
    let write = |name: &str, content: Vec<u8>| {
        let (name, content) = if gzip { (format!("{name}.gz"), packed(&content)) } else { (name.to_owned(), content) };
        std::fs::write(folder.join(name), content).expect("written");
    };
    let pixels: Vec<u8> = (0..3 * 2 * 2).collect();
    write("train-images-idx3-ubyte", idx_bytes(&[3, 2, 2], &pixels));
    write("train-labels-idx1-ubyte", idx_bytes(&[3], &[0, 1, 2]));
    write("t10k-images-idx3-ubyte", idx_bytes(&[2, 2, 2], &pixels[..8]));
    write("t10k-labels-idx1-ubyte", idx_bytes(&[2], &[3, 4]));
}

#[test]
fn idx_sets_are_found_where_people_put_them() {
    for (gzip, below) in [(false, "."), (true, "FashionMNIST/raw"), (true, "fashion-mnist")] {
        let root = tempfile::tempdir().expect("a folder");
        write_set(&root.path().join(below), gzip);
        let set = sources::open("fashion-mnist", &Options::new().root(root.path())).expect("opened");
        assert_eq!((set.train.len(), set.test.len()), (3, 2));
        assert_eq!(set.train.shape(), Some([1, 2, 2]));
        assert_eq!(set.test.labels(), [3, 4]);
        assert_eq!(set.train.classes()[9], "Ankle boot");
        let (image, label) = set.train.get(1).expect("an image");
        assert_eq!((image.to_vec::<u8>().expect("bytes"), label), (vec![4, 5, 6, 7], 1));
    }
}

#[test]
fn a_folder_of_idx_files_is_opened_by_its_path() {
    let root = tempfile::tempdir().expect("a folder");
    write_set(root.path(), true);
    let set = sources::open(&root.path().display().to_string(), &Options::new()).expect("opened");
    assert_eq!(set.train.classes(), ["0", "1", "2"]);
}

#[test]
fn a_missing_set_says_what_is_expected_where() {
    let root = tempfile::tempdir().expect("a folder");
    let message = sources::open("kmnist", &Options::new().root(root.path())).expect_err("nothing there").to_string();
    for part in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "KMNIST/raw", "http"] {
        assert!(message.contains(part), "{message}");
    }
    let message = sources::open("imagenot", &Options::new()).expect_err("no such set").to_string();
    assert!(message.contains("neither a known set") && message.contains("fashion-mnist"), "{message}");
}

#[test]
fn damaged_idx_files_are_told_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("images");
    let whole = idx_bytes(&[2, 2, 2], &[7; 8]);
    let longer = [&whole[..], &[0]].concat();
    let gigantic = idx_bytes(&[u32::MAX, u32::MAX, 1], &[7; 8]);
    let beyond = idx_bytes(&[u32::MAX; 8], &[7; 8]);
    let cut_gzip = packed(&whole)[..20].to_vec();
    let gigantic_gzip = packed(&gigantic);
    let floats = [&[0, 0, 0x0d, 1][..], &[0, 0, 0, 1], &[0; 4]].concat();
    let cases: [(&[u8], &str); 9] = [
        (&whole[..whole.len() - 1], "cut"),
        (&longer, "more bytes"),
        (&gigantic, "cut"),
        (&beyond, "impossible shape"),
        (&gigantic_gzip, "cut"),
        (&cut_gzip, ""),
        (&floats, "0x0d"),
        (b"PK\x03\x04", "not an IDX file"),
        (b"", ""),
    ];
    for (content, said) in cases {
        std::fs::write(&path, content).expect("written");
        let message = idx::read(&path).expect_err("damaged").to_string();
        assert!(message.starts_with(&path.display().to_string()) && message.contains(said), "{message}");
    }
    assert!(idx::read(folder.path()).expect_err("a folder").to_string().contains("not a regular file"));
}

#[test]
fn every_class_is_held_out_in_proportion() {
    let labels: Vec<i64> = (0..100).map(|i| i64::from(i % 10 == 0)).collect();
    let images = Images::packed(vec![0; 100], [1, 1, 1], labels, vec!["a".into(), "b".into()]).expect("images");
    let (rest, out) = images.hold_out(0.2).expect("split");
    assert_eq!((rest.class_counts(), out.class_counts()), (vec![72, 8], vec![18, 2]));
    assert!(images.hold_out(1.5).is_err());
}
