//! Teaches a new last layer over a network that stays as it is:
//!
//!     cargo run --release -p flambeau --example fine_tune -- [WEIGHTS of resnet18]
//!
//! The new task is a toy: bright images against dark ones. Without weights, the features are random, which is enough here.

use flambeau::autograd::no_grad;
use flambeau::prelude::*;
use flambeau::vision::models;

fn main() -> Result<()> {
    flambeau::manual_seed(0);
    let body = models::resnet18(1000)?;
    if let Some(weights) = std::env::args().nth(1) {
        body.load_state_dict(&flambeau::store::load(weights)?.into())?;
    }
    body.eval();

    let labels = Tensor::arange(0, 32, 1, DType::I64)?.remainder(2)?;
    let brightness = labels.to_dtype(DType::F32)?.mul(0.5)?.view(&[-1, 1, 1, 1])?;
    let images = Tensor::rand([32, 3, 64, 64], DType::F32)?.mul(0.5)?.add(&brightness)?;

    // The network does not change, so its features are computed once.
    let [.., last] = no_grad(|| body.features(&images))?;
    let features = last.mean_dims(&[2, 3], false, None)?;
    let head = Linear::new(512, 2)?;
    let mut optimizer = Adam::builder(head.parameters()).lr(0.01).build()?;
    for step in 0..20 {
        optimizer.zero_grad();
        let loss = functional::cross_entropy(&head.forward(&features)?, &labels)?;
        loss.backward()?;
        optimizer.step()?;
        if step % 5 == 0 {
            println!("step {step}: loss {:.3}", loss.item()?.to_f64());
        }
    }
    let guesses = no_grad(|| head.forward(&features)?.argmax(Some(1), false))?;
    let right = guesses.eq(&labels)?.to_dtype(DType::F32)?.mean()?.item()?.to_f64();
    println!("{:.0} % right", 100.0 * right);
    Ok(())
}
