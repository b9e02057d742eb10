//! Elements repeated one by one, and quarter turns.

use crate::ops::Operand;
use crate::ops::elementwise::not_implemented;
use crate::{DType, Error, MemoryFormat, Result, Tensor};

/// How often each element is to be repeated, as int64 counts.
fn counts(repeats: &Tensor) -> Result<Vec<i64>> {
    if !matches!(repeats.dtype(), DType::I64 | DType::I32) {
        return Err(not_implemented("repeat_interleave_cpu", repeats.dtype()));
    }
    let counts = repeats.to_dtype(DType::I64)?.to_vec::<i64>()?;
    if counts.iter().any(|&n| n < 0) {
        return Err(Error::runtime("repeats can not be negative"));
    }
    Ok(counts)
}

/// The index that repeats: number `i` as often as the `i`-th count says.
fn repeated(counts: &[i64], output_size: Option<i64>) -> Result<Tensor> {
    let total = counts.iter().try_fold(0usize, |sum, &n| sum.checked_add(n as usize));
    let total = total.ok_or_else(|| Error::memory("Storage size calculation overflowed"))?;
    if output_size.is_some_and(|size| size != total as i64) {
        return Err(Error::runtime("allocated size does not match required size"));
    }
    crate::Shape::from([total]).checked_numel()?;
    let index: Vec<i64> =
        counts.iter().enumerate().flat_map(|(i, &n)| std::iter::repeat_n(i as i64, n as usize)).collect();
    Tensor::from_slice(&index, [total])
}

impl Tensor {
    /// For counts in a vector: each index as often as its count says, in order.
    ///
    /// # Errors
    /// If this is no vector of int32 or int64, a count is negative, or the sum is not `output_size`.
    pub fn repeat_interleave_index(&self, output_size: Option<i64>) -> Result<Tensor> {
        if self.ndim() != 1 {
            return Err(Error::runtime("repeat_interleave only accept 1D vector as repeat"));
        }
        repeated(&counts(self)?, output_size)?.to_dtype(self.dtype())
    }

    /// Each index of a dimension (or each element, without one) several times in a row: as often as
    /// a number says, or a tensor for each.
    ///
    /// # Errors
    /// If the dimension does not exist, there is not one count for each index, one is negative, or
    /// the sum is not `output_size`.
    pub fn repeat_interleave(
        &self,
        repeats: impl Into<Operand>,
        dim: Option<isize>,
        output_size: Option<i64>,
    ) -> Result<Tensor> {
        let input = if dim.is_some() { self.clone() } else { self.flatten(0, -1)? };
        let axis = input.dim(dim.unwrap_or(0))?;
        let input = if input.ndim() == 0 { input.reshape(&[1])? } else { input };
        let size = input.shape()[axis];
        let along = axis as isize;
        match repeats.into() {
            Operand::Scalar(times) => {
                let times = times.to_i64();
                if times < 0 {
                    return Err(Error::runtime("Repeats must be non-negative"));
                }
                if output_size.is_some_and(|wanted| (size as i64).checked_mul(times) != Some(wanted)) {
                    return Err(Error::runtime(format!(
                        "repeat_interleave: Invalid output_size, expected {} but got {}",
                        (size as i64).saturating_mul(times),
                        output_size.unwrap_or(0)
                    )));
                }
                let mut sizes: Vec<isize> = input.shape().iter().map(|&n| n as isize).collect();
                let mut merged = sizes.clone();
                merged[axis] = (size as isize)
                    .checked_mul(times as isize)
                    .ok_or_else(|| Error::memory("Storage size calculation overflowed"))?;
                sizes.insert(axis + 1, times as isize);
                input.unsqueeze(along + 1)?.expand(&sizes)?.clone_in(MemoryFormat::Contiguous)?.reshape(&merged)
            }
            Operand::Tensor(repeats) => {
                let given = counts(&repeats)?;
                let given = match (repeats.ndim(), given.as_slice()) {
                    (0 | 1, &[one]) => vec![one; size],
                    (1, _) if given.len() == size => given,
                    (1, _) => {
                        return Err(Error::runtime(format!(
                            "repeats must have the same size as input along dim, but got repeats.size(0) = {} and input.size({axis}) = {size}",
                            given.len()
                        )));
                    }
                    _ => return Err(Error::runtime("repeats must be 0-dim or 1-dim tensor")),
                };
                input.index_select(along, &repeated(&given, output_size)?)
            }
        }
    }

    /// The plane of two dimensions turned by `k` quarters, from the first towards the second.
    ///
    /// # Errors
    /// If there are not two different dimensions that exist.
    pub fn rot90(&self, k: i64, dims: &[isize]) -> Result<Tensor> {
        let ndim = self.ndim();
        let &[from, to] = dims else {
            return Err(Error::runtime(format!("expected total rotation dims == 2, but got dims = {}", dims.len())));
        };
        if ndim < 2 {
            return Err(Error::runtime(format!("expected total dims >= 2, but got total dims = {ndim}")));
        }
        if from == to || from.abs_diff(to) == ndim {
            return Err(Error::runtime(format!(
                "expected rotation dims to be different, but got dim0 = {from} and dim1 = {to}"
            )));
        }
        for dim in [from, to] {
            self.dim(dim)?;
        }
        match k.rem_euclid(4) {
            1 => self.flip(&[to])?.transpose(from, to)?.clone_in(MemoryFormat::Contiguous),
            2 => self.flip(&[from, to]),
            3 => self.flip(&[from])?.transpose(from, to)?.clone_in(MemoryFormat::Contiguous),
            _ => self.clone_in(MemoryFormat::Contiguous),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::autograd::{gradcheck, gradgradcheck};

    #[test]
    fn repeats_by_a_number_and_by_counts() {
        let x = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0], [2, 2]).unwrap();
        let twice = x.repeat_interleave(2i64, None, None).unwrap();
        assert_eq!(twice.to_vec::<f64>().unwrap(), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
        let counts = Tensor::from_slice(&[2i64, 1], [2]).unwrap();
        let rows = x.repeat_interleave(&counts, Some(0), Some(3)).unwrap();
        assert_eq!(rows.to_vec::<f64>().unwrap(), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(counts.repeat_interleave_index(None).unwrap().to_vec::<i64>().unwrap(), [0, 0, 1]);
        assert!(x.repeat_interleave(&counts, Some(0), Some(4)).is_err());
        assert!(x.repeat_interleave(-1i64, Some(0), None).is_err());
        let inputs = [x.requires_grad_(true).unwrap()];
        gradcheck(|x| x[0].repeat_interleave(3i64, Some(1), None), &inputs).unwrap();
        gradgradcheck(|x| x[0].square()?.repeat_interleave(&counts, Some(-1), None), &inputs).unwrap();
    }

    #[test]
    fn four_quarter_turns_are_none() {
        let x = Tensor::from_slice(&[1i64, 2, 3, 4, 5, 6], [2, 3]).unwrap();
        assert_eq!(x.rot90(1, &[0, 1]).unwrap().to_vec::<i64>().unwrap(), [3, 6, 2, 5, 1, 4]);
        let mut turned = x.clone();
        for _ in 0..4 {
            turned = turned.rot90(-1, &[0, 1]).unwrap();
        }
        assert_eq!(turned.to_vec::<i64>().unwrap(), x.to_vec::<i64>().unwrap());
        assert!(x.rot90(1, &[0]).is_err() && x.rot90(1, &[0, -2]).is_err() && x.rot90(1, &[0, 5]).is_err());
    }
}
