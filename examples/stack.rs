//! A stack of convolutions, pooling and a fully connected layer, with its gradients.
//!
//! `cargo run --release -p flambeau --example stack`

use flambeau::prelude::*;

#[derive(flambeau::nn::Module)]
struct Net {
    features: Sequential,
    classifier: Linear,
}

impl Net {
    fn new() -> Result<Self> {
        let features = Sequential::new()
            .push(Conv2d::builder(1, 8, 5).padding(2).build()?)
            .push(Relu::new())
            .push(MaxPool2d::new(2))
            .push(Conv2d::builder(8, 16, 3).padding(1).build()?)
            .push(Relu::new())
            .push(MaxPool2d::new(2))
            .push(Flatten::new());
        Ok(Self { features, classifier: Linear::new(16 * 7 * 7, 10)? })
    }
}

impl Forward for Net {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.classifier.forward(&self.features.forward(images)?)
    }
}

fn main() -> Result<()> {
    flambeau::manual_seed(0);
    let net = Net::new()?;
    let scores = net.forward(&Tensor::randn([4, 1, 28, 28], DType::F32)?)?;
    println!("scores: {}", scores.shape());

    let target = Tensor::from_slice(&[3i64, 1, 4, 1], [4])?;
    functional::cross_entropy(&scores, &target)?.backward()?;
    for (name, parameter) in net.named_parameters() {
        let gradient = parameter
            .grad()
            .map_or(0.0, |g| g.square().and_then(|s| s.sum()?.sqrt()?.item()).map_or(f64::NAN, |n| n.to_f64()));
        println!("{name:20} {:16} gradient norm {gradient:.4}", parameter.shape().to_string());
    }
    Ok(())
}
