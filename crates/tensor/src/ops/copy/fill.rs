//! Numbers in place of all elements, or of the diagonal's.

use crate::autograd::Recorder;
use crate::ops::Operand;
use crate::{Error, Layout, Result, Scalar, Tensor};

impl Tensor {
    /// Writes a number (or the number that a tensor without dimensions holds) everywhere.
    ///
    /// # Errors
    /// If the value has dimensions, and for every write in place.
    pub fn fill_(&self, value: impl Into<Operand>) -> Result<Tensor> {
        let value = value.into();
        let number = fill_value(&value)?;
        let others: Vec<&Tensor> = value.tensor().into_iter().collect();
        self.write_directly("fill_", &others, |x| x.fill(value.clone()), |x| x.fill_raw(number))
    }

    /// A tensor like this one with a number (or the one a tensor without dimensions holds) everywhere.
    ///
    /// # Errors
    /// If the value has dimensions.
    pub fn fill(&self, value: impl Into<Operand>) -> Result<Tensor> {
        let value = value.into();
        let out = self.detach().full_like(fill_value(&value)?, None)?;
        let inputs: Vec<&Tensor> = std::iter::once(self).chain(value.tensor()).collect();
        if let Some(r) = Recorder::new("FillBackward0", &inputs) {
            let dtype = value.tensor().map(Tensor::dtype);
            r.finish(&out, move |ctx, grad| {
                let own = ctx.needs(0).then(|| grad.zeros_like(None)).transpose()?;
                let value =
                    dtype.map(|dtype| ctx.needs(1).then(|| grad.sum()?.to_dtype(dtype)).transpose()).transpose()?;
                Ok(std::iter::once(own).chain(value).collect())
            });
        }
        Ok(out)
    }

    /// Writes zeros everywhere.
    ///
    /// # Errors
    /// Those of every write in place.
    pub fn zero_(&self) -> Result<Tensor> {
        self.write_directly("zero_", &[], |x| x.detach().zeros_like(None), |x| x.fill_raw(0))
    }

    /// Writes a number along the main diagonal; with `wrap`, the diagonal of a tall matrix begins
    /// again after each block that it has crossed.
    ///
    /// # Errors
    /// If there are fewer than two dimensions, or more than two of different sizes.
    pub fn fill_diagonal_(&self, value: impl Into<Scalar>, wrap: bool) -> Result<Tensor> {
        let layout = self.layout();
        let (shape, strides) = (layout.shape(), layout.strides());
        if shape.len() < 2 {
            return Err(Error::runtime("dimensions must larger than 1"));
        }
        if shape.len() > 2 && shape.iter().any(|&size| size != shape[0]) {
            return Err(Error::runtime("all dimensions of input must be of equal length"));
        }
        let value = value.into();
        let stride: usize = strides.iter().sum();
        let least = shape.iter().copied().min().unwrap_or(0);
        self.as_strided(Layout::strided([least], &[stride], layout.offset()))?.fill_(value)?;
        // Rows of a tall matrix: one is left out after each square.
        let (rows, columns) = (shape[0], shape[1]);
        if wrap && shape.len() == 2 && rows > columns + 1 && columns > 0 {
            let first = (columns + 1) * strides[0];
            let size = (rows * columns).div_ceil(columns + 1) - least;
            let rest = Layout::strided([size], &[stride], layout.offset() + first);
            self.as_strided(rest)?.fill_(value)?;
        }
        Ok(self.clone())
    }
}

fn fill_value(value: &Operand) -> Result<Scalar> {
    match value {
        Operand::Scalar(number) => Ok(*number),
        Operand::Tensor(value) if value.ndim() == 0 => value.item(),
        Operand::Tensor(value) => Err(Error::runtime(format!(
            "fill_ only supports 0-dimension value tensor but got tensor with {} dimensions.",
            value.ndim()
        ))),
    }
}
