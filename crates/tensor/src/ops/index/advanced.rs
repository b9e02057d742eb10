//! Indexing by tensors, as NumPy and PyTorch do it.
//!
//! Tensors that index neighbouring dimensions leave their common shape in the place of these; if
//! whole dimensions lie between them, their shape comes first.

use super::subscript::{Index, IntoIndices, is_mask, resolve};
use crate::autograd::{Context, Recorder, Saved};
use crate::backend::{IndexedDims, Scatter};
use crate::ops::elementwise::{broadcast_layout, output_layout};
use crate::ops::{Operand, broadcast_tensors};
use crate::{Array, DType, Error, Layout, Result, Shape, Tensor};

/// A tensor arranged so that its indexed dimensions are neighbours, and the indices for them.
struct Plan {
    /// The order of dimensions that brings them together.
    order: Vec<isize>,
    first: usize,
    /// Of one shape, int64 or int32.
    indices: Vec<Tensor>,
    /// The shape of the result.
    shape: Shape,
}

/// Tensors in the places of the dimensions that they index, masks replaced by what they stand for.
fn placed(tensor: &Tensor, indices: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
    let shape = tensor.shape();
    let mut out: Vec<Option<Tensor>> = Vec::with_capacity(indices.len());
    for index in indices {
        let Some(index) = index else {
            out.push(None);
            continue;
        };
        if !matches!(index.dtype(), DType::I64 | DType::I32 | DType::Bool | DType::U8) {
            return Err(Error::index("tensors used as indices must be long, int, byte or bool tensors"));
        }
        if !is_mask(index) {
            out.push(Some(index.clone()));
            continue;
        }
        let mask = index.shape();
        for (i, &size) in mask.iter().enumerate() {
            let at = out.len() + i;
            if shape.get(at) != Some(&size) {
                return Err(if at < shape.len() {
                    Error::index(format!(
                        "The shape of the mask {mask} at index {i} does not match the shape of the indexed tensor {shape} at index {at}"
                    ))
                } else {
                    too_many(&shape, out.len() + mask.len())
                });
            }
        }
        out.extend(index.nonzero()?.unbind(1)?.into_iter().map(Some));
    }
    if out.len() > shape.len() {
        return Err(too_many(&shape, out.len()));
    }
    Ok(out)
}

fn too_many(shape: &Shape, got: usize) -> Error {
    Error::index(format!("too many indices for tensor of dimension {} (got {got})", shape.len()))
}

fn plan(tensor: &Tensor, placed: &[Option<Tensor>]) -> Result<Plan> {
    let ndim = tensor.ndim();
    let dims: Vec<usize> = (0..placed.len()).filter(|&d| placed[d].is_some()).collect();
    let given: Vec<&Tensor> = placed.iter().flatten().collect();
    let indices = broadcast_tensors(&given).map_err(|_| {
        let shapes: Vec<String> = given.iter().map(|t| t.shape().to_string()).collect();
        Error::index(format!(
            "shape mismatch: indexing tensors could not be broadcast together with shapes {}",
            shapes.join(", ")
        ))
    })?;
    let adjacent = dims.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let (first, order) = if adjacent {
        (dims[0], (0..ndim as isize).collect())
    } else {
        let rest = (0..ndim).filter(|d| !dims.contains(d));
        (0, dims.iter().copied().chain(rest).map(|d| d as isize).collect::<Vec<isize>>())
    };
    let sizes = tensor.shape();
    let sizes: Vec<usize> = order.iter().map(|&d| sizes[d as usize]).collect();
    let common = indices[0].shape();
    let shape: Shape = [&sizes[..first], &common, &sizes[first + dims.len()..]].concat().into();
    if common.contains(&0) {
        return Ok(Plan { order, first, indices, shape });
    }
    if let Some(i) = (first..first + dims.len()).find(|&d| sizes[d] == 0) {
        return Err(Error::index(format!("index is out of bounds for dimension with size {}", sizes[i])));
    }
    Ok(Plan { order, first, indices, shape })
}

fn out_of_bounds(at: i64, number: usize, size: usize) -> Error {
    Error::index(format!("index {at} is out of bounds for dimension {number} with size {size}"))
}

impl Plan {
    fn arranged(&self, tensor: &Tensor) -> Result<Array> {
        Ok(tensor.detach().permute(&self.order)?.array())
    }

    fn index_arrays(&self) -> Vec<Array> {
        self.indices.iter().map(Tensor::array).collect()
    }

    /// The memory order of the result: that of the indexed tensor, where it says anything.
    fn result_layout(&self, arranged: &Array) -> Layout {
        let (before, taken) = (self.first, self.indices.len());
        let common = self.indices[0].ndim();
        let strides = arranged.strides();
        let source = [&strides[..before], &vec![0; common], &strides[before + taken..]].concat();
        let source = Layout::strided(self.shape.clone(), &source, 0);
        let behind = self.shape.len() - before - common;
        let indices: Vec<Layout> = self
            .indices
            .iter()
            .map(|t| {
                let strides = [&vec![0; before][..], &t.strides(), &vec![0; behind]].concat();
                Layout::strided(self.shape.clone(), &strides, 0)
            })
            .collect();
        let operands: Vec<&Layout> = std::iter::once(&source).chain(&indices).collect();
        output_layout(&self.shape, &operands)
    }
}

fn dims(first: usize, indices: &[Array]) -> IndexedDims<'_> {
    IndexedDims { first, indices, negative: true, error: &out_of_bounds }
}

impl Tensor {
    /// What the subscripts show: a view where they are integers, ranges, new dimensions and
    /// ellipses only, else a copy.
    ///
    /// ```ignore
    /// x.index(0)?; x.index((.., 1..3, Index::None))?; x.index((&mask, 2))?;
    /// ```
    ///
    /// # Errors
    /// PyTorch's: an index out of bounds, too many subscripts, a mask of another shape.
    pub fn index(&self, indices: impl IntoIndices) -> Result<Tensor> {
        let resolved = resolve(self, &indices.into_indices())?;
        if !resolved.is_view() {
            return resolved.view.index_tensors(&resolved.place_masks());
        }
        if resolved.view.same(self) { self.alias() } else { Ok(resolved.view) }
    }

    /// Indexing by a tensor for each dimension from the first on; `None` takes a dimension whole. A
    /// mask stands for as many dimensions as it has.
    ///
    /// # Errors
    /// As [`Tensor::index`].
    pub fn index_tensors(&self, indices: &[Option<Tensor>]) -> Result<Tensor> {
        let placed = placed(self, indices)?;
        if placed.iter().all(Option::is_none) {
            return self.alias();
        }
        let plan = plan(self, &placed)?;
        let arranged = plan.arranged(self)?;
        let out = Array::uninit(plan.result_layout(&arranged), self.dtype())?;
        self.backend().index(&arranged, &dims(plan.first, &plan.index_arrays()), &out)?;
        let out = Tensor::from_array(out);
        if let Some(mut r) = Recorder::new("IndexBackward0", &[self]) {
            let (shape, saved) = (self.shape(), save_all(&mut r, &placed));
            r.finish(&out, move |ctx, grad| {
                let zeros = Tensor::zeros(shape.clone(), grad.dtype())?;
                Ok(vec![Some(zeros.index_put(&unpack_all(ctx, &saved)?, grad, true)?)])
            });
        }
        Ok(out)
    }

    /// A copy in which the elements that [`Tensor::index_tensors`] would show are `values` (which
    /// are broadcast) or, with `accumulate`, have them added as often as they are named.
    ///
    /// # Errors
    /// As [`Tensor::index`], and if the values are of another dtype or do not broadcast.
    pub fn index_put(&self, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<Tensor> {
        let placed = placed(self, indices)?;
        let out = self.detach().copy()?;
        out.put_raw(&placed, values, accumulate)?;
        if let Some(mut r) = Recorder::new("IndexPutBackward0", &[self, values]) {
            let (shape, saved) = (values.shape(), save_all(&mut r, &placed));
            r.finish(&out, move |ctx, grad| {
                let indices = unpack_all(ctx, &saved)?;
                let own = ctx.needs(0).then(|| {
                    if accumulate {
                        Ok(grad.clone())
                    } else {
                        grad.index_put(&indices, &Tensor::zeros([], grad.dtype())?, false)
                    }
                });
                let values = ctx.needs(1).then(|| grad.index_tensors(&indices)?.sum_to_size(shape.clone()));
                Ok(vec![own.transpose()?, values.transpose()?])
            });
        }
        Ok(out)
    }

    /// [`Tensor::index_put`] into this tensor's own memory.
    ///
    /// # Errors
    /// As [`Tensor::index_put`] and for every write in place.
    pub fn index_put_(&self, indices: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<Tensor> {
        self.write_directly(
            "index_put_",
            &[values],
            |x| x.index_put(indices, values, accumulate),
            |x| x.put_raw(&placed(x, indices)?, values, accumulate),
        )
    }

    /// Writes values into this tensor, without a record and without a version bump.
    fn put_raw(&self, placed: &[Option<Tensor>], values: &Tensor, accumulate: bool) -> Result<()> {
        if values.dtype() != self.dtype() {
            return Err(Error::index_put_dtypes(self.dtype(), values.dtype()));
        }
        if placed.iter().all(Option::is_none) {
            return if accumulate {
                let sum = self.detach().add(values.detach())?;
                self.copy_raw(&sum)
            } else {
                self.copy_raw(&values.unaliased(self)?)
            };
        }
        let plan = plan(self, placed)?;
        let values = values.unaliased(self)?;
        if !broadcasts(&values.shape(), &plan.shape) {
            return Err(Error::shape(format!(
                "shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {}",
                values.shape(),
                plan.shape
            )));
        }
        let array = values.array();
        let array = array.with_layout(broadcast_layout(array.layout(), &plan.shape))?;
        let how = if accumulate { Scatter::Add } else { Scatter::Replace };
        self.backend().index_put(&plan.arranged(self)?, &dims(plan.first, &plan.index_arrays()), &array, how)
    }

    /// Python's `x[indices] = value`.
    ///
    /// # Errors
    /// As [`Tensor::index`], and if the value does not broadcast or is of a dtype that is not converted.
    pub fn set(&self, indices: impl IntoIndices, value: impl Into<Operand>) -> Result<()> {
        let indices = indices.into_indices();
        if matches!(indices[..], [Index::Bool(false)]) {
            return Ok(());
        }
        let resolved = resolve(self, &indices)?;
        let target = &resolved.view;
        match (value.into(), resolved.is_view()) {
            (Operand::Scalar(number), true) => target.fill_(number).map(drop),
            (Operand::Tensor(value), true) => {
                let value = without_leading_ones(&value, target.ndim())?;
                target.copy_(&value.expand_to(&target.shape())?).map(drop)
            }
            (Operand::Scalar(number), false) => {
                let tensors = resolved.place_masks();
                if let [Some(mask)] = &resolved.tensors[..]
                    && mask.dtype() == DType::Bool
                    && mask.shape() == target.shape()
                {
                    return target.masked_fill_(mask, number).map(drop);
                }
                let value = Tensor::full([], number, self.dtype())?;
                target.index_put_(&tensors, &value, false).map(drop)
            }
            (Operand::Tensor(value), false) => {
                let value = if value.ndim() == 0 && value.device() == self.device() && value.dtype() == self.dtype() {
                    value
                } else {
                    strip_ones(&value)?
                };
                target.index_put_(&resolved.place_masks(), &value, false).map(drop)
            }
        }
    }
}

/// The value without the dimensions of size 1 that it has in front beyond `ndim`.
fn without_leading_ones(value: &Tensor, ndim: usize) -> Result<Tensor> {
    if value.ndim() > ndim { strip_ones(value) } else { Ok(value.clone()) }
}

/// The value without any dimensions of size 1 in front.
fn strip_ones(value: &Tensor) -> Result<Tensor> {
    let mut value = value.clone();
    while value.shape().first() == Some(&1) {
        value = value.select(0, 0)?;
    }
    Ok(value)
}

/// Whether a shape broadcasts to another without changing that.
pub(super) fn broadcasts(shape: &[usize], to: &[usize]) -> bool {
    shape.len() <= to.len() && shape.iter().rev().zip(to.iter().rev()).all(|(&a, &b)| a == b || a == 1)
}

fn save_all(recorder: &mut Recorder, tensors: &[Option<Tensor>]) -> Vec<Option<Saved>> {
    tensors.iter().map(|t| t.as_ref().map(|t| recorder.save(t))).collect()
}

fn unpack_all(ctx: &Context<'_>, saved: &[Option<Saved>]) -> Result<Vec<Option<Tensor>>> {
    saved.iter().map(|s| s.map(|s| ctx.saved(s)).transpose()).collect()
}

impl Error {
    fn index_put_dtypes(destination: DType, source: DType) -> Self {
        Error::runtime(format!(
            "Index put requires the source and destination dtypes match, got {} for the destination and {} for the source.",
            destination.scalar_type_name(),
            source.scalar_type_name()
        ))
    }
}
