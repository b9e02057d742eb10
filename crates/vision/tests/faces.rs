//! Faces in photographs: `FLAMBEAU_MTCNN=FOLDER cargo test -p flambeau-vision -- --ignored`, where the folder is
//! `facenet_pytorch/data` of PyPI's `facenet-pytorch`.

use flambeau::prelude::*;
use flambeau::vision::io;
use flambeau::vision::mtcnn::{Face, Mtcnn, Settings};
use std::path::PathBuf;

fn photo(name: &str) -> Tensor {
    let path = format!("{}/../../examples/photos/{name}.png", env!("CARGO_MANIFEST_DIR"));
    io::read_image(path).expect("a photograph")
}

fn trained() -> Result<Mtcnn> {
    let folder = PathBuf::from(std::env::var("FLAMBEAU_MTCNN").expect("FLAMBEAU_MTCNN names a folder of weights"));
    let load = |name: &str| Ok::<_, Error>(flambeau::store::load(folder.join(name))?.into());
    Mtcnn::with_weights(&load("pnet.pt")?, &load("rnet.pt")?, &load("onet.pt")?)
}

#[test]
#[ignore = "needs trained weights, whose folder FLAMBEAU_MTCNN names"]
fn a_face_is_found_where_it_is_and_nowhere_else() {
    let networks = trained().expect("networks");
    let faces = |name| networks.detect(&photo(name), &Settings::default()).expect("an answer");
    let found = faces("astronaut");
    assert_eq!(found.len(), 1, "{found:?}");
    let Face { bounds: [left, top, right, bottom], probability, landmarks: [left_eye, right_eye, nose, ..] } = found[0];
    assert!(probability > 0.99);
    // The head is above the middle, left of it.
    assert!(left > 70.0 && right < 130.0 && top > 15.0 && bottom < 90.0, "{found:?}");
    assert!(left < left_eye[0] && left_eye[0] < nose[0] && nose[0] < right_eye[0] && right_eye[0] < right);
    assert!(top < left_eye[1] && left_eye[1] < nose[1] && nose[1] < bottom);
    for name in ["camera", "coffee", "chelsea"] {
        let found = faces(name);
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn networks_that_have_not_learned_answer_too() {
    flambeau::manual_seed(0);
    let networks = Mtcnn::new().expect("networks");
    let image = Tensor::randint(0, 256, [3, 40, 50], DType::U8).expect("an image");
    let settings = Settings { thresholds: [0.4, 0.0, 0.0], ..Settings::default() };
    for face in networks.detect(&image, &settings).expect("an answer") {
        assert!((0.0..=1.0).contains(&face.probability) && face.bounds.iter().all(|side| side.is_finite()));
    }
    // Too small for a face.
    let tiny = Tensor::zeros([3, 8, 8], DType::U8).expect("an image");
    assert!(networks.detect(&tiny, &settings).expect("an answer").is_empty());
    let floats = Tensor::zeros([3, 40, 50], DType::F32).expect("a tensor");
    assert!(networks.detect(&floats, &settings).is_err());
    assert!(networks.detect(&image, &Settings { min_face_size: 0, ..settings }).is_err());
}
