//! Rows of a table, reduced in groups.

use crate::autograd::no_grad;
use crate::ops::{EmbeddingOptions, ScatterReduce};
use crate::{DType, Error, Result, Tensor};

/// What the rows of a group are reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BagMode {
    /// Their sum.
    #[default]
    Sum,
    /// Their mean.
    Mean,
    /// The largest of each column.
    Max,
}

impl BagMode {
    /// The number that PyTorch's native function takes.
    ///
    /// # Errors
    /// If there is no such mode.
    pub fn from_number(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::Sum),
            1 => Ok(Self::Mean),
            2 => Ok(Self::Max),
            _ => Err(Error::runtime(format!("Unknown embedding_bag mode {number}"))),
        }
    }
}

/// The options of [`Tensor::embedding_bag`].
#[derive(Clone, Debug, Default)]
pub struct EmbeddingBagOptions {
    /// What the rows of a group are reduced to.
    pub mode: BagMode,
    /// Divide each row's gradient by how often it was used.
    pub scale_grad_by_freq: bool,
    /// A factor for each index, for sums.
    pub weights: Option<Tensor>,
    /// Whether the last offset is where the last group ends, not where it begins.
    pub include_last_offset: bool,
    /// The row that is left out.
    pub padding_idx: Option<i64>,
}

/// What [`Tensor::embedding_bag`] gives besides the groups.
#[derive(Clone, Debug)]
pub struct Bags {
    /// `(groups, dim)`
    pub output: Tensor,
    /// The group of each index.
    pub group_of_index: Tensor,
    /// How many rows each group has.
    pub sizes: Tensor,
}

fn check_dtype(name: &str, position: usize, tensor: &Tensor, allowed: &str, fits: bool) -> Result<()> {
    if fits {
        return Ok(());
    }
    Err(Error::runtime(format!(
        "Expected tensor for argument #{position} '{name}' to have one of the following scalar types: {allowed}; but got torch.{}Tensor instead (while checking arguments for embedding_bag)",
        tensor.dtype().scalar_type_name()
    )))
}

fn groups(offsets: &[i64], indices: usize, include_last: bool) -> Result<(Vec<i64>, usize)> {
    if include_last && offsets.is_empty() {
        return Err(Error::runtime("include_last_offset: number of offset should be at least 1"));
    }
    if offsets.first().is_some_and(|&first| first != 0) {
        return Err(Error::runtime(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0.",
        ));
    }
    if let Some(&last) = offsets.last().filter(|&&last| last > indices as i64) {
        return Err(Error::runtime(format!(
            "offsets[-1] can not be greater than input's length {indices} but got offsets[-1] of {last}"
        )));
    }
    let count = offsets.len() - usize::from(include_last);
    let mut group_of = vec![0i64; indices];
    for group in 0..count {
        let begin = offsets[group];
        let end = offsets.get(group + 1).copied().unwrap_or(indices as i64);
        if begin < 0 || end < begin {
            return Err(Error::runtime("offsets must not decrease"));
        }
        group_of[begin as usize..end as usize].fill(group as i64);
    }
    Ok((group_of, count))
}

impl Tensor {
    /// The rows of this table `(rows, dim)` that `indices` name, reduced in groups that begin at
    /// `offsets`.
    ///
    /// # Errors
    /// PyTorch's, for shapes, dtypes and offsets that do not fit, and an index out of range.
    pub fn embedding_bag(&self, indices: &Tensor, offsets: &Tensor, options: &EmbeddingBagOptions) -> Result<Bags> {
        let is_index = |t: &Tensor| matches!(t.dtype(), DType::I64 | DType::I32);
        check_dtype("weight", 1, self, "Half, BFloat16, Float, Double", self.dtype().is_floating_point())?;
        check_dtype("indices", 1, indices, "Long, Int", is_index(indices))?;
        check_dtype("offsets", 1, offsets, "Long, Int", is_index(offsets))?;
        if self.ndim() != 2 || indices.ndim() != 1 || offsets.ndim() != 1 {
            return Err(Error::runtime(format!(
                "embedding_bag: expected a 2-D table and 1-D indices and offsets, but got {}, {} and {} dimensions",
                self.ndim(),
                indices.ndim(),
                offsets.ndim()
            )));
        }
        let starts = no_grad(|| offsets.to_dtype(DType::I64)?.to_vec::<i64>())?;
        let (group_of, count) = groups(&starts, indices.numel(), options.include_last_offset)?;
        let rows = self.size(0)? as i64;
        let padding_idx = options.padding_idx.filter(|&row| row >= 0);
        if padding_idx.is_some_and(|row| row >= rows) {
            return Err(Error::runtime("padding_idx must be within the number of embeddings"));
        }
        let index = no_grad(|| indices.to_dtype(DType::I64))?;
        // What is padding belongs to no group.
        let (index, group_of, kept) = match padding_idx {
            None => (index, group_of, None),
            Some(padding) => {
                let named = index.to_vec::<i64>()?;
                let kept: Vec<i64> = (0..named.len()).filter(|&i| named[i] != padding).map(|i| i as i64).collect();
                let groups = kept.iter().map(|&i| group_of[i as usize]).collect();
                let kept = Tensor::from_slice(&kept, [kept.len()])?;
                (index.index_select(0, &kept)?, groups, Some(kept))
            }
        };
        let group_of = Tensor::from_slice(&group_of, [group_of.len()])?;
        let gradient = EmbeddingOptions { padding_idx: None, scale_grad_by_freq: options.scale_grad_by_freq };
        let mut values = self.embedding(&index, gradient)?;
        if let Some(weights) = &options.weights {
            if options.mode != BagMode::Sum {
                return Err(Error::runtime("embedding_bag: per_sample_weights only supported with mode='sum'"));
            }
            if weights.shape() != indices.shape() {
                return Err(Error::runtime("expected per_sample_weights to have the same shape as indices"));
            }
            let weights = match &kept {
                Some(kept) => weights.index_select(0, kept)?,
                None => weights.clone(),
            };
            values = values.mul(&weights.unsqueeze(1)?)?;
        }
        let width = self.size(1)?;
        let zeros = Tensor::zeros([count, width], self.dtype())?;
        let sizes = no_grad(|| {
            let ones = Tensor::ones([group_of.numel()], DType::I64)?;
            Tensor::zeros([count], DType::I64)?.scatter_add(0, &group_of, &ones)
        })?;
        let output = if group_of.numel() == 0 {
            zeros.index_add(0, &group_of, &values, 1)?
        } else {
            match options.mode {
                BagMode::Sum => zeros.index_add(0, &group_of, &values, 1)?,
                BagMode::Mean => {
                    let divisors = no_grad(|| sizes.clamp_min(1)?.to_dtype(self.dtype())?.unsqueeze(1))?;
                    zeros.index_add(0, &group_of, &values, 1)?.div(&divisors)?
                }
                BagMode::Max => {
                    let places = group_of.unsqueeze(1)?.expand(&[-1, width as isize])?;
                    zeros.scatter_reduce(0, &places, &values, ScatterReduce::Amax, false)?
                }
            }
        };
        Ok(Bags { output, group_of_index: group_of, sizes })
    }

    /// Scales the rows of this table that `indices` name down to a p-norm of at most `max_norm`, in place.
    ///
    /// # Errors
    /// If an index is out of range, and for every write in place.
    pub fn embedding_renorm_(&self, indices: &Tensor, max_norm: f64, p: f64) -> Result<Tensor> {
        no_grad(|| {
            let mut rows = indices.to_dtype(DType::I64)?.reshape(&[-1])?.to_vec::<i64>()?;
            rows.sort_unstable();
            rows.dedup();
            if rows.is_empty() {
                return Ok(self.clone());
            }
            let index = Tensor::from_slice(&rows, [rows.len()])?;
            let chosen = self.embedding(&index, EmbeddingOptions::default())?;
            let norms = chosen.vector_norm(p, &[1], true, None)?;
            let factors = norms.add(1e-7)?.reciprocal()?.mul(max_norm)?;
            let factors = crate::ops::where_(&norms.gt(max_norm)?, &factors, 1.0)?.to_dtype(self.dtype())?;
            self.index_copy_(0, &index, &chosen.mul(&factors)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autograd::gradcheck;

    #[test]
    fn groups_of_rows() {
        let table = Tensor::from_slice(&[1.0, 2.0, 3.0, 5.0, -1.0, 4.0], [3, 2]).unwrap();
        let indices = Tensor::from_slice(&[0i64, 1, 2, 2], [4]).unwrap();
        let offsets = Tensor::from_slice(&[0i64, 3, 4], [3]).unwrap();
        let bag = |mode, padding_idx| {
            let options = EmbeddingBagOptions { mode, padding_idx, ..Default::default() };
            table.embedding_bag(&indices, &offsets, &options).unwrap().output.to_vec::<f64>().unwrap()
        };
        assert_eq!(bag(BagMode::Sum, None), [3.0, 11.0, -1.0, 4.0, 0.0, 0.0]);
        assert_eq!(bag(BagMode::Max, None), [3.0, 5.0, -1.0, 4.0, 0.0, 0.0]);
        assert_eq!(bag(BagMode::Mean, Some(2)), [2.0, 3.5, 0.0, 0.0, 0.0, 0.0]);
        let inputs = [table.requires_grad_(true).unwrap()];
        for mode in [BagMode::Sum, BagMode::Mean, BagMode::Max] {
            let options = EmbeddingBagOptions { mode, ..Default::default() };
            gradcheck(|x| Ok(x[0].embedding_bag(&indices, &offsets, &options)?.output), &inputs).unwrap();
        }
        let late = Tensor::from_slice(&[1i64, 2], [2]).unwrap();
        assert!(table.embedding_bag(&indices, &late, &EmbeddingBagOptions::default()).is_err());
    }

    #[test]
    fn long_rows_are_shortened() {
        let table = Tensor::from_slice(&[3.0, 4.0, 0.3, 0.4], [2, 2]).unwrap();
        table.embedding_renorm_(&Tensor::from_slice(&[0i64, 0, 1], [3]).unwrap(), 1.0, 2.0).unwrap();
        let values = table.to_vec::<f64>().unwrap();
        assert!((values[0] - 0.6).abs() < 1e-6 && values[2] == 0.3);
    }
}
