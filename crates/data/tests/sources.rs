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
    let large = idx_bytes(&[1 << 10, 1 << 10, 1 << 10], &[7; 8]);
    let beyond = idx_bytes(&[u32::MAX; 8], &[7; 8]);
    let cut_gzip = packed(&whole)[..20].to_vec();
    let large_gzip = packed(&large);
    let floats = [&[0, 0, 0x0d, 1][..], &[0, 0, 0, 1], &[0; 4]].concat();
    let cases: [(&[u8], &str); 10] = [
        (&whole[..whole.len() - 1], "cut"),
        (&longer, "more bytes"),
        (&gigantic, "beyond"),
        (&large, "cut"),
        (&beyond, "impossible shape"),
        (&large_gzip, "cut"),
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

/// Two images in each of CIFAR's files.
fn write_cifar10(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    for (number, name) in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
        .into_iter()
        .enumerate()
    {
        let mut content = Vec::new();
        for image in 0..2u8 {
            content.push(number as u8);
            content.extend((0..3072u32).map(|i| (i / 1024) as u8 * 10 + image));
        }
        std::fs::write(folder.join(format!("{name}.bin")), content).expect("written");
    }
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    std::fs::write(folder.join("batches.meta.txt"), names).expect("written");
}

#[test]
fn binary_cifar_is_read_and_damage_told() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("cifar-10-batches-bin");
    write_cifar10(&folder);
    let set = sources::open("cifar10", &Options::new().root(root.path())).expect("opened");
    assert_eq!(set.train.labels(), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    assert_eq!((set.test.labels(), set.test.shape()), (&[5, 5][..], Some([3, 32, 32])));
    assert_eq!(set.train.classes()[9], "truck");
    let pixels = set.train.get(3).expect("an image").0.to_vec::<u8>().expect("bytes");
    assert_eq!((pixels[0], pixels[1024], pixels[2048]), (1, 11, 21));
    // The folder itself will do.
    assert_eq!(sources::open(&folder.display().to_string(), &Options::new()).expect("opened").test.len(), 2);

    let damaged = folder.join("data_batch_3.bin");
    let mut content = std::fs::read(&damaged).expect("read");
    content[0] = 10;
    std::fs::write(&damaged, &content).expect("written");
    let message = sources::open("cifar10", &Options::new().root(root.path())).expect_err("label 10").to_string();
    assert!(message.contains("data_batch_3.bin") && message.contains("label 10"), "{message}");
    std::fs::write(&damaged, &content[..4000]).expect("written");
    let message = sources::open("cifar10", &Options::new().root(root.path())).expect_err("cut").to_string();
    assert!(message.contains("data_batch_3.bin") && message.contains("cut"), "{message}");

    let empty = tempfile::tempdir().expect("a folder");
    let message = sources::open("cifar100", &Options::new().root(empty.path())).expect_err("nothing").to_string();
    assert!(message.contains("cifar-100-python") && message.contains("cs.toronto.edu"), "{message}");
}

/// What Python 2 wrote: a dict with a list of labels, and an array of bytes.
fn cifar_pickle(labels: &[u8], key: &str) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(U".to_vec();
    pickle.push(key.len() as u8);
    pickle.extend(key.as_bytes());
    pickle.extend(b"](");
    labels.iter().for_each(|&label| pickle.extend([b'K', label]));
    pickle.extend(b"eU\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K");
    pickle.push(labels.len() as u8);
    pickle.extend(b"M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T");
    let bytes: Vec<u8> = (0..labels.len() * 3072).map(|i| (i % 251) as u8).collect();
    pickle.extend((bytes.len() as u32).to_le_bytes());
    pickle.extend(bytes);
    pickle.extend(b"tbu.");
    pickle
}

#[test]
fn pickled_cifar_is_read_and_never_executed() {
    let root = tempfile::tempdir().expect("a folder");
    let folder = root.path().join("cifar-100-python");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("train"), cifar_pickle(&[0, 2, 1], "fine_labels")).expect("written");
    std::fs::write(folder.join("test"), cifar_pickle(&[1], "fine_labels")).expect("written");
    let meta = b"\x80\x02}U\x10fine_label_names](U\x05appleU\x03bedU\x03cates.";
    std::fs::write(folder.join("meta"), meta).expect("written");
    let set = sources::open("cifar100", &Options::new().root(root.path())).expect("opened");
    assert_eq!((set.train.labels(), set.train.classes().len()), (&[0, 2, 1][..], 3));
    let pixels = set.train.get(1).expect("an image").0.to_vec::<u8>().expect("bytes");
    assert_eq!(pixels[..3], [(3072 % 251) as u8, (3073 % 251) as u8, (3074 % 251) as u8]);

    std::fs::write(folder.join("test"), b"\x80\x02cos\nsystem\nU\x04true\x85R.").expect("written");
    let message = sources::open("cifar100", &Options::new().root(root.path())).expect_err("code").to_string();
    assert!(message.contains("os.system") && message.contains("test"), "{message}");
}

#[test]
fn tables_of_pixels_and_of_files_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.csv");
    let read = |text: &str, options: &Options| {
        std::fs::write(&path, text).expect("written");
        sources::csv::read(&path, options)
    };
    let options = Options::new();
    let images = read("label,pixel0,pixel1,pixel2,pixel3\r\n7,0,1,2,255\r\n10,9,9,9,9\n\n", &options).expect("read");
    assert_eq!(images.classes(), ["7", "10"]);
    assert_eq!((images.labels(), images.shape()), (&[0, 1][..], Some([1, 2, 2])));
    let last = read("0,1,2,255,3\n", &options.clone().label(sources::csv::Label::Last)).expect("read");
    assert_eq!((last.classes()[0].as_str(), last.get(0).expect("one").0.numel()), ("3", 4));
    let files = read("file,class\n\"a, b.png\",cat\nc.png,dog\n", &options).expect("read");
    assert_eq!((files.classes(), files.labels()), (&["cat".to_owned(), "dog".to_owned()][..], &[0, 1][..]));
    assert!(files.name(0).ends_with("a, b.png"));

    for (text, said) in [
        ("", "empty"),
        ("1,2,3,4,5\n1,2,3,4\n", "line 2"),
        ("1,2,3,4,5\n1,2,3,4,256\n", "line 2: pixel 3 is '256'"),
        ("1,2,3,4,x\n", "line 1"),
        ("1,2,3,4,5,6\n", "no square image"),
    ] {
        let message = read(text, &options).expect_err("wrong").to_string();
        assert!(message.contains("table.csv") && message.contains(said), "{message}");
    }
}

/// A picture of one colour.
fn write_picture(path: &Path, size: u32, color: [u8; 3]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    image::RgbImage::from_pixel(size, size, image::Rgb(color)).save(path).expect("written");
}

#[test]
fn folders_are_classes_and_corrupt_pictures_are_named_or_left_out() {
    use flambeau_data::{DataLoader, OnCorrupt, Preparation};
    let root = tempfile::tempdir().expect("a folder");
    let at = |name: &str| root.path().join(name);
    for (part, count) in [("train", 4), ("val", 1)] {
        for number in 0..count {
            write_picture(&at(&format!("{part}/red/{number}.png")), 8 + number, [200, 0, 0]);
            write_picture(&at(&format!("{part}/blue/deep/{number}.bmp")), 8, [0, 0, 200]);
        }
    }
    std::fs::write(at("train/red/notes.txt"), "no picture").expect("written");
    let open = || sources::open(&root.path().display().to_string(), &Options::new());
    let set = open().expect("opened");
    assert_eq!(set.train.classes(), ["blue", "red"]);
    assert_eq!((set.train.class_counts(), set.test.len()), (vec![4, 4], 2));
    assert!(Preparation::new().apply(set.train.clone()).is_err(), "sizes differ");

    let whole = std::fs::read(at("train/red/2.png")).expect("read");
    std::fs::write(at("train/red/2.png"), &whole[..whole.len() / 2]).expect("written");
    let prepared = || Preparation::new().resize([4, 4]).apply(open().expect("opened").train).expect("prepared");
    let stop = DataLoader::builder(prepared()).batch_size(8).workers(2).build().expect("a loader");
    let message = stop.iter().expect("begun").next().expect("a batch").expect_err("a cut picture").to_string();
    assert!(message.contains("2.png") && message.matches("2.png").count() == 1, "{message}");
    let skip = DataLoader::builder(prepared()).batch_size(8).on_corrupt(OnCorrupt::Skip).build().expect("a loader");
    let (images, labels) = skip.iter().expect("begun").next().expect("a batch").expect("the rest");
    assert_eq!((images.shape().to_vec(), labels.numel()), (vec![7, 3, 4, 4], 7));
    let skipped = skip.skipped();
    assert_eq!((skipped.len(), skipped[0].index), (1, 6));
    assert!(skipped[0].error.message().contains("2.png"));

    std::fs::remove_dir_all(at("val/blue")).expect("removed");
    assert!(open().expect_err("a class is missing").to_string().contains("classes"));
    std::fs::create_dir(at("val/blue")).expect("a folder");
    assert!(open().expect_err("a class is empty").to_string().contains("blue"));
}
