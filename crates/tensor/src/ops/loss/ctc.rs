//! Connectionist temporal classification: the likelihood of a sequence under all its alignments.
//!
//! A target of `S` labels is stretched to `2 S + 1` states, with blanks between, before and after
//! the labels. `alpha` sums over all ways that lead to a state, `beta` over all that lead on.
//!
//! Source: A. Graves et al., "Connectionist Temporal Classification", 2006.

use super::Reduction;
use crate::autograd::{Recorder, no_grad};
use crate::{DType, Error, Result, Tensor};

/// The options of [`Tensor::ctc_loss`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CtcOptions {
    /// The class that stands for no label.
    pub blank: i64,
    /// What becomes of the losses of single sequences; the mean is of losses by target length.
    pub reduction: Reduction,
    /// Whether targets that no alignment reaches count as 0.
    pub zero_infinity: bool,
}

/// One sequence of the batch.
struct Sequence {
    /// The labels between blanks.
    states: Vec<usize>,
    steps: usize,
}

fn log_add(a: f64, b: f64) -> f64 {
    let high = a.max(b);
    if high == f64::NEG_INFINITY { high } else { high + ((a - high).exp() + (b - high).exp()).ln() }
}

impl Sequence {
    fn new(labels: &[i64], steps: usize, blank: usize) -> Self {
        let mut states = vec![blank];
        for &label in labels {
            states.extend([label as usize, blank]);
        }
        Sequence { states, steps }
    }

    /// Whether the state may be reached from the one before the last, skipping a blank.
    fn skips(&self, state: usize) -> bool {
        state % 2 == 1 && state >= 2 && self.states[state] != self.states[state - 2]
    }

    /// Logarithms of the probability of all ways to each state at each step.
    fn forward(&self, log_probability: &impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
        let count = self.states.len();
        let mut alpha = vec![vec![f64::NEG_INFINITY; count]; self.steps];
        for step in 0..self.steps {
            for state in 0..count {
                let before = if step == 0 {
                    if state < 2 { 0.0 } else { f64::NEG_INFINITY }
                } else {
                    let last = &alpha[step - 1];
                    let mut ways = last[state];
                    if state >= 1 {
                        ways = log_add(ways, last[state - 1]);
                    }
                    if self.skips(state) {
                        ways = log_add(ways, last[state - 2]);
                    }
                    ways
                };
                alpha[step][state] = before + log_probability(step, self.states[state]);
            }
        }
        alpha
    }

    /// The same for all ways from each state on, its own step included.
    fn backward(&self, log_probability: &impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
        let count = self.states.len();
        let mut beta = vec![vec![f64::NEG_INFINITY; count]; self.steps];
        for step in (0..self.steps).rev() {
            for state in 0..count {
                let after = if step + 1 == self.steps {
                    if state + 2 >= count { 0.0 } else { f64::NEG_INFINITY }
                } else {
                    let next = &beta[step + 1];
                    let mut ways = next[state];
                    if state + 1 < count {
                        ways = log_add(ways, next[state + 1]);
                    }
                    if state + 2 < count && self.skips(state + 2) {
                        ways = log_add(ways, next[state + 2]);
                    }
                    ways
                };
                beta[step][state] = after + log_probability(step, self.states[state]);
            }
        }
        beta
    }

    fn loss(&self, alpha: &[Vec<f64>]) -> f64 {
        let Some(last) = alpha.last() else {
            return if self.states.len() == 1 { 0.0 } else { f64::INFINITY };
        };
        let count = last.len();
        let before = if count > 1 { last[count - 2] } else { f64::NEG_INFINITY };
        -log_add(last[count - 1], before)
    }
}

fn lengths(name: &str, lengths: &Tensor, batch: usize) -> Result<Vec<i64>> {
    if !lengths.dtype().is_integral(false) {
        return Err(Error::runtime(format!("{name} must be integral")));
    }
    if lengths.numel() != batch {
        return Err(Error::runtime(format!("{name} must be of size batch_size")));
    }
    no_grad(|| lengths.to_dtype(DType::I64)?.to_vec::<i64>())
}

/// Log-probabilities `(T, N, C)` as float64, with what the batch's sequences are.
struct Batch {
    values: Vec<f64>,
    batch: usize,
    classes: usize,
    sequences: Vec<Sequence>,
    target_lengths: Vec<i64>,
}

fn out_of_range(message: String) -> Error {
    Error::runtime(format!("{message} (while checking arguments for ctc_loss_allocate_outputs)"))
}

fn read(input: &Tensor, targets: &Tensor, [inputs, wanted]: [&Tensor; 2], blank: i64) -> Result<Batch> {
    let shape = input.shape();
    let &[steps, batch, classes] = &shape[..] else {
        return Err(Error::runtime(format!("log_probs must have 3 dimensions, but got {}", shape.len())));
    };
    let (input_lengths, target_lengths) =
        (lengths("input_lengths", inputs, batch)?, lengths("target_lengths", wanted, batch)?);
    if !(0..classes as i64).contains(&blank) {
        return Err(Error::runtime("blank must be in label range"));
    }
    if let Some(length) = input_lengths.iter().find(|&&length| length > steps as i64) {
        return Err(out_of_range(format!(
            "Expected input_lengths to have value at most {steps}, but got value {length}"
        )));
    }
    if let Some(length) = input_lengths.iter().chain(&target_lengths).find(|&&length| length < 0) {
        return Err(out_of_range(format!("Expected lengths to have value at least 0, but got value {length}")));
    }
    let labels = no_grad(|| targets.to_dtype(DType::I64)?.to_vec::<i64>())?;
    let longest = target_lengths.iter().copied().max().unwrap_or(0);
    let width = match &targets.shape()[..] {
        [_] if labels.len() as i64 == target_lengths.iter().sum::<i64>() => None,
        [size] => {
            return Err(out_of_range(format!(
                "Expected tensor to have size {} at dimension 0, but got size {size} for argument #2 'targets'",
                target_lengths.iter().sum::<i64>()
            )));
        }
        &[rows, width] if rows == batch && width as i64 >= longest => Some(width),
        &[rows, _] if rows != batch => {
            return Err(out_of_range(format!(
                "Expected tensor to have size {batch} at dimension 0, but got size {rows} for argument #2 'targets'"
            )));
        }
        &[_, width] => {
            return Err(out_of_range(format!(
                "Expected tensor to have size at least {longest} at dimension 1, but got size {width} for argument #2 'targets'"
            )));
        }
        other => {
            return Err(Error::runtime(format!("targets must have 1 or 2 dimensions, but got {}", other.len())));
        }
    };
    let mut start = 0;
    let mut sequences = Vec::with_capacity(batch);
    for (row, (&steps, &length)) in input_lengths.iter().zip(&target_lengths).enumerate() {
        let first = width.map_or(start, |width| row * width);
        let own = &labels[first..first + length as usize];
        if own.iter().any(|label| !(0..classes as i64).contains(label)) {
            return Err(Error::index("ctc_loss: a label of the targets is out of range"));
        }
        sequences.push(Sequence::new(own, steps as usize, blank as usize));
        start += length as usize;
    }
    let values = no_grad(|| input.detach().to_dtype(DType::F64)?.to_vec::<f64>())?;
    Ok(Batch { values, batch, classes, sequences, target_lengths })
}

impl Batch {
    fn probability(&self, row: usize) -> impl Fn(usize, usize) -> f64 + '_ {
        move |step, class| self.values[(step * self.batch + row) * self.classes + class]
    }

    fn losses(&self) -> Vec<f64> {
        self.sequences.iter().enumerate().map(|(row, s)| s.loss(&s.forward(&self.probability(row)))).collect()
    }

    /// The gradient with respect to scores whose `log_softmax` the input is, which is also what
    /// PyTorch gives for the input itself.
    fn gradient(&self, losses: &[f64], weights: &[f64], zero_infinity: bool) -> Vec<f64> {
        let mut gradient = vec![0.0; self.values.len()];
        for (row, sequence) in self.sequences.iter().enumerate() {
            let (loss, weight) = (losses[row], weights[row]);
            if zero_infinity && loss == f64::INFINITY {
                continue;
            }
            let of = self.probability(row);
            let (alpha, beta) = (sequence.forward(&of), sequence.backward(&of));
            for step in 0..sequence.steps {
                let mut ways = vec![f64::NEG_INFINITY; self.classes];
                for (state, &class) in sequence.states.iter().enumerate() {
                    ways[class] = log_add(ways[class], alpha[step][state] + beta[step][state]);
                }
                for (class, ways) in ways.into_iter().enumerate() {
                    let log_probability = of(step, class);
                    let share = (ways + loss - log_probability).exp();
                    gradient[(step * self.batch + row) * self.classes + class] =
                        weight * (log_probability.exp() - share);
                }
            }
        }
        gradient
    }
}

impl Tensor {
    /// The negative log-likelihood of label sequences under log-probabilities `(T, N, C)` or
    /// `(T, C)`. Targets are `(N, S)`, or one after the other `(sum of lengths)`.
    ///
    /// # Errors
    /// PyTorch's, for shapes and lengths that do not fit and labels that do not exist.
    pub fn ctc_loss(
        &self,
        targets: &Tensor,
        input_lengths: &Tensor,
        target_lengths: &Tensor,
        options: CtcOptions,
    ) -> Result<Tensor> {
        let batched = self.ndim() != 2;
        let input = if batched { self.clone() } else { self.unsqueeze(1)? };
        let batch = read(&input, targets, [input_lengths, target_lengths], options.blank)?;
        if !self.dtype().is_floating_point() || matches!(self.dtype(), DType::F16 | DType::BF16) {
            return Err(crate::ops::elementwise::not_implemented("ctc_loss_cpu", self.dtype()));
        }
        let losses = batch.losses();
        let dtype = self.dtype();
        let shape = [batch.sequences.len()];
        let scales: Vec<f64> = batch.target_lengths.iter().map(|&n| n.max(1) as f64).collect();
        let zero_infinity = options.zero_infinity;
        let shown: Vec<f64> =
            losses.iter().map(|&loss| if zero_infinity && loss == f64::INFINITY { 0.0 } else { loss }).collect();
        let out = Tensor::from_slice(&shown, shape)?.to_dtype(dtype)?;
        if let Some(recorder) = Recorder::new("CtcLossBackward0", &[&input]) {
            let sizes = input.shape();
            recorder.finish(&out, move |_, grad| {
                if grad.requires_grad() && crate::autograd::is_grad_enabled() {
                    return Err(Error::not_implemented("the derivative for '_ctc_loss_backward' is not implemented."));
                }
                let weights = grad.to_dtype(DType::F64)?.to_vec::<f64>()?;
                let gradient = batch.gradient(&losses, &weights, zero_infinity);
                Ok(vec![Some(Tensor::from_slice(&gradient, sizes.clone())?.to_dtype(dtype)?)])
            });
        }
        match options.reduction {
            Reduction::Mean => out.div(&Tensor::from_slice(&scales, shape)?.to_dtype(dtype)?)?.mean(),
            Reduction::Sum => out.sum(),
            Reduction::None if batched => Ok(out),
            Reduction::None => out.squeeze_dim(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::gradcheck;

    fn scores() -> Tensor {
        let values: Vec<f64> = (0..24).map(|i| ((i * 5 + 3) % 11) as f64 / 4.0 - 1.0).collect();
        Tensor::from_slice(&values, [4, 2, 3]).unwrap()
    }

    fn numbers(values: &[i64]) -> Tensor {
        Tensor::from_slice(values, [values.len()]).unwrap()
    }

    /// Sums over every alignment of one sequence.
    fn by_enumeration(x: &Tensor, row: usize, labels: &[i64]) -> f64 {
        let values = x.log_softmax(2).unwrap().to_vec::<f64>().unwrap();
        let mut total = 0.0;
        for code in 0..81usize {
            let path: Vec<usize> = (0..4).map(|t| code / 3usize.pow(t) % 3).collect();
            let mut read: Vec<i64> = path.iter().map(|&c| c as i64).collect();
            read.dedup();
            read.retain(|&c| c != 0);
            if read == labels {
                total += path.iter().enumerate().map(|(t, &c)| values[(t * 2 + row) * 3 + c]).sum::<f64>().exp();
            }
        }
        -total.ln()
    }

    #[test]
    fn agrees_with_the_sum_over_all_alignments() {
        let x = scores();
        let options = CtcOptions { reduction: Reduction::None, ..Default::default() };
        let losses = x
            .log_softmax(2)
            .unwrap()
            .ctc_loss(&numbers(&[1, 2, 2, 2]), &numbers(&[4, 4]), &numbers(&[2, 2]), options)
            .unwrap()
            .to_vec::<f64>()
            .unwrap();
        assert!((losses[0] - by_enumeration(&x, 0, &[1, 2])).abs() < 1e-10);
        assert!((losses[1] - by_enumeration(&x, 1, &[2, 2])).abs() < 1e-10);
    }

    #[test]
    fn gradients_reach_the_scores() {
        let inputs = [scores().requires_grad_(true).unwrap()];
        let targets = Tensor::from_slice(&[1i64, 2, 2, 2], [2, 2]).unwrap();
        gradcheck(
            |x| {
                let log_probabilities = x[0].log_softmax(2)?;
                log_probabilities.ctc_loss(&targets, &numbers(&[4, 3]), &numbers(&[2, 1]), CtcOptions::default())
            },
            &inputs,
        )
        .unwrap();
    }

    #[test]
    fn what_no_alignment_reaches_is_infinite_or_zero() {
        let x = scores().log_softmax(2).unwrap();
        let (targets, long, short) = (numbers(&[1, 1, 1, 2]), numbers(&[4, 4]), numbers(&[3, 1]));
        let loss = |options| x.ctc_loss(&targets, &long, &short, options).unwrap().to_vec::<f64>().unwrap();
        let options = CtcOptions { reduction: Reduction::None, ..Default::default() };
        assert_eq!(loss(options)[0], f64::INFINITY);
        assert_eq!(loss(CtcOptions { zero_infinity: true, ..options })[0], 0.0);
        assert!(x.ctc_loss(&targets, &numbers(&[5, 4]), &short, options).is_err());
        assert!(x.ctc_loss(&numbers(&[1, 1, 1, 7]), &long, &short, options).is_err());
    }
}
