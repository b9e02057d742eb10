//! What is made small.

use super::options::Settings;
use flambeau::ops::CrossEntropyOptions;
use flambeau::prelude::*;
use flambeau::tensor::default_generator;
use flambeau::train::{Outcome, metrics::Accuracy};

/// The cross-entropy, with what is mixed into it.
#[derive(Clone, Debug)]
pub struct Objective {
    label_smoothing: f64,
    mixup: f64,
    l1: f64,
}

impl Objective {
    /// As the settings say.
    pub fn new(settings: &Settings) -> Self {
        Self { label_smoothing: settings.label_smoothing, mixup: settings.mixup, l1: settings.l1 }
    }

    /// The loss of a batch, and the share that was right.
    ///
    /// # Errors
    /// If the network cannot read the images.
    pub fn of(&self, net: &dyn Layer, images: &Tensor, labels: &Tensor) -> Result<Outcome> {
        // In mixed precision scores are narrow; a loss needs all its digits.
        let options = CrossEntropyOptions { label_smoothing: self.label_smoothing, ..CrossEntropyOptions::default() };
        let (scores, mut loss) = if self.mixup > 0.0 {
            let share = beta(self.mixup);
            let partners = Tensor::randperm(labels.numel(), DType::I64)?;
            let mixed = images.mul(share)?.add_alpha(&images.index_select(0, &partners)?, 1.0 - share)?;
            let scores = net.forward(&mixed)?.to_dtype(DType::F32)?;
            let own = scores.cross_entropy_loss(labels, &options)?;
            let others = scores.cross_entropy_loss(&labels.index_select(0, &partners)?, &options)?;
            let loss = own.mul(share)?.add_alpha(&others, 1.0 - share)?;
            (scores, loss)
        } else {
            let scores = net.forward(images)?.to_dtype(DType::F32)?;
            let loss = scores.cross_entropy_loss(labels, &options)?;
            (scores, loss)
        };
        if self.l1 > 0.0 {
            for parameter in net.parameters().iter().filter(|parameter| parameter.requires_grad()) {
                loss = loss.add_alpha(&parameter.abs()?.sum()?, self.l1)?;
            }
        }
        let right = Accuracy::new().update(&scores, labels)?;
        Ok(Outcome::from(loss).with("accuracy", right))
    }
}

/// A number of the beta distribution whose two parameters are `alpha`, by Jöhnk's method, which is quick for small ones.
///
/// Source: M. D. Jöhnk, "Erzeugung von betaverteilten und gammaverteilten Zufallszahlen", 1964.
fn beta(alpha: f64) -> f64 {
    let generator = default_generator();
    let uniform = || (generator.random64() >> 11) as f64 / (1u64 << 53) as f64;
    loop {
        let (x, y) = (uniform().powf(1.0 / alpha), uniform().powf(1.0 / alpha));
        if x + y > 0.0 && x + y <= 1.0 {
            return x / (x + y);
        }
        // Both are nothing where alpha is tiny: one image is left as it is.
        if x + y == 0.0 {
            return if generator.random() & 1 == 0 { 0.0 } else { 1.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau::autograd::no_grad;

    #[test]
    fn the_beta_distribution_has_its_mean_and_variance() {
        for alpha in [0.2, 1.0, 2.0] {
            let drawn: Vec<f64> = (0..4000).map(|_| beta(alpha)).collect();
            assert!(drawn.iter().all(|x| (0.0..=1.0).contains(x)));
            let mean = drawn.iter().sum::<f64>() / 4000.0;
            let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4000.0;
            // Of a mean of 4000 draws, six deviations.
            assert!((mean - 0.5).abs() < 6.0 * (variance / 4000.0).sqrt(), "{alpha}: {mean}");
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!((variance - expected).abs() < 0.15 * expected, "{alpha}: {variance}");
        }
    }

    #[test]
    fn terms_are_added() -> Result<()> {
        let net = Linear::new(4, 3)?;
        let images = Tensor::randn([6, 4], DType::F32)?;
        let labels = Tensor::from_slice(&[0i64, 1, 2, 0, 1, 2], [6])?;
        let loss = |objective: &Objective| Ok::<_, Error>(objective.of(&net, &images, &labels)?.loss.item()?.to_f64());
        let plain = Objective { label_smoothing: 0.0, mixup: 0.0, l1: 0.0 };
        let expected = functional::cross_entropy(&net.forward(&images)?, &labels)?.item()?.to_f64();
        assert_eq!(loss(&plain)?, expected);
        let weights: f64 =
            no_grad(|| net.parameters().iter().map(|p| Ok(p.abs()?.sum()?.item()?.to_f64())).sum::<Result<f64>>())?;
        assert!((loss(&Objective { l1: 0.5, ..plain.clone() })? - expected - 0.5 * weights).abs() < 1e-5);
        let mixed = Objective { mixup: 1.0, ..plain }.of(&net, &images, &labels)?;
        mixed.loss.backward()?;
        assert!(net.parameters().iter().all(|p| p.grad().is_some()));
        Ok(())
    }
}
