//! Dropout: leaving out at random.

use crate::autograd::no_grad;
use crate::{Error, Result, Tensor};

fn check(p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) {
        Ok(())
    } else {
        Err(Error::runtime(format!("dropout probability has to be between 0 and 1, but got {p}")))
    }
}

impl Tensor {
    /// Sets each element to 0 with probability `p` and divides the rest by `1 - p`, if `train`.
    ///
    /// # Errors
    /// If `p` is not between 0 and 1.
    pub fn dropout(&self, p: f64, train: bool) -> Result<Tensor> {
        self.drop_out(p, train, false)
    }

    /// As [`Tensor::dropout`] for whole channels (dimension 1) at once.
    ///
    /// # Errors
    /// If `p` is not between 0 and 1, or there are fewer than two dimensions.
    pub fn feature_dropout(&self, p: f64, train: bool) -> Result<Tensor> {
        self.drop_out(p, train, true)
    }

    fn drop_out(&self, p: f64, train: bool, features: bool) -> Result<Tensor> {
        check(p)?;
        if !train || p == 0.0 || self.numel() == 0 {
            return Ok(self.clone());
        }
        if p == 1.0 {
            return self.mul(0.0);
        }
        let noise = no_grad(|| self.noise(features)?.bernoulli_(1.0 - p, None)?.div_(1.0 - p))?;
        self.mul(&noise)
    }

    /// Dropout that keeps mean and variance of SELU's output: left-out elements get SELU's limit.
    ///
    /// Source: G. Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    ///
    /// # Errors
    /// If `p` is not between 0 and 1.
    pub fn alpha_dropout(&self, p: f64, train: bool) -> Result<Tensor> {
        self.alpha_drop_out(p, train, false)
    }

    /// As [`Tensor::alpha_dropout`] for whole channels at once.
    ///
    /// # Errors
    /// If `p` is not between 0 and 1, or there are fewer than two dimensions.
    pub fn feature_alpha_dropout(&self, p: f64, train: bool) -> Result<Tensor> {
        self.alpha_drop_out(p, train, true)
    }

    fn alpha_drop_out(&self, p: f64, train: bool, features: bool) -> Result<Tensor> {
        // SELU's scale times its alpha: what it tends to far below zero.
        const ALPHA: f64 = 1.758_099_340_847_376_6;
        check(p)?;
        if !train || p == 0.0 || self.numel() == 0 {
            return Ok(self.clone());
        }
        if p == 1.0 {
            return self.mul(0.0);
        }
        let a = 1.0 / ((ALPHA * ALPHA * p + 1.0) * (1.0 - p)).sqrt();
        let (noise, offset) = no_grad(|| {
            let kept = self.noise(features)?.bernoulli_(1.0 - p, None)?;
            let offset = kept.sub(1.0)?.mul(ALPHA * a)?.add(ALPHA * a * p)?;
            Ok((kept.mul(a)?, offset))
        })?;
        self.mul(&noise)?.add(&offset)
    }

    /// Memory for the mask: as many numbers as elements, or as channels.
    fn noise(&self, features: bool) -> Result<Tensor> {
        if !features {
            return self.empty_like(self.dtype());
        }
        let shape = self.shape();
        if shape.len() < 2 {
            return Err(Error::runtime("Feature dropout requires at least 2 dimensions in the input"));
        }
        let mut sizes = vec![1; shape.len()];
        sizes[..2].copy_from_slice(&shape[..2]);
        Tensor::empty(sizes, self.dtype())
    }
}

/// Forms that write into the tensor itself.
macro_rules! in_place {
    ($($name:ident, $form:ident;)*) => {
        impl Tensor {$(
            #[doc = concat!("[`Tensor::", stringify!($form), "`] into the tensor itself.")]
            ///
            /// # Errors
            /// As the form that makes a new tensor, and where the tensor may not be changed in place.
            pub fn $name(&self, p: f64, train: bool) -> Result<Tensor> {
                self.write_in_place(stringify!($name), |x| x.$form(p, train))
            }
        )*}
    };
}
in_place! {
    dropout_, dropout;
    feature_dropout_, feature_dropout;
    alpha_dropout_, alpha_dropout;
    feature_alpha_dropout_, feature_alpha_dropout;
}
