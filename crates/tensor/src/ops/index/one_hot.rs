//! Classes as rows with a single one.

use crate::{DType, Error, Result, Tensor};

impl Tensor {
    /// For each class number a row of `num_classes` zeros with a one in its place; with -1, as many
    /// as the largest class needs.
    ///
    /// # Errors
    /// If the numbers are not int64, one is negative or too large, or there are none to tell how many
    /// classes there are.
    pub fn one_hot(&self, num_classes: i64) -> Result<Tensor> {
        if self.dtype() != DType::I64 {
            return Err(Error::runtime("one_hot is only applicable to index tensor of type LongTensor."));
        }
        let mut shape = self.shape().to_vec();
        if self.numel() == 0 {
            let classes = usize::try_from(num_classes).ok().filter(|&n| n > 0);
            let infer = || Error::runtime("Can not infer total number of classes from empty tensor.");
            shape.push(classes.ok_or_else(infer)?);
            return Tensor::zeros(shape, DType::I64);
        }
        if self.min()?.item()?.to_i64() < 0 {
            return Err(Error::runtime("Class values must be non-negative."));
        }
        let largest = self.max()?.item()?.to_i64();
        if num_classes != -1 && largest >= num_classes {
            return Err(Error::runtime("Class values must be smaller than num_classes."));
        }
        let classes = if num_classes == -1 { largest.saturating_add(1) } else { num_classes };
        shape.push(classes as usize);
        let zeros = Tensor::zeros(shape, DType::I64)?;
        zeros.scatter(-1, &self.unsqueeze(-1)?, 1i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_become_rows() {
        let classes = Tensor::from_slice(&[1i64, 0, 2], [3]).unwrap();
        assert_eq!(classes.one_hot(-1).unwrap().to_vec::<i64>().unwrap(), [0, 1, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!(classes.one_hot(5).unwrap().shape(), [3, 5]);
        let message = |result: Result<Tensor>| result.unwrap_err().message().to_owned();
        assert_eq!(message(classes.one_hot(2)), "Class values must be smaller than num_classes.");
        assert_eq!(message(classes.neg().unwrap().one_hot(2)), "Class values must be non-negative.");
        let none = Tensor::zeros([0], DType::I64).unwrap();
        assert_eq!(message(none.one_hot(-1)), "Can not infer total number of classes from empty tensor.");
        assert_eq!(none.one_hot(3).unwrap().shape(), [0, 3]);
        assert!(Tensor::full([1], i64::MAX, DType::I64).unwrap().one_hot(-1).is_err());
    }
}
