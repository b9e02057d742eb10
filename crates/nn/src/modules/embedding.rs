//! The table of learned vectors.

use crate::{Forward, Module, Parameter, init};
use flambeau_tensor::ops::EmbeddingOptions;
use flambeau_tensor::{Result, Tensor, get_default_dtype};

/// A learned vector for each of `num_embeddings` numbers: `(…)` of integers to `(…, embedding_dim)`.
#[derive(Debug, Module)]
pub struct Embedding {
    weight: Parameter,
}

impl Embedding {
    /// A table of normally distributed vectors.
    ///
    /// # Errors
    /// If the table is larger than memory.
    pub fn new(num_embeddings: usize, embedding_dim: usize) -> Result<Self> {
        let weight = Tensor::empty([num_embeddings, embedding_dim], get_default_dtype())?;
        init::normal_(&weight, 0.0, 1.0)?;
        Ok(Self { weight: Parameter::new(&weight)? })
    }

    /// The table `(num_embeddings, embedding_dim)`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }
}

impl Forward for Embedding {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        self.weight.embedding(input, EmbeddingOptions::default())
    }
}
