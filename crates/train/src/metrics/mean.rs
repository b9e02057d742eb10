//! A mean of what comes one after the other.

/// A running mean with weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a value into account, which stands for so many: the mean loss of a batch, with its size.
    pub fn update(&mut self, value: f64, weight: f64) {
        self.sum += value * weight;
        self.weight += weight;
    }

    /// The mean, if there was anything.
    pub fn get(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_count() {
        let mut mean = Mean::new();
        assert_eq!(mean.get(), None);
        mean.update(1.0, 3.0);
        mean.update(5.0, 1.0);
        assert_eq!(mean.get(), Some(2.0));
    }
}
