//! Takes features from the middle of a network:
//!
//!     cargo run --release -p flambeau --example features
//!
//! The weights are random here; `net.load_state_dict(&flambeau::store::load(FILE)?.into())` loads trained ones.

use flambeau::autograd::no_grad;
use flambeau::prelude::*;
use flambeau::vision::models;

fn main() -> Result<()> {
    flambeau::manual_seed(0);
    let net = models::resnet18(1000)?;
    net.eval();
    let images = Tensor::randn([2, 3, 64, 64], DType::F32)?;
    let stages = no_grad(|| net.features(&images))?;
    for (number, features) in stages.iter().enumerate() {
        println!("stage {}: {}", number + 1, features.shape());
    }
    let embedding = stages[3].mean_dims(&[2, 3], false, None)?;
    println!("an image as {} numbers", embedding.shape()[1]);
    Ok(())
}
