//! Losses of one class among several.

use super::Reduction;
use crate::autograd::no_grad;
use crate::ops::where_;
use crate::{DType, Error, Result, Tensor};

/// Options of [`Tensor::cross_entropy_loss`].
#[derive(Clone, Debug)]
pub struct CrossEntropyOptions {
    /// A factor for each class.
    pub weight: Option<Tensor>,
    /// What becomes of the losses of single targets.
    pub reduction: Reduction,
    /// Targets of this class do not count.
    pub ignore_index: i64,
    /// How much of each target is spread over all classes, 0 to 1.
    pub label_smoothing: f64,
}

impl Default for CrossEntropyOptions {
    fn default() -> Self {
        Self { weight: None, reduction: Reduction::Mean, ignore_index: -100, label_smoothing: 0.0 }
    }
}

/// Targets checked against the input: which count, and which class each is (0 where it does not).
struct Targets {
    classes: Tensor,
    counts: Tensor,
    /// Weight of each target's class, 0 where it does not count.
    weights: Option<Tensor>,
}

fn class_dim(input: &Tensor) -> usize {
    usize::from(input.ndim() > 1)
}

fn check(input: &Tensor, target: &Tensor, weight: Option<&Tensor>, ignore_index: i64) -> Result<Targets> {
    let (shape, wanted) = (input.shape(), target.shape());
    if shape.is_empty() {
        return Err(Error::value(format!("Expected 1 or more dimensions (got {})", shape.len())));
    }
    let batched = shape.len() > 1;
    if batched && (wanted.is_empty() || wanted[0] != shape[0]) {
        return Err(Error::value(format!(
            "Expected input batch_size ({}) to match target batch_size ({}).",
            shape[0],
            wanted.first().copied().unwrap_or(0)
        )));
    }
    if shape.len() <= 2 && wanted.len() > 1 {
        return Err(Error::runtime("0D or 1D target tensor expected, multi-target not supported"));
    }
    if shape.len() > 2 && (wanted.len() != shape.len() - 1 || wanted[1..] != shape[2..]) {
        let mut expected = shape.to_vec();
        expected.remove(1);
        return Err(Error::runtime(format!("Expected target size {}, got {wanted}", crate::Shape::from(expected))));
    }
    if !matches!(target.dtype(), DType::I64 | DType::U8) {
        return Err(Error::dtype(format!(
            "expected target dtype to be Long or Byte, but got {}",
            target.dtype().scalar_type_name()
        )));
    }
    let classes = shape[class_dim(input)];
    if let Some(weight) = weight
        && (weight.ndim() != 1 || weight.numel() != classes)
    {
        return Err(Error::runtime(format!(
            "weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: {}",
            weight.shape()
        )));
    }
    if let Some(weight) = weight.filter(|w| w.dtype() != input.dtype()) {
        return Err(Error::dtype(format!(
            "expected scalar type {} but found {}",
            input.dtype().scalar_type_name(),
            weight.dtype().scalar_type_name()
        )));
    }
    no_grad(|| {
        let target = target.to_dtype(DType::I64)?;
        for class in target.to_vec::<i64>()? {
            if class != ignore_index && !(0..classes as i64).contains(&class) {
                return Err(Error::index(format!("Target {class} is out of bounds.")));
            }
        }
        let counts = target.ne(ignore_index)?;
        let classes = where_(&counts, &target, 0)?;
        let weights = match weight {
            Some(weight) => {
                let picked = weight.index_select(0, &classes.flatten(0, -1)?)?.reshape(&signed(&classes.shape()))?;
                Some(where_(&counts, &picked, 0.0)?.to_dtype(weight.dtype())?)
            }
            None => None,
        };
        Ok(Targets { classes, counts, weights })
    })
}

fn signed(shape: &[usize]) -> Vec<isize> {
    shape.iter().map(|&n| n as isize).collect()
}

impl Targets {
    /// Minus the entry of each target's class, weighted; 0 where it does not count.
    fn pick(&self, input: &Tensor) -> Result<Tensor> {
        let dim = class_dim(input) as isize;
        let picked = input.gather(dim, &self.classes.unsqueeze(dim)?)?.squeeze_dim(dim)?;
        let loss = match &self.weights {
            Some(weights) => picked.mul(weights)?,
            None => picked,
        };
        // Picking by the mask, and not multiplying by it, keeps an infinity of an ignored target out.
        where_(&self.counts, &loss.neg()?, 0.0)
    }

    /// The sum of the weights of the targets that count.
    fn total(&self, like: &Tensor) -> Result<Tensor> {
        match &self.weights {
            Some(weights) => weights.sum(),
            None => self.counts.to_dtype(like.dtype())?.sum(),
        }
    }

    fn reduce(&self, losses: &Tensor, reduction: Reduction) -> Result<Tensor> {
        match reduction {
            Reduction::None => Ok(losses.clone()),
            Reduction::Sum => losses.sum(),
            Reduction::Mean => losses.sum()?.div(&no_grad(|| self.total(losses))?),
        }
    }
}

impl Tensor {
    /// The negative log-likelihood of the target classes, given log-probabilities `(N, C, …)` or
    /// `(C)` and classes `(N, …)` or `()`.
    ///
    /// # Errors
    /// PyTorch's, for shapes that do not fit, classes that do not exist and dtypes.
    pub fn nll_loss(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        reduction: Reduction,
        ignore_index: i64,
    ) -> Result<Tensor> {
        let targets = check(self, target, weight, ignore_index)?;
        targets.reduce(&targets.pick(self)?, reduction)
    }

    /// The cross-entropy of `softmax(input)` along the class dimension and the target: classes
    /// `(N, …)`, or probabilities of the input's shape `(N, C, …)`.
    ///
    /// # Errors
    /// PyTorch's, for shapes that do not fit, classes that do not exist and options out of range.
    pub fn cross_entropy_loss(&self, target: &Tensor, options: &CrossEntropyOptions) -> Result<Tensor> {
        let smoothing = options.label_smoothing;
        if !(0.0..=1.0).contains(&smoothing) {
            return Err(Error::runtime(format!("label_smoothing must be between 0.0 and 1.0. Got: {smoothing}")));
        }
        if self.shape() == target.shape() && self.ndim() > 0 {
            return self.cross_entropy_of_probabilities(target, options);
        }
        if self.ndim() == 0 {
            check(self, target, None, options.ignore_index)?;
        }
        let dim = class_dim(self) as isize;
        let log_probabilities = self.log_softmax(dim)?;
        let weight = options.weight.as_ref();
        let targets = check(self, target, weight, options.ignore_index)?;
        let exact = targets.reduce(&targets.pick(&log_probabilities)?, options.reduction)?;
        if smoothing == 0.0 {
            return Ok(exact);
        }
        let all = match weight {
            Some(weight) => log_probabilities.mul(&along(weight, dim as usize, self.ndim())?)?,
            None => log_probabilities.clone(),
        };
        let spread = where_(&targets.counts, &all.sum_dims(&[dim], false, None)?.neg()?, 0.0)?;
        let spread = targets.reduce(&spread, options.reduction)?;
        let classes = self.shape()[dim as usize] as f64;
        exact.mul(1.0 - smoothing)?.add(&spread.mul(smoothing / classes)?)
    }

    fn cross_entropy_of_probabilities(&self, target: &Tensor, options: &CrossEntropyOptions) -> Result<Tensor> {
        if !target.dtype().is_floating_point() {
            return Err(Error::dtype(format!(
                "Expected floating point type for target with class probabilities, got {}",
                target.dtype().scalar_type_name()
            )));
        }
        if options.ignore_index >= 0 {
            return Err(Error::runtime("ignore_index is not supported for floating point target"));
        }
        let dim = class_dim(self);
        let classes = self.shape()[dim];
        let target = if options.label_smoothing > 0.0 {
            target.mul(1.0 - options.label_smoothing)?.add(options.label_smoothing / classes as f64)?
        } else {
            target.clone()
        };
        let mut losses = self.log_softmax(dim as isize)?.mul(&target)?;
        if let Some(weight) = &options.weight {
            if weight.ndim() != 1 || weight.numel() != classes {
                return Err(Error::runtime(
                    "cross_entropy: weight tensor should be defined either for all classes or no classes",
                ));
            }
            losses = losses.mul(&along(weight, dim, self.ndim())?)?;
        }
        let losses = losses.sum_dims(&[dim as isize], false, None)?.neg()?;
        match options.reduction {
            // The mean over the targets, not over the elements.
            Reduction::Mean => losses.sum()?.div((self.numel() / classes.max(1)) as f64),
            other => other.apply(&losses),
        }
    }
}

/// A vector as a tensor of `ndim` dimensions that lies along `dim`.
fn along(vector: &Tensor, dim: usize, ndim: usize) -> Result<Tensor> {
    let mut shape = vec![1isize; ndim];
    shape[dim] = -1;
    vector.reshape(&shape)
}
