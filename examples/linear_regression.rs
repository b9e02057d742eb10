//! Linear regression: find the line through noisy points.
//!
//! `cargo run --release -p flambeau --example linear_regression`

use flambeau::prelude::*;

fn main() -> Result<()> {
    flambeau::manual_seed(0);
    // y = 2x + 1, with noise.
    let x = Tensor::rand([100, 1], DType::F32)?;
    let y = x.mul(2.0)?.add(1.0)?.add(&Tensor::randn([100, 1], DType::F32)?.mul(0.1)?)?;

    let model = Linear::new(1, 1)?;
    let mut optimizer = Sgd::builder(model.parameters()).lr(0.5).build()?;
    for epoch in 0..=100 {
        optimizer.zero_grad();
        let loss = functional::mse_loss(&model.forward(&x)?, &y)?;
        loss.backward()?;
        optimizer.step()?;
        if epoch % 20 == 0 {
            println!("epoch {epoch:3}  loss {:.4}", loss.item()?.to_f64());
        }
    }
    let slope = model.weight().item()?.to_f64();
    let intercept = model.bias().map_or(Ok(0.0), |b| b.item().map(|b| b.to_f64()))?;
    println!("y = {slope:.2} x + {intercept:.2}");
    Ok(())
}
