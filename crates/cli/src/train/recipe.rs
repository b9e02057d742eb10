//! What works well for the sets that are known by name.

use super::options::{Augment, OptimizerKind, SchedulerKind};

/// How a network is trained on some data where nothing else is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    pub epochs: u32,
    pub batch_size: usize,
    pub lr: f64,
    pub optimizer: OptimizerKind,
    pub scheduler: SchedulerKind,
    pub weight_decay: f64,
    pub label_smoothing: f64,
    pub augment: Augment,
    pub size: Option<usize>,
}

impl Recipe {
    /// The recipe for a set, or for a folder of pictures.
    pub fn of(data: &str) -> Self {
        let one_cycle = Self {
            epochs: 10,
            batch_size: 128,
            lr: 0.1,
            optimizer: OptimizerKind::Sgd,
            scheduler: SchedulerKind::Onecycle,
            weight_decay: 5e-4,
            label_smoothing: 0.0,
            augment: Augment::Flip,
            size: None,
        };
        match data {
            "digits" => Self {
                epochs: 15,
                batch_size: 32,
                lr: 4e-3,
                optimizer: OptimizerKind::Adam,
                scheduler: SchedulerKind::Cosine,
                weight_decay: 0.0,
                augment: Augment::None,
                ..one_cycle
            },
            // A mirrored digit or letter is another or none.
            "mnist" | "kmnist" => Self { epochs: 5, augment: Augment::Shift, ..one_cycle },
            name if name.starts_with("emnist") => Self { epochs: 5, augment: Augment::Shift, ..one_cycle },
            "fashion-mnist" => one_cycle,
            "cifar10" | "cifar100" => Self { epochs: 20, label_smoothing: 0.1, ..one_cycle },
            _ => Self { epochs: 20, batch_size: 32, lr: 0.02, size: Some(64), ..one_cycle },
        }
    }
}

/// Means and deviations of the channels of a set's training images; of digits and of what is not known none, so that
/// numbers go from 0 to 1.
pub fn statistics(data: &str, channels: usize) -> (Vec<f64>, Vec<f64>) {
    let (mean, std): (&[f64], &[f64]) = match (data, channels) {
        ("mnist", 1) => (&[0.1307], &[0.3081]),
        ("fashion-mnist", 1) => (&[0.2860], &[0.3530]),
        ("kmnist", 1) => (&[0.1918], &[0.3483]),
        ("cifar10", 3) => (&[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616]),
        ("cifar100", 3) => (&[0.5071, 0.4865, 0.4409], &[0.2673, 0.2564, 0.2762]),
        ("digits", _) => (&[], &[]),
        // Of ImageNet, as for most photographs.
        (_, 3) => (&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]),
        _ => (&[], &[]),
    };
    (mean.to_vec(), std.to_vec())
}
