//! Checkpoints to and from torchvision itself: `FLAMBEAU_PYTHON=python cargo test -p flambeau-vision -- --ignored`.

use flambeau::nn::StateDict;
use flambeau::prelude::*;
use flambeau::store;
use flambeau::vision::models;
use std::path::Path;
use std::process::Command;

const NETWORKS: [&str; 8] = [
    "deeplabv3_mobilenet_v3_large",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "mobilenet_v2",
    "resnet18",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
];

fn python(command: &str, name: &str, folder: &Path) {
    let python = std::env::var("FLAMBEAU_PYTHON").expect("FLAMBEAU_PYTHON names a Python that has torchvision");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/checkpoints.py");
    let done = Command::new(python).args([script, command, name]).arg(folder).output().expect("Python runs");
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
}

fn exchange(name: &str, folder: &Path) -> Result<()> {
    python("make", name, folder);
    let network = models::get_model(name, 10)?;
    network.load_state_dict(&store::load(folder.join("theirs.pt"))?.into())?;
    network.eval();

    let sample: StateDict = store::load(folder.join("sample.pt"))?.into();
    let (images, expected) = (sample.get("images").expect("images"), sample.get("scores").expect("scores"));
    let scores = flambeau::autograd::no_grad(|| network.forward(images))?;
    assert_eq!(scores.shape(), expected.shape(), "{name}");
    let difference = scores.sub(expected)?.abs()?.max()?.item()?.to_f64();
    let largest = expected.abs()?.max()?.item()?.to_f64();
    assert!(difference <= 1e-4 * largest, "{name}: scores differ by {difference}, of {largest}");

    let state = network.state_dict();
    store::save(folder.join("ours.pt"), state.iter())?;
    python("check", name, folder);
    Ok(())
}

#[test]
#[ignore = "needs a Python with torchvision, which FLAMBEAU_PYTHON names"]
fn checkpoints_go_both_ways() {
    for name in NETWORKS {
        let folder = tempfile::tempdir().expect("a folder");
        exchange(name, folder.path()).expect(name);
    }
}
