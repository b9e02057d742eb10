//! Triangles of matrices.

use crate::autograd::Recorder;
use crate::{Error, Result, Tensor};

impl Tensor {
    fn triangle(&self, name: &'static str, k: isize, upper: bool) -> Result<Tensor> {
        if self.ndim() < 2 {
            return Err(Error::runtime(format!("{name}: input tensor must have at least 2 dimensions")));
        }
        let out = self.detach().clone_in(crate::MemoryFormat::Contiguous)?;
        if out.numel() > 0 {
            self.backend().zero_triangle(&out.array(), k, upper)?;
        }
        let node = if upper { "TriuBackward0" } else { "TrilBackward0" };
        if let Some(recorder) = Recorder::new(node, &[self]) {
            recorder.finish(&out, move |_, grad| Ok(vec![Some(grad.triangle(name, k, upper)?)]));
        }
        Ok(out)
    }

    /// Matrices with zeros above diagonal `k`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    pub fn tril(&self, k: isize) -> Result<Tensor> {
        self.triangle("tril", k, false)
    }

    /// Matrices with zeros below diagonal `k`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    pub fn triu(&self, k: isize) -> Result<Tensor> {
        self.triangle("triu", k, true)
    }

    /// [`Tensor::tril`] in place.
    ///
    /// # Errors
    /// As [`Tensor::tril`] and for every write in place.
    pub fn tril_(&self, k: isize) -> Result<Tensor> {
        self.write_in_place("tril_", |x| x.tril(k))
    }

    /// [`Tensor::triu`] in place.
    ///
    /// # Errors
    /// As [`Tensor::triu`] and for every write in place.
    pub fn triu_(&self, k: isize) -> Result<Tensor> {
        self.write_in_place("triu_", |x| x.triu(k))
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn triangles_and_their_gradients() {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]).unwrap();
        assert_eq!(x.tril(0).unwrap().to_vec::<f64>().unwrap(), [1.0, 0.0, 0.0, 4.0, 5.0, 0.0]);
        assert_eq!(x.triu(1).unwrap().to_vec::<f64>().unwrap(), [0.0, 2.0, 3.0, 0.0, 0.0, 6.0]);
        assert_eq!(x.t().unwrap().triu(isize::MIN).unwrap().to_vec::<f64>().unwrap()[1], 4.0);
        let inputs = [x.t().unwrap().requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].tril(-1), &inputs).unwrap();
        gradgradcheck(|x| x[0].square()?.triu(0), &inputs).unwrap();
        assert!(Tensor::from_slice(&[1.0], [1]).unwrap().tril(0).is_err());
    }
}
