//! Updates of parameters by their gradients, all in one pass over memory.
//!
//! Written as a sequence of operators, a step of Adam reads and writes a parameter's memory a dozen
//! times; here each number is read once and written once. Operations and roundings are those of the
//! sequence.

use crate::window::{Compute, Real, TASK, Work, split, widest};

/// Gradient descent with momentum (Sutskever et al. 2013) and weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// How much of the last update goes on.
    pub momentum: f64,
    /// How much of the gradient momentum leaves out.
    pub dampening: f64,
    /// L2 penalty.
    pub weight_decay: f64,
    /// Whether to look ahead along the momentum.
    pub nesterov: bool,
    /// Whether to climb instead of descend.
    pub maximize: bool,
}

/// Adam (Kingma and Ba 2015), and with decoupled weight decay AdamW (Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the mean of gradients and of their squares.
    pub betas: [f64; 2],
    /// Added to the root of the mean square.
    pub eps: f64,
    /// L2 penalty, or the share that a parameter loses where it is decoupled.
    pub weight_decay: f64,
    /// Whether weight decay is apart from the gradient.
    pub decoupled: bool,
    /// Whether to climb instead of descend.
    pub maximize: bool,
    /// Which step this is: 1 is the first.
    pub step: f64,
}

/// Moves a parameter, and its momentum if there is one.
///
/// # Panics
/// If lengths differ.
pub fn sgd<T: Real<Wide = T> + Compute>(options: &Sgd, param: &mut [T], grad: &[T], momentum: Option<&mut [T]>) {
    assert!(grad.len() == param.len(), "a gradient for each number");
    let flags = (momentum.is_some(), options.nesterov, options.weight_decay != 0.0);
    assert!(momentum.as_ref().is_none_or(|m| m.len() == param.len()), "a momentum for each number");
    let mut momenta = momentum.map(|m| m.chunks_mut(TASK));
    let mut pieces: Vec<_> =
        param.chunks_mut(TASK).map(|p| (p, momenta.as_mut().and_then(Iterator::next).unwrap_or_default())).collect();
    split(&mut pieces, 1, TASK, |task, piece| {
        let (param, buffer) = &mut piece[0];
        let work = (options, &mut param[..], &grad[task * TASK..], &mut buffer[..]);
        match flags {
            (false, _, false) => widest(work, SgdPiece::<false, false, false>),
            (false, _, true) => widest(work, SgdPiece::<false, false, true>),
            (true, false, false) => widest(work, SgdPiece::<true, false, false>),
            (true, false, true) => widest(work, SgdPiece::<true, false, true>),
            (true, true, false) => widest(work, SgdPiece::<true, true, false>),
            (true, true, true) => widest(work, SgdPiece::<true, true, true>),
        }
    });
}

struct SgdPiece<const MOMENTUM: bool, const NESTEROV: bool, const DECAY: bool>;

impl<T: Real<Wide = T> + Compute, const MOMENTUM: bool, const NESTEROV: bool, const DECAY: bool>
    Work<(&Sgd, &mut [T], &[T], &mut [T])> for SgdPiece<MOMENTUM, NESTEROV, DECAY>
{
    type Output = ();
    #[inline(always)]
    fn run(self, (options, param, grad, buffer): (&Sgd, &mut [T], &[T], &mut [T])) {
        let [sign, decay, momentum, fresh, rate] = [
            if options.maximize { -1.0 } else { 1.0 },
            options.weight_decay,
            options.momentum,
            1.0 - options.dampening,
            -options.lr,
        ]
        .map(T::of);
        let grad = &grad[..param.len()];
        let buffer = if MOMENTUM { &mut buffer[..param.len()] } else { buffer };
        for i in 0..param.len() {
            let mut direction = grad[i] * sign;
            if DECAY {
                direction += param[i] * decay;
            }
            if MOMENTUM {
                buffer[i] = buffer[i] * momentum + direction * fresh;
                direction = if NESTEROV { direction + buffer[i] * momentum } else { buffer[i] };
            }
            param[i] += direction * rate;
        }
    }
}

/// Moves a parameter and the running means of its gradient (`means[0]`) and its square (`means[1]`).
///
/// # Panics
/// If lengths differ.
pub fn adam<T: Real<Wide = T> + Compute>(options: &Adam, param: &mut [T], grad: &[T], means: [&mut [T]; 2]) {
    let [mean, square] = means;
    let length = param.len();
    assert!(grad.len() == length && mean.len() == length && square.len() == length, "lengths of one parameter");
    let mut pieces: Vec<_> = param.chunks_mut(TASK).zip(mean.chunks_mut(TASK)).zip(square.chunks_mut(TASK)).collect();
    split(&mut pieces, 1, TASK, |task, piece| {
        let ((param, mean), square) = &mut piece[0];
        let work = (options, &mut param[..], &grad[task * TASK..], &mut mean[..], &mut square[..]);
        match (options.weight_decay != 0.0, options.decoupled) {
            (false, _) => widest(work, AdamPiece::<false, false>),
            (true, false) => widest(work, AdamPiece::<true, false>),
            (true, true) => widest(work, AdamPiece::<true, true>),
        }
    });
}

struct AdamPiece<const DECAY: bool, const DECOUPLED: bool>;

impl<T: Real<Wide = T> + Compute, const DECAY: bool, const DECOUPLED: bool>
    Work<(&Adam, &mut [T], &[T], &mut [T], &mut [T])> for AdamPiece<DECAY, DECOUPLED>
{
    type Output = ();
    #[inline(always)]
    fn run(self, (options, param, grad, mean, square): (&Adam, &mut [T], &[T], &mut [T], &mut [T])) {
        let [first, second] = options.betas;
        let corrections = [1.0 - first.powf(options.step), (1.0 - second.powf(options.step)).sqrt()];
        let [sign, decay, kept, fresh, kept_square, fresh_square, correction, eps, rate] = [
            if options.maximize { -1.0 } else { 1.0 },
            options.weight_decay,
            1.0 - options.lr * options.weight_decay,
            1.0 - first,
            second,
            1.0 - second,
            corrections[1],
            options.eps,
            -(options.lr / corrections[0]),
        ]
        .map(T::of);
        let length = param.len();
        let (grad, mean, square) = (&grad[..length], &mut mean[..length], &mut square[..length]);
        for i in 0..length {
            let mut g = grad[i] * sign;
            let mut p = param[i];
            if DECAY && DECOUPLED {
                p = p * kept;
            } else if DECAY {
                g += p * decay;
            }
            mean[i] += (g - mean[i]) * fresh;
            square[i] = square[i] * kept_square + g * g * fresh_square;
            let root = Compute::sqrt(square[i]) / correction + eps;
            param[i] = p + mean[i] * rate / root;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 37 + seed * 11) % 101) as f64 / 17.0 - 3.0).collect()
    }

    #[test]
    fn sgd_is_its_formula() {
        let n = TASK + 100;
        for momentum in [0.0, 0.9] {
            for (nesterov, weight_decay, maximize) in [(false, 0.0, false), (false, 0.1, true), (true, 0.1, false)] {
                let nesterov = nesterov && momentum > 0.0;
                let o = Sgd { lr: 0.1, momentum, dampening: 0.25, weight_decay, nesterov, maximize };
                let (mut p, g, mut b) = (numbers(n, 1), numbers(n, 2), numbers(n, 3));
                let mut want = p.clone();
                let mut want_b = b.clone();
                for i in 0..n {
                    let d = if maximize { -g[i] } else { g[i] } + weight_decay * want[i];
                    want_b[i] = momentum * want_b[i] + 0.75 * d;
                    want[i] -= 0.1
                        * match (momentum > 0.0, nesterov) {
                            (false, _) => d,
                            (true, false) => want_b[i],
                            (true, true) => d + momentum * want_b[i],
                        };
                }
                sgd(&o, &mut p, &g, (momentum > 0.0).then_some(&mut b[..]));
                assert!(p.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-12), "{o:?}");
                assert!(momentum == 0.0 || b.iter().zip(&want_b).all(|(a, b)| (a - b).abs() < 1e-12));
            }
        }
    }

    #[test]
    fn adam_is_its_formula() {
        let n = 2 * TASK + 7;
        for (weight_decay, decoupled, maximize) in [(0.0, false, false), (0.1, false, true), (0.1, true, false)] {
            let o = Adam { lr: 0.1, betas: [0.9, 0.99], eps: 1e-3, weight_decay, decoupled, maximize, step: 3.0 };
            let (mut p, g) = (numbers(n, 1), numbers(n, 2));
            let (mut m, mut v) = (numbers(n, 3), numbers(n, 4).iter().map(|x| x * x).collect::<Vec<_>>());
            let (before, mut want_m, mut want_v) = (p.clone(), m.clone(), v.clone());
            adam(&o, &mut p, &g, [&mut m, &mut v]);
            for i in 0..n {
                let mut d = if maximize { -g[i] } else { g[i] };
                let mut x = before[i];
                if decoupled {
                    x -= 0.1 * weight_decay * x;
                } else {
                    d += weight_decay * x;
                }
                want_m[i] = 0.9 * want_m[i] + 0.1 * d;
                want_v[i] = 0.99 * want_v[i] + 0.01 * d * d;
                let hat = [want_m[i] / (1.0 - 0.9f64.powi(3)), want_v[i] / (1.0 - 0.99f64.powi(3))];
                let want = x - 0.1 * hat[0] / (hat[1].sqrt() + 1e-3);
                assert!((p[i] - want).abs() < 1e-10 && (m[i] - want_m[i]).abs() < 1e-12, "{o:?}");
                assert!((v[i] - want_v[i]).abs() < 1e-12);
            }
        }
    }
}
