//! Layers one after the other.

use crate::{Forward, Layer, Module, Path, Visitor};
use flambeau_tensor::{Result, Tensor};

/// Layers that run one after the other, named by their position.
///
/// ```
/// use flambeau::prelude::*;
///
/// let net = Sequential::new().push(Linear::new(4, 8)?).push(Relu::new()).push(Linear::new(8, 2)?);
/// assert_eq!(net.forward(&Tensor::randn([3, 4], DType::F32)?)?.shape(), [3, 2]);
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
/// # Ok::<(), flambeau::Error>(())
/// ```
#[derive(Default)]
pub struct Sequential(Vec<Box<dyn Layer>>);

impl Sequential {
    /// No layers: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// With another layer at the end.
    #[must_use]
    pub fn push(mut self, layer: impl Layer + 'static) -> Self {
        self.0.push(Box::new(layer));
        self
    }

    /// The layers.
    pub fn layers(&self) -> &[Box<dyn Layer>] {
        &self.0
    }
}

impl Module for Sequential {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        self.0.visit(path, visitor);
    }
}

impl Forward for Sequential {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut output = input.clone();
        for layer in &self.0 {
            output = layer.forward(&output)?;
        }
        Ok(output)
    }
}
