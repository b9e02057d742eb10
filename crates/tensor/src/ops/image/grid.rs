//! Sampling images at the points of a flow field (Jaderberg et al. 2015), and the flow fields of
//! affine maps.
//!
//! Written in differentiable operators: for each axis, the taps of a point (which pixels, and how
//! much of each), then their combinations, and then a sum of pixels over those (`sample`), which is
//! all that is as large as the image. Gradients with respect to the image and the field, of all
//! orders, follow from that.

use super::mode::PadMode;
use super::sample::Places;
use crate::autograd::no_grad;
use crate::ops::linear_map::{Direction, LinearMap};
use crate::ops::{cat, stack, where_};
use crate::{DType, Error, Result, Shape, Tensor};

/// How a grid's points are turned into pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GridMode {
    /// Linear between the neighbours, along each axis.
    #[default]
    Bilinear,
    /// The nearest pixel.
    Nearest,
    /// Cubic over four neighbours, along each axis.
    Bicubic,
}

/// Options of [`Tensor::grid_sampler`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridOptions {
    /// What is found between pixels.
    pub mode: GridMode,
    /// What is found beyond the border: zeros, the outermost pixels, or the image mirrored.
    pub padding: PadMode,
    /// Whether -1 and 1 are the centres of the outermost pixels, not their outer edges.
    pub align_corners: bool,
}

/// A pixel for each point along an axis: its index (inside the image), its weight, and whether it
/// is in the image at all.
struct Tap {
    index: Tensor,
    weight: Option<Tensor>,
    inside: Option<Tensor>,
}

/// The weights of the four pixels around positions `t` between the second and the third: Keys'
/// cubic convolution with `a = -0.75`.
fn cubic_weights(t: &Tensor) -> Result<[Tensor; 4]> {
    const A: f64 = -0.75;
    let near = |x: &Tensor| x.mul(A + 2.0)?.sub(A + 3.0)?.mul(&x.mul(x)?)?.add(1.0);
    let far = |x: &Tensor| x.sub(5.0)?.mul(x)?.add(8.0)?.mul(x)?.sub(4.0)?.mul(A);
    let rest = t.rsub(1.0, 1.0)?;
    Ok([far(&t.add(1.0)?)?, near(t)?, near(&rest)?, far(&rest.add(1.0)?)?])
}

/// One axis of the image.
#[derive(Clone, Copy)]
struct Axis {
    size: f64,
    padding: PadMode,
    align_corners: bool,
}

impl Axis {
    /// From -1 … 1 to pixels.
    fn pixels(self, grid: &Tensor) -> Result<Tensor> {
        let grid = grid.add(1.0)?;
        if self.align_corners { grid.div(2.0)?.mul(self.size - 1.0) } else { grid.mul(self.size)?.sub(1.0)?.div(2.0) }
    }

    /// Brings positions beyond the border back, if the padding does. Positions on the border count
    /// as beyond it, so that no gradient leads out of the image.
    fn padded(self, at: &Tensor) -> Result<Tensor> {
        match self.padding {
            PadMode::Replicate => self.clipped(at),
            PadMode::Reflect => self.clipped(&self.reflected(at)?),
            PadMode::Zeros | PadMode::Circular => Ok(at.clone()),
        }
    }

    fn clipped(self, at: &Tensor) -> Result<Tensor> {
        let last = self.size - 1.0;
        let (low, high) = no_grad(|| Ok::<_, Error>((at.gt(0.0)?, at.lt(last)?)))?;
        // A position that is no number goes to 0.
        where_(&high, where_(&low, at, 0.0)?, no_grad(|| where_(&low, last, 0.0))?.to_dtype(at.dtype())?)
    }

    fn reflected(self, at: &Tensor) -> Result<Tensor> {
        let (low, span) = if self.align_corners { (0.0, self.size - 1.0) } else { (-0.5, self.size) };
        if span <= 0.0 {
            return at.mul(0.0);
        }
        let distance = at.sub(low)?.abs()?;
        let flips = no_grad(|| distance.div(span)?.floor())?;
        let extra = distance.fmod(span)?;
        let even = no_grad(|| flips.fmod(2.0)?.eq(0.0))?;
        where_(&even, extra.add(low)?, extra.neg()?.add(span + low)?)
    }

    /// A tap at whole positions.
    fn tap(self, at: &Tensor, weight: Option<Tensor>) -> Result<Tap> {
        no_grad(|| {
            let last = self.size - 1.0;
            let inside = at.ge(0.0)?.logical_and(&at.le(last)?)?;
            let index = where_(&inside, at, 0.0)?.to_dtype(DType::I64)?;
            let bounded = matches!(self.padding, PadMode::Replicate | PadMode::Reflect);
            Ok::<_, Error>((index, (!bounded).then_some(inside)))
        })
        .map(|(index, inside)| Tap { index, weight, inside })
    }

    /// The taps of points whose coordinates along this axis are `grid`.
    fn taps(self, grid: &Tensor, mode: GridMode) -> Result<Vec<Tap>> {
        let at = self.pixels(grid)?;
        match mode {
            GridMode::Nearest => {
                let nearest = no_grad(|| self.padded(&at)?.round())?;
                Ok(vec![self.tap(&nearest, None)?])
            }
            GridMode::Bilinear => {
                let at = self.padded(&at)?;
                let low = no_grad(|| at.floor())?;
                let part = at.sub(&low)?;
                let high = no_grad(|| low.add(1.0))?;
                // On the last pixel there is no next one, and none of it is wanted.
                let bounded = self.padding != PadMode::Zeros;
                let next = if bounded { no_grad(|| high.clamp_max(self.size - 1.0))? } else { high };
                Ok(vec![self.tap(&low, Some(part.rsub(1.0, 1.0)?))?, self.tap(&next, Some(part))?])
            }
            GridMode::Bicubic => {
                let low = no_grad(|| at.floor())?;
                let part = at.sub(&low)?;
                let weights = cubic_weights(&part)?;
                let tap = |(i, weight): (usize, Tensor)| {
                    let place = no_grad(|| self.padded(&low.add(i as f64 - 1.0)?))?;
                    self.tap(&place, Some(weight))
                };
                weights.into_iter().enumerate().map(tap).collect()
            }
        }
    }
}

fn product(
    a: Option<Tensor>,
    b: Option<&Tensor>,
    multiply: fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Option<Tensor>> {
    match (a, b) {
        (Some(a), Some(b)) => multiply(&a, b).map(Some),
        (a, b) => Ok(a.or_else(|| b.cloned())),
    }
}

/// All combinations of one tap of each axis.
struct Combinations<'a> {
    sizes: &'a [usize],
    taps: &'a [Vec<Tap>],
}

impl Combinations<'_> {
    /// Continues the taps chosen for the axes before `axis`.
    fn from(&self, axis: usize, chosen: Tap, all: &mut Vec<Tap>) -> Result<()> {
        let Some(taps) = self.taps.get(axis) else {
            all.push(chosen);
            return Ok(());
        };
        for tap in taps {
            let index = chosen.index.mul(self.sizes[axis] as i64)?.add(&tap.index)?;
            let weight = product(chosen.weight.clone(), tap.weight.as_ref(), |a, b| a.mul(b))?;
            let inside = product(chosen.inside.clone(), tap.inside.as_ref(), |a, b| a.logical_and(b))?;
            self.from(axis + 1, Tap { index, weight, inside }, all)?;
        }
        Ok(())
    }

    /// The pixels and weights of points, `(N, combinations, points)`.
    fn of(&self, points: [usize; 2], dtype: DType) -> Result<(Tensor, Tensor)> {
        let start = Tap { index: Tensor::zeros(points, DType::I64)?, weight: None, inside: None };
        let mut all = Vec::new();
        self.from(0, start, &mut all)?;
        let (mut places, mut weights) = (Vec::new(), Vec::new());
        for tap in all {
            let weight = tap.weight.map_or_else(|| Tensor::ones(points, dtype), Ok)?;
            match &tap.inside {
                Some(inside) => {
                    places.push(where_(inside, &tap.index, -1i64)?);
                    // What is not there counts nothing; PyTorch says so of pixels in two dimensions and of
                    // weights in three, which differs for positions that are no numbers.
                    weights.push(if self.taps.len() == 3 { where_(inside, &weight, 0.0)? } else { weight });
                }
                None => {
                    places.push(tap.index);
                    weights.push(weight);
                }
            }
        }
        Ok((stack(&places.iter().collect::<Vec<_>>(), 1)?, stack(&weights.iter().collect::<Vec<_>>(), 1)?))
    }
}

/// PyTorch's checks of an image and a grid.
fn check(input: &Tensor, grid: &Tensor) -> Result<()> {
    let (shape, points) = (input.shape(), grid.shape());
    let given = format!("input with sizes {shape} and grid with sizes {points}");
    if shape.is_empty() || points.is_empty() || shape[0] != points[0] {
        return Err(Error::shape(format!(
            "grid_sampler(): expected grid and input to have same batch size, but got {given}"
        )));
    }
    let n = shape.len().saturating_sub(2);
    if points[points.len() - 1] != n {
        return Err(Error::shape(format!(
            "grid_sampler(): expected grid to have size {n} in last dimension, but got grid with sizes {points}"
        )));
    }
    if let Some(dim) = (2..shape.len()).find(|&dim| shape[dim] == 0) {
        return Err(Error::shape(format!(
            "grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {shape} with dimension {dim} being empty"
        )));
    }
    check_rank(input, grid, if n == 2 { 2 } else { 3 })?;
    let kernel = if n == 2 { "grid_sampler_2d_cpu_kernel_impl" } else { "grid_sampler3d_cpu" };
    if !input.dtype().is_floating_point() {
        let dtype = input.dtype().scalar_type_name();
        return Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{dtype}'")));
    }
    if input.dtype() != grid.dtype() {
        let (a, b) = (input.dtype().scalar_type_name(), grid.dtype().scalar_type_name());
        return Err(Error::runtime(format!("expected scalar type {a} but found {b}")));
    }
    Ok(())
}

fn check_rank(input: &Tensor, grid: &Tensor, spatial: usize) -> Result<()> {
    let rank = spatial + 2;
    if input.ndim() == rank && grid.ndim() == rank {
        return Ok(());
    }
    Err(Error::shape(format!(
        "grid_sampler(): expected {rank}D input and grid with same number of dimensions, but got input with sizes {} and grid with sizes {}",
        input.shape(),
        grid.shape()
    )))
}

/// A zero that depends on a tensor whose numbers do not matter: its gradient is zero, not absent.
fn constant_of(tensor: &Tensor) -> Result<Tensor> {
    let shape = tensor.shape();
    LinearMap::new("GridSamplerBackward0", move |operand, direction| {
        let to = if direction == Direction::Forward { Shape::from([1]) } else { shape.clone() };
        Tensor::zeros(to, operand.dtype())
    })
    .apply(tensor)
}

impl Tensor {
    /// The pixels of `(N, C, H, W)` at the points of a grid `(N, h, w, 2)`, or of `(N, C, D, H, W)`
    /// at those of `(N, d, h, w, 3)`. A point is `(x, y)` or `(x, y, z)`, from -1 to 1 inside the
    /// image.
    ///
    /// # Errors
    /// PyTorch's, if the shapes or dtypes do not fit each other.
    pub fn grid_sampler(&self, grid: &Tensor, options: GridOptions) -> Result<Tensor> {
        check(self, grid)?;
        if options.padding == PadMode::Circular {
            return Err(Error::not_implemented("grid_sampler(): there is no circular padding"));
        }
        let (shape, points) = (self.shape(), grid.shape());
        let n = points.len() - 2;
        let to: Shape = shape[..2].iter().chain(&points[1..=n]).copied().collect();
        let count = points[1..=n].iter().product::<usize>();
        let pixels = shape[2..].iter().product::<usize>();
        if to.checked_numel()? == 0 {
            let constant = constant_of(grid)?.add(&constant_of(self)?)?;
            return constant.mul(&Tensor::zeros(&to, self.dtype())?);
        }
        let narrow = matches!(self.dtype(), DType::F16 | DType::BF16);
        let dtype = if narrow { DType::F32 } else { self.dtype() };
        let image = self.to_dtype(dtype)?.reshape_to(&[shape[0], shape[1], pixels])?;
        let flat = grid.to_dtype(dtype)?.reshape_to(&[points[0], count, n])?;
        let axis = |d: usize| {
            let axis =
                Axis { size: shape[2 + d] as f64, padding: options.padding, align_corners: options.align_corners };
            // The grid's first coordinate is the image's last axis.
            axis.taps(&flat.select(2, (n - 1 - d) as isize)?, options.mode)
        };
        let taps = (0..n).map(axis).collect::<Result<Vec<_>>>()?;
        let combinations = Combinations { sizes: &shape[2..], taps: &taps };
        let (places, weights) = combinations.of([points[0], count], dtype)?;
        let mut result = Places { places: places.detach(), pixels }.sum(&image, &weights)?;
        if options.mode == GridMode::Nearest && crate::autograd::is_grad_enabled() && grid.requires_grad() {
            result = result.add(&constant_of(&flat)?)?;
        }
        result.reshape_to(&to)?.to_dtype(self.dtype())
    }

    /// [`Tensor::grid_sampler`] of exactly two or three spatial dimensions.
    ///
    /// # Errors
    /// As [`Tensor::grid_sampler`].
    pub fn grid_sampler_of(&self, grid: &Tensor, options: GridOptions, spatial: usize) -> Result<Tensor> {
        let batch = self.ndim() > 0 && grid.ndim() > 0 && self.shape()[0] == grid.shape()[0];
        if batch && grid.size(-1)? == self.ndim().saturating_sub(2) {
            check_rank(self, grid, spatial)?;
        }
        self.grid_sampler(grid, options)
    }

    /// The flow fields of affine maps `(N, 2, 3)` for images of size `(N, C, H, W)`, or `(N, 3, 4)` for
    /// `(N, C, D, H, W)`: what [`Tensor::grid_sampler`] needs to transform images.
    ///
    /// # Errors
    /// If the size has another number of dimensions, or does not fit the maps.
    pub fn affine_grid_generator(&self, size: &[isize], align_corners: bool) -> Result<Tensor> {
        if !matches!(size.len(), 4 | 5) {
            return Err(Error::runtime("AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs."));
        }
        let n = size.len() - 2;
        let mut base: Vec<isize> = vec![size[0]];
        base.extend(&size[2..]);
        base.push(n as isize + 1);
        if let Some(negative) = base.iter().find(|&&s| s < 0) {
            return Err(Error::runtime(format!(
                "Trying to create tensor with negative dimension {negative}: {base:?}"
            )));
        }
        let base = Shape::new(&base.iter().map(|&s| s as usize).collect::<Vec<_>>());
        base.checked_numel()?;
        let points = no_grad(|| {
            let mut columns = Vec::with_capacity(n + 1);
            for d in 0..n {
                // x, the last axis, comes first.
                let axis = n - 1 - d;
                let steps = base[1 + axis];
                let mut line = coordinates(steps, align_corners, self.dtype())?;
                for _ in 0..n - 1 - axis {
                    line = line.unsqueeze(-1)?;
                }
                columns.push(line.expand_to(&base[..=n])?.unsqueeze(-1)?);
            }
            columns.push(Tensor::ones([1], self.dtype())?.expand_to(&base[..=n])?.unsqueeze(-1)?);
            cat(&columns.iter().collect::<Vec<_>>(), -1)
        })?;
        if self.ndim() < 3 {
            return Err(Error::dimension(2, self.ndim()));
        }
        let count = base[1..=n].iter().product::<usize>();
        let grid = points.reshape_to(&[base[0], count, n + 1])?.bmm(&self.transpose(1, 2)?)?;
        let mut to = base.to_vec();
        to[n + 1] = n;
        grid.reshape_to(&to)
    }
}

/// The coordinates of pixels' centres, from -1 to 1.
fn coordinates(steps: usize, align_corners: bool, dtype: DType) -> Result<Tensor> {
    if steps <= 1 {
        return Tensor::zeros([steps], dtype);
    }
    let span = if align_corners { 2.0 } else { 2.0 - 2.0 / steps as f64 };
    let step = span / (steps as f64 - 1.0);
    let line = Tensor::arange(0i64, steps as i64, 1i64, DType::F64)?.mul(step)?.sub(span / 2.0)?;
    line.to_dtype(dtype)
}
