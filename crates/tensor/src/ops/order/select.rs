//! Elements by their rank: the greatest ones, the k-th, the median, and the most frequent.

use super::{picked, record_selection, reduced_pick};
use crate::autograd::Recorder;
use crate::backend::Pick;
use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, Result, Tensor};

impl Tensor {
    /// The size of a dimension that is reduced, which must not be empty.
    fn reduced_size(&self, function: &str, dim: usize) -> Result<usize> {
        match self.shape().get(dim) {
            Some(0) => Err(Error::index(format!("{function}(): Expected reduction dim {dim} to have non-zero size."))),
            Some(&size) => Ok(size),
            None => Ok(1),
        }
    }

    /// The `k` greatest (or smallest) elements along a dimension in order, and where they are. NaN is
    /// greater than every number; of equal elements the first ones are taken.
    ///
    /// # Errors
    /// If there is no such dimension, not as many elements, or the elements are truth values.
    pub fn topk(&self, k: i64, dim: isize, largest: bool) -> Result<(Tensor, Tensor)> {
        let dim = self.dim(dim)?;
        let size = self.shape().get(dim).map_or(1, |&n| n);
        let count = usize::try_from(k).ok().filter(|&k| k <= size);
        let Some(count) = count else { return Err(Error::runtime("selected index k out of range")) };
        if self.dtype() == DType::Bool {
            return Err(Error::not_implemented("topk does not support bool dtypes on CPU"));
        }
        // Of a tensor without dimensions its element is taken, even if none is asked for.
        let count = if self.ndim() == 0 { 1 } else { count };
        let (values, indices) = picked(self, Pick::First { count, descending: largest }, dim)?;
        record_selection("TopkBackward0", self, (&values, &indices), dim, false);
        Ok((values, indices))
    }

    /// The `k`-th smallest element (the smallest has `k` 1) along a dimension, and where one is.
    ///
    /// # Errors
    /// If there is no such dimension, not as many elements, or the elements are truth values.
    pub fn kthvalue(&self, k: i64, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let dim = self.dim(dim)?;
        let size = self.reduced_size("kthvalue", dim)?;
        let rank = usize::try_from(k).ok().filter(|&k| (1..=size).contains(&k));
        let Some(rank) = rank else {
            return Err(Error::runtime(format!("kthvalue(): selected number k out of range for dimension {dim}")));
        };
        if self.dtype() == DType::Bool {
            return Err(not_implemented("kthvalue_cpu", self.dtype()));
        }
        reduced_pick("KthvalueBackward0", self, Pick::Rank(rank - 1), dim, keepdim)
    }

    fn median_along(
        &self,
        (function, node): (&str, &str),
        pick: Pick,
        dim: isize,
        keepdim: bool,
    ) -> Result<(Tensor, Tensor)> {
        let dim = self.dim(dim)?;
        self.reduced_size(function, dim)?;
        if self.dtype() == DType::Bool {
            return Err(not_implemented("median_out", self.dtype()));
        }
        reduced_pick(node, self, pick, dim, keepdim)
    }

    /// The median along a dimension (the lower one of two; NaN if there is one), and where it is.
    ///
    /// # Errors
    /// If there is no such dimension, it is empty, or the elements are truth values.
    pub fn median_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.median_along(("median", "MedianBackward1"), Pick::Median, dim, keepdim)
    }

    /// The median along a dimension of the elements that are not NaN, and where it is.
    ///
    /// # Errors
    /// As [`Tensor::median_dim`].
    pub fn nanmedian_dim(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        self.median_along(("nanmedian", "NanmedianBackward1"), Pick::NanMedian, dim, keepdim)
    }

    fn median_of_all(&self, node: &str, pick: Pick) -> Result<Tensor> {
        if self.dtype() == DType::Bool {
            return Err(not_implemented("median_cpu", self.dtype()));
        }
        if self.numel() == 0 {
            let value = match self.dtype() {
                dtype if dtype.is_floating_point() => crate::Scalar::Float(f64::NAN),
                DType::I32 => crate::Scalar::Int(i64::from(i32::MIN)),
                DType::I64 => crate::Scalar::Int(i64::MIN),
                _ => crate::Scalar::Int(0),
            };
            return Tensor::full([], value, self.dtype());
        }
        let flat = self.detach().reshape(&[-1])?;
        let out = super::without_dim(&picked(&flat, pick, 0)?.0, 0)?;
        if let Some(mut recorder) = Recorder::new(node, &[self]) {
            let (input, output) = (recorder.save(self), recorder.save_output(&out, 0));
            recorder.finish(&out, move |ctx, grad| {
                // The gradient is shared by all elements that are equal to the median.
                let (input, output) = (ctx.saved(input)?.detach(), ctx.saved(output)?.detach());
                let mask = if output.item()?.to_f64().is_nan() { input.isnan()? } else { input.eq(&output)? };
                let mask = mask.to_dtype(grad.dtype())?;
                Ok(vec![Some(mask.mul(grad.div(mask.sum()?)?)?)])
            });
        }
        Ok(out)
    }

    /// The median of all elements: the lower one of two, NaN if there is one.
    ///
    /// # Errors
    /// If the elements are truth values.
    pub fn median(&self) -> Result<Tensor> {
        self.median_of_all("MedianBackward0", Pick::Median)
    }

    /// The median of all elements that are not NaN.
    ///
    /// # Errors
    /// If the elements are truth values.
    pub fn nanmedian(&self) -> Result<Tensor> {
        self.median_of_all("NanmedianBackward0", Pick::NanMedian)
    }

    /// The most frequent element along a dimension (the smallest of several), and where it last is.
    ///
    /// # Errors
    /// If there is no such dimension or it is empty.
    pub fn mode(&self, dim: isize, keepdim: bool) -> Result<(Tensor, Tensor)> {
        let dim = self.dim(dim)?;
        self.reduced_size("mode", dim)?;
        reduced_pick("ModeBackward0", self, Pick::Mode, dim, keepdim)
    }
}
