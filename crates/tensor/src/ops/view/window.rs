//! Views that may show an element more than once.

use crate::autograd::scatter_view;
use crate::{Error, Layout, Result, Tensor};

impl Tensor {
    /// The storage through any layout.
    ///
    /// # Errors
    /// If the layout reaches beyond the storage.
    pub fn as_strided(&self, layout: Layout) -> Result<Tensor> {
        let (base, view) = (self.layout(), layout.clone());
        self.recorded_view("AsStridedBackward0", layout, move |grad| scatter_view(grad, &base, &view))
    }

    /// All windows of `size` indices of a dimension, `step` apart. The place within the window is a
    /// new last dimension.
    ///
    /// # Errors
    /// If the dimension does not exist or is smaller than a window, or the step is 0.
    pub fn unfold(&self, dim: isize, size: usize, step: usize) -> Result<Tensor> {
        let base = self.layout();
        let dim = self.dim(dim)?;
        let max = base.shape().get(dim).copied().unwrap_or(1);
        if size > max {
            return Err(Error::runtime(format!(
                "maximum size for tensor at dimension {dim} is {max} but size is {size}"
            )));
        }
        if step == 0 {
            return Err(Error::runtime("step is 0 but must be > 0"));
        }
        let (mut shape, mut strides) = (base.shape().to_vec(), base.strides().to_vec());
        shape.push(size);
        strides.push(base.strides().get(dim).copied().unwrap_or(1));
        if dim < base.ndim() {
            shape[dim] = (max - size) / step + 1;
            strides[dim] *= step;
        }
        let view = Layout::strided(shape, &strides, base.offset());
        let shown = view.clone();
        self.recorded_view("UnfoldBackward0", view, move |grad| scatter_view(grad, &base, &shown))
    }
}
