//! Sliding windows as columns, and back: what PyTorch calls im2col and col2im.
//!
//! The elements of a window are rows and columns of the image that are picked independently, so
//! that a sparse matrix for each axis gathers all windows (and its transpose adds them up again).
//! What remains is a permutation.

use crate::autograd::no_grad;
use crate::ops::linear_map::{Direction, LinearMap};
use crate::ops::resample::{affordable, mapped, padded_maps};
use crate::{DType, Error, MemoryFormat, Result, Shape, Tensor};
use flambeau_kernels::resample::AxisMap;
use std::sync::OnceLock;

/// The windows that slide over an image. Each list has two numbers, for height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows2d {
    /// Size of a window.
    pub kernel_size: Vec<isize>,
    /// Distance between two elements of a window.
    pub dilation: Vec<isize>,
    /// Zeros around the image.
    pub padding: Vec<isize>,
    /// Steps between windows.
    pub stride: Vec<isize>,
}

impl Default for Windows2d {
    fn default() -> Self {
        Windows2d { kernel_size: vec![1, 1], dilation: vec![1, 1], padding: vec![0, 0], stride: vec![1, 1] }
    }
}

fn two(list: &[isize], name: &str) -> Result<[isize; 2]> {
    <[isize; 2]>::try_from(list)
        .map_err(|_| Error::runtime(format!("It is expected {name} equals to 2, but got size {}", list.len())))
}

/// `(4, 5)`
fn pair([a, b]: [isize; 2]) -> String {
    format!("({a}, {b})")
}

/// Windows whose numbers are what they must be.
#[derive(Clone, Copy)]
struct Checked {
    kernel: [isize; 2],
    dilation: [isize; 2],
    padding: [isize; 2],
    stride: [isize; 2],
}

impl Checked {
    fn new(windows: &Windows2d) -> Result<Self> {
        let kernel = two(&windows.kernel_size, "kernel_size")?;
        let dilation = two(&windows.dilation, "dilation")?;
        let padding = two(&windows.padding, "padding")?;
        let stride = two(&windows.stride, "stride")?;
        for (what, label, [h, w]) in
            [("kernel size", "kernel", kernel), ("dilation", "dilation", dilation), ("stride", "stride", stride)]
        {
            if h <= 0 || w <= 0 {
                return Err(Error::runtime(format!(
                    "{what} should be greater than zero, but got {label}_height: {h} {label}_width: {w}"
                )));
            }
        }
        let [h, w] = padding;
        if h < 0 || w < 0 {
            return Err(Error::runtime(format!(
                "padding should be non-negative, but got pad_height: {h} pad_width: {w}"
            )));
        }
        Ok(Checked { kernel, dilation, padding, stride })
    }

    /// How many windows there are along each axis of an image; not positive if it is too small.
    fn blocks(&self, image: [isize; 2]) -> [i128; 2] {
        std::array::from_fn(|i| {
            let reach = self.dilation[i] as i128 * (self.kernel[i] as i128 - 1) + 1;
            (image[i] as i128 + 2 * self.padding[i] as i128 - reach).div_euclid(self.stride[i] as i128) + 1
        })
    }

    /// For each element of a window, and for each window, the position in the image.
    fn map(&self, axis: usize, size: usize, blocks: usize) -> AxisMap {
        let (dilation, padding, stride) =
            (self.dilation[axis] as i128, self.padding[axis] as i128, self.stride[axis] as i128);
        let source = move |k: usize, o: usize| {
            let at = o as i128 * stride + k as i128 * dilation - padding;
            if (0..size as i128).contains(&at) { vec![(at as usize, 1.0)] } else { Vec::new() }
        };
        AxisMap::new(size, (0..self.kernel[axis] as usize).flat_map(|k| (0..blocks).map(move |o| source(k, o))))
    }

    /// `kernel_size=(2, 2), dilation=(1, 1), padding=(0, 0)`
    fn described(&self) -> String {
        format!("kernel_size={}, dilation={}, padding={}", pair(self.kernel), pair(self.dilation), pair(self.padding))
    }
}

/// The map from images `(N, C, H, W)` to columns `(N, C kh kw, L)`.
struct Columns {
    windows: Checked,
    image: Shape,
    blocks: [usize; 2],
    maps: OnceLock<[[AxisMap; 3]; 2]>,
}

impl Columns {
    fn new(windows: Checked, image: Shape, blocks: [i128; 2]) -> Result<Self> {
        let overflow = || Error::memory("Storage size calculation overflowed");
        let block = |i: usize| usize::try_from(blocks[i]).map_err(|_| overflow());
        Ok(Columns { windows, image, blocks: [block(0)?, block(1)?], maps: OnceLock::new() })
    }

    fn kernel(&self) -> [usize; 2] {
        self.windows.kernel.map(|k| k as usize)
    }

    /// `(N, C, kh, kw, oh, ow)`
    fn parts(&self) -> Vec<usize> {
        let ([kh, kw], [oh, ow]) = (self.kernel(), self.blocks);
        vec![self.image[0], self.image[1], kh, kw, oh, ow]
    }

    fn columns(&self) -> Result<Shape> {
        let parts = self.parts();
        let product = |range: std::ops::Range<usize>| {
            parts[range].iter().try_fold(1usize, |n, &size| n.checked_mul(size)).ok_or_else(|| {
                Error::memory(format!("Storage size calculation overflowed with sizes={}", Shape::new(&parts)))
            })
        };
        let shape = Shape::from([parts[0], product(1..4)?, product(4..6)?]);
        shape.checked_numel()?;
        Ok(shape)
    }

    fn maps(&self) -> &[[AxisMap; 3]; 2] {
        self.maps.get_or_init(|| {
            let map = |axis: usize| self.windows.map(axis, self.image[2 + axis], self.blocks[axis]);
            let maps = padded_maps(vec![map(0), map(1)]);
            let adjoint = maps.each_ref().map(AxisMap::transposed);
            [maps, adjoint]
        })
    }

    fn apply(&self, operand: &Tensor, direction: Direction) -> Result<Tensor> {
        let columns = self.columns()?;
        let parts = self.parts();
        let (rows, width) = (parts[2].saturating_mul(parts[4]), parts[3].saturating_mul(parts[5]));
        let gathered = Shape::from([parts[0], parts[1], rows, width]);
        let dense = MemoryFormat::Contiguous;
        if columns.numel() == 0 || self.image.numel() == 0 {
            let to = if direction == Direction::Forward { columns } else { self.image.clone() };
            return Tensor::zeros(to, operand.dtype());
        }
        affordable(&columns, operand.dtype(), &[rows, width], 1)?;
        let [maps, adjoint] = self.maps();
        no_grad(|| match direction {
            Direction::Forward => mapped(operand, &gathered, dense, maps, 2)?
                .reshape_to(&[parts[0], parts[1], parts[2], parts[4], parts[3], parts[5]])?
                .permute(&[0, 1, 2, 4, 3, 5])?
                .reshape_to(&columns)
                .map(|columns| columns.detach()),
            Direction::Adjoint => {
                let apart = operand.reshape_to(&parts)?.permute(&[0, 1, 2, 4, 3, 5])?.reshape_to(&gathered)?;
                mapped(&apart, &self.image, dense, adjoint, 2)
            }
        })
    }

    /// The map and its adjoint, the one that begins first.
    fn linear_map(self, name: &'static str, first: Direction) -> LinearMap {
        LinearMap::new(name, move |operand, direction| {
            let same = direction == Direction::Forward;
            self.apply(
                operand,
                if same == (first == Direction::Forward) { Direction::Forward } else { Direction::Adjoint },
            )
        })
    }
}

/// Computes in floats what PyTorch also has for truth values.
fn of_floats(input: &Tensor, kernel: &str, compute: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    match input.dtype() {
        DType::Bool => compute(&input.to_dtype(DType::F32)?)?.to_dtype(DType::Bool),
        dtype if dtype.is_floating_point() => compute(input),
        dtype => {
            Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{}'", dtype.scalar_type_name())))
        }
    }
}

fn signed(sizes: &[usize]) -> [isize; 2] {
    [sizes[0] as isize, sizes[1] as isize]
}

impl Tensor {
    /// The sliding windows of images `(N, C, H, W)` or `(C, H, W)` as columns `(N, C kh kw, L)`, in
    /// which `L` counts the windows row by row. `torch.nn.functional.unfold`.
    ///
    /// # Errors
    /// PyTorch's, if the windows do not fit the image, and for dtypes that are neither floats nor
    /// truth values.
    pub fn im2col(&self, windows: &Windows2d) -> Result<Tensor> {
        let checked = Checked::new(windows)?;
        let shape = self.shape();
        if shape.len() < 3 {
            return Err(Error::dimension(shape.len() as isize, shape.len()));
        }
        let batched = shape.len() == 4;
        if shape.len() > 4 || shape[usize::from(batched)..].contains(&0) {
            return Err(Error::shape(format!(
                "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {shape}"
            )));
        }
        let size = signed(&shape[shape.len() - 2..]);
        let blocks = checked.blocks(size);
        if blocks.iter().any(|&n| n < 1) {
            return Err(Error::shape(format!(
                "Given input with spatial size {}, {}, calculated shape of the array of sliding blocks as ({}, {}), but its components must be at least one.",
                pair(size),
                checked.described(),
                blocks[0],
                blocks[1]
            )));
        }
        let images = if batched { self.clone() } else { self.unsqueeze(0)? };
        let columns = of_floats(&images, "im2col_out_cpu", |images| {
            let map = Columns::new(checked, images.shape(), blocks)?;
            map.linear_map("Im2ColBackward0", Direction::Forward).apply(images)
        })?;
        if batched { Ok(columns) } else { columns.squeeze_dim(0) }
    }

    /// Adds columns `(N, C kh kw, L)` or `(C kh kw, L)` of sliding windows up to images `(N, C, H, W)`:
    /// the adjoint of [`Tensor::im2col`]. `torch.nn.functional.fold`.
    ///
    /// # Errors
    /// PyTorch's, if the columns are not as many as windows fit the image, and for dtypes that are
    /// neither floats nor truth values.
    pub fn col2im(&self, output_size: &[isize], windows: &Windows2d) -> Result<Tensor> {
        let output = two(output_size, "output_size")?;
        let checked = Checked::new(windows)?;
        let shape = self.shape();
        let batched = shape.len() == 3;
        if !(batched || shape.len() == 2) || shape[usize::from(batched)..].contains(&0) {
            return Err(Error::shape(format!(
                "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: {shape}"
            )));
        }
        let first = shape.len() - 2;
        let (rows, count) = (shape[first], shape[first + 1]);
        let area = checked.kernel[0] as u128 * checked.kernel[1] as u128;
        if !(rows as u128).is_multiple_of(area) {
            return Err(Error::shape(format!(
                "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={rows} and kernel_size={}.",
                pair(checked.kernel)
            )));
        }
        let blocks = checked.blocks(output);
        let product = blocks[0].saturating_mul(blocks[1]);
        if product != count as i128 || blocks.iter().any(|&n| n < 1) {
            return Err(Error::shape(format!(
                "Given output_size={}, {}, stride={}, expected size of input's dimension 2 to match the calculated number of sliding blocks {} * {} = {product}, but got input.size(2)={count}.",
                pair(output),
                checked.described(),
                pair(checked.stride),
                blocks[0],
                blocks[1]
            )));
        }
        if output.iter().any(|&size| size < 1) {
            return Err(Error::shape(format!(
                "Expected output spatial size to be positive, but got: output_size={}.",
                pair(output)
            )));
        }
        let columns = if batched { self.clone() } else { self.unsqueeze(0)? };
        let images = of_floats(&columns, "col2im_out_cpu", |columns| {
            let image = Shape::from([
                columns.shape()[0],
                (rows as u128 / area) as usize,
                output[0] as usize,
                output[1] as usize,
            ]);
            image.checked_numel()?;
            let map = Columns::new(checked, image, blocks)?;
            map.linear_map("Col2ImBackward0", Direction::Adjoint).apply(columns)
        })?;
        if batched { Ok(images) } else { images.squeeze_dim(0) }
    }
}
