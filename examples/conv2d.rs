//! PyTorch's Conv2d example.
//!
//! `cargo run --release -p flambeau --example conv2d`

use flambeau::nn::functional::Conv2dOptions;
use flambeau::prelude::*;

fn main() -> Result<()> {
    flambeau::manual_seed(0);
    let conv = Conv2d::builder(3, 64, 3).stride(1).padding(1).build()?;
    let input = Tensor::randn([1, 3, 28, 28], DType::F32)?;
    let output = conv.forward(&input)?;
    println!("{}", output.shape());

    // The functional form computes the identical tensor.
    let options = Conv2dOptions::new().stride(1).padding(1);
    let functional = functional::conv2d(&input, conv.weight(), conv.bias(), &options)?;
    println!("the functional form is identical: {}", functional.equal(&output)?);
    Ok(())
}
