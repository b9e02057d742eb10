//! Hinge losses between classes.

use super::Reduction;
use crate::autograd::no_grad;
use crate::ops::where_;
use crate::{DType, Error, Result, Tensor};

/// The options of [`Tensor::multi_margin_loss`].
#[derive(Clone, Debug)]
pub struct MultiMarginOptions {
    /// The power that each hinge is taken to: 1 or 2.
    pub p: i64,
    /// By how much the target's score must exceed the others'.
    pub margin: f64,
    /// A factor for each class.
    pub weight: Option<Tensor>,
    /// What becomes of the losses of single samples.
    pub reduction: Reduction,
}

impl Default for MultiMarginOptions {
    fn default() -> Self {
        MultiMarginOptions { p: 1, margin: 1.0, weight: None, reduction: Reduction::Mean }
    }
}

/// Number of samples and classes of scores `(N, C)`, `(C)` or `()`.
fn sizes(input: &Tensor) -> Result<(usize, usize)> {
    let shape = input.shape();
    match &shape[..] {
        [] => Ok((1, 1)),
        &[classes] if classes > 0 => Ok((1, classes)),
        &[samples, classes] if classes > 0 => Ok((samples, classes)),
        _ => Err(Error::runtime(format!(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: {shape}"
        ))),
    }
}

fn require_long(target: &Tensor) -> Result<()> {
    match target.dtype() {
        DType::I64 => Ok(()),
        other => Err(Error::dtype(format!("expected scalar type Long but found {}", other.scalar_type_name()))),
    }
}

fn hinge(x: &Tensor) -> Result<Tensor> {
    x.clamp(Some(0i64.into()), None)
}

impl Tensor {
    /// For each sample of scores `(N, C)` or `(C)` the mean over the classes of
    /// `max(0, margin - score of the target + score)^p`, the target's own left out.
    ///
    /// # Errors
    /// PyTorch's, for shapes that do not fit and classes that do not exist.
    pub fn multi_margin_loss(&self, target: &Tensor, options: &MultiMarginOptions) -> Result<Tensor> {
        let (samples, classes) = sizes(self)?;
        if options.p != 1 && options.p != 2 {
            return Err(Error::runtime("only p == 1 and p == 2 supported"));
        }
        if target.ndim() > 1 || target.numel() != samples {
            return Err(Error::runtime(format!(
                "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). Expected target size [{samples}], but got {}. Input has shape {}.",
                target.shape(),
                self.shape()
            )));
        }
        require_long(target)?;
        if let Some(weight) = options.weight.as_ref()
            && (weight.ndim() > 1 || weight.numel() != classes)
        {
            return Err(Error::runtime(format!(
                "inconsistent weight size, expected {classes} but got {}",
                weight.shape()
            )));
        }
        if target.to_vec::<i64>()?.iter().any(|&class| !(0..classes as i64).contains(&class)) {
            return Err(Error::runtime("target out of range"));
        }
        let scores = self.reshape(&[samples as isize, classes as isize])?;
        let rank = target.ndim();
        let target = target.reshape(&[samples as isize, 1])?;
        let hinges = hinge(&scores.sub(&scores.gather(1, &target)?)?.add(options.margin)?)?;
        let mut losses = if options.p == 2 { hinges.square()? } else { hinges };
        if let Some(weight) = &options.weight {
            // Weights are constants, as PyTorch has it.
            let own = weight.detach().reshape(&[-1])?.index_select(0, &target.reshape(&[-1])?)?.unsqueeze(1)?;
            losses = losses.mul(&own)?;
        }
        let others = no_grad(|| Tensor::ones([samples, classes], DType::Bool)?.scatter(1, &target, false))?;
        let losses = where_(&others, &losses, 0.0)?.sum_dims(&[1], false, None)?.div(classes as f64)?;
        let losses = if rank < 1 { losses.squeeze_dim(0)? } else { losses };
        options.reduction.apply(&losses)
    }

    /// For each sample of scores `(N, C)` or `(C)` the sum over its target classes (those before the
    /// first -1) and all other classes of `max(0, 1 - score of the target + score) / C`.
    ///
    /// # Errors
    /// PyTorch's, for shapes that do not fit and classes that do not exist.
    pub fn multilabel_margin_loss(&self, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
        let (samples, classes) = sizes(self)?;
        if target.shape() != self.shape() {
            return Err(Error::runtime(format!(
                "inconsistent target size: {} for input of size: {}",
                target.shape(),
                self.shape()
            )));
        }
        require_long(target)?;
        let given = target.to_vec::<i64>()?;
        if given.iter().any(|&class| !(-1..classes as i64).contains(&class)) {
            return Err(Error::runtime("argument #2 'target' is out of range"));
        }
        let size = samples * classes;
        let (mut wanted, mut listed, mut among) = (vec![0i64; size], vec![false; size], vec![false; size]);
        for row in 0..samples {
            let of_row = row * classes..(row + 1) * classes;
            for (place, &class) in of_row.clone().zip(&given[of_row]).take_while(|&(_, &class)| class >= 0) {
                wanted[place] = class;
                listed[place] = true;
                among[row * classes + class as usize] = true;
            }
        }
        let truth = |flags: &[bool], shape: [usize; 3]| {
            let bytes: Vec<u8> = flags.iter().map(|&flag| u8::from(flag)).collect();
            Tensor::from_slice(&bytes, shape)?.ne(0)
        };
        // Target classes along dimension 1, all classes along dimension 2.
        let counts = no_grad(|| {
            let listed = truth(&listed, [samples, classes, 1])?;
            listed.logical_and(&truth(&among, [samples, 1, classes])?.logical_not()?)
        })?;
        let wanted = Tensor::from_slice(&wanted, [samples, classes])?;
        let scores = self.reshape(&[samples as isize, classes as isize])?;
        let of_targets = scores.gather(1, &wanted)?.unsqueeze(2)?;
        let hinges = hinge(&scores.unsqueeze(1)?.sub(&of_targets)?.add(1.0)?)?;
        let losses = where_(&counts, &hinges, 0.0)?.sum_dims(&[1, 2], false, None)?.div(classes as f64)?;
        let losses = if self.ndim() < 2 { losses.squeeze_dim(0)? } else { losses };
        reduction.apply(&losses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn hinges_and_their_gradients() {
        let x = Tensor::from_slice(&[0.1, 0.2, 0.4, 0.8], [1, 4]).unwrap();
        let class = Tensor::from_slice(&[3i64], [1]).unwrap();
        let loss = x.multi_margin_loss(&class, &MultiMarginOptions::default()).unwrap();
        assert!((loss.item().unwrap().to_f64() - 0.325).abs() < 1e-12);
        let classes = Tensor::from_slice(&[3i64, 0, -1, 1], [1, 4]).unwrap();
        let loss = x.multilabel_margin_loss(&classes, Reduction::Mean).unwrap();
        assert!((loss.item().unwrap().to_f64() - 0.85).abs() < 1e-12);
        let inputs = [x.requires_grad_(true).unwrap()];
        let weight = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0], [4]).unwrap();
        let options = MultiMarginOptions { p: 2, weight: Some(weight), ..Default::default() };
        gradcheck(|x| x[0].multi_margin_loss(&class, &options), &inputs).unwrap();
        gradgradcheck(|x| x[0].multi_margin_loss(&class, &options), &inputs).unwrap();
        gradcheck(|x| x[0].multilabel_margin_loss(&classes, Reduction::Sum), &inputs).unwrap();
    }
}
