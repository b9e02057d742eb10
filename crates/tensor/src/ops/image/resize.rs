//! Resizing images: the operators under `torch.nn.functional.interpolate`.

use super::axis::{Axis, Resize};
use super::bytes;
use crate::ops::resample::{output_format, padded_maps, resample_to};
use crate::{DType, Error, MemoryFormat, Result, Shape, Tensor};

/// How large the result is.
#[derive(Clone, Debug, PartialEq)]
pub enum ResizeTarget {
    /// A size for each spatial dimension, and the factors it came from where they are known (they,
    /// not the sizes, then say which pixel is where).
    Size(Vec<isize>, Vec<Option<f64>>),
    /// A factor for each spatial dimension; sizes are rounded down.
    Scale(Vec<f64>),
}

/// Sizes and factors, as many as there are spatial dimensions.
type Target = (Vec<isize>, Vec<Option<f64>>);

/// PyTorch's words when the target has another number of dimensions than the input.
fn mismatch(list: &str) -> Error {
    Error::runtime(format!(
        "Expected static_cast<int64_t>({list}->size()) == spatial_dimensions to be true, but got false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)"
    ))
}

fn resolve(target: &ResizeTarget, spatial: &[usize]) -> Result<Target> {
    match target {
        ResizeTarget::Size(sizes, scales) => {
            if sizes.len() != spatial.len() {
                return Err(mismatch("output_size"));
            }
            let scale = |i: usize| scales.get(i).copied().flatten();
            Ok((sizes.clone(), (0..sizes.len()).map(scale).collect()))
        }
        ResizeTarget::Scale(scales) => {
            if scales.len() != spatial.len() {
                return Err(mismatch("scale_factors"));
            }
            let size = |(&n, &scale): (&usize, &f64)| {
                let size = (n as f64 * scale).trunc();
                if size.is_finite() && size.abs() < i64::MAX as f64 {
                    Ok(size as isize)
                } else {
                    Err(Error::runtime("value cannot be converted to type int64_t without overflow"))
                }
            };
            let sizes = spatial.iter().zip(scales).map(size).collect::<Result<_>>()?;
            Ok((sizes, scales.iter().copied().map(Some).collect()))
        }
    }
}

/// `H: 4, W: 5`
fn labelled(sizes: impl ExactSizeIterator<Item = impl std::fmt::Display>) -> String {
    let labels = &["D", "H", "W"][3 - sizes.len()..];
    labels.iter().zip(sizes).map(|(label, size)| format!("{label}: {size}")).collect::<Vec<_>>().join(", ")
}

fn check_sizes(shape: &Shape, sizes: &[isize]) -> Result<()> {
    let n = sizes.len();
    let spatial = &shape[2..];
    if spatial.contains(&0) || sizes.iter().any(|&size| size <= 0) {
        let (input, output) = (labelled(spatial.iter()), labelled(sizes.iter()));
        let and = if n == 1 { "and output" } else { "output" };
        return Err(Error::shape(format!(
            "Input and output sizes should be greater than 0, but got input ({input}) {and} ({output})"
        )));
    }
    if shape[1] == 0 {
        return Err(Error::shape(format!(
            "Non-empty {}D data tensor expected but got a tensor with sizes {shape}",
            n + 2
        )));
    }
    Ok(())
}

impl Resize {
    /// The node in the graph, over so many dimensions.
    fn node(self, spatial: usize) -> &'static str {
        match (self, spatial) {
            (Resize::Nearest, 1) => "UpsampleNearest1DBackward0",
            (Resize::Nearest, 2) => "UpsampleNearest2DBackward0",
            (Resize::Nearest, _) => "UpsampleNearest3DBackward0",
            (Resize::NearestExact, 1) => "UpsampleNearestExact1DBackward0",
            (Resize::NearestExact, 2) => "UpsampleNearestExact2DBackward0",
            (Resize::NearestExact, _) => "UpsampleNearestExact3DBackward0",
            (Resize::Linear, 1) => "UpsampleLinear1DBackward0",
            (Resize::Linear, 2) => "UpsampleBilinear2DBackward0",
            (Resize::Linear, _) => "UpsampleTrilinear3DBackward0",
            (Resize::Cubic, _) => "UpsampleBicubic2DBackward0",
            (Resize::LinearAntialias, _) => "UpsampleBilinear2DAaBackward0",
            (Resize::CubicAntialias, _) => "UpsampleBicubic2DAaBackward0",
            (Resize::LanczosAntialias, _) => "UpsampleLanczos2DAaBackward0",
        }
    }

    fn antialiased(self) -> bool {
        matches!(self, Resize::LinearAntialias | Resize::CubicAntialias | Resize::LanczosAntialias)
    }

    /// Whether there is such an operator for a dtype over so many dimensions.
    fn takes(self, dtype: DType, spatial: usize) -> bool {
        match dtype {
            DType::F32 | DType::F64 => true,
            DType::F16 | DType::BF16 => !self.antialiased(),
            DType::U8 => !(self == Resize::Linear && spatial != 2),
            _ => false,
        }
    }

    /// The name under which PyTorch says that there is none.
    fn kernel(self, spatial: usize, direct: bool) -> &'static str {
        match self {
            Resize::Nearest | Resize::NearestExact if direct && spatial == 2 => "upsample_nearest2d_channels_last",
            Resize::Nearest | Resize::NearestExact if direct => "upsample_nearest3d_channels_last",
            Resize::Nearest | Resize::NearestExact => "compute_indices_weights_nearest",
            Resize::Linear if direct && spatial == 2 => "upsample_bilinear2d_channels_last",
            Resize::Linear if direct => "upsample_trilinear3d_channels_last",
            Resize::Linear => "compute_indices_weights_linear",
            Resize::Cubic => "compute_indices_weights_cubic",
            _ => "compute_index_ranges_weights",
        }
    }
}

/// Whether PyTorch takes its kernel for channels-last and small images.
fn direct(input: &Tensor, sizes: &[isize]) -> bool {
    let many = input.shape()[1] > 3;
    match sizes {
        [height, width] => {
            (many && input.is_contiguous_in(MemoryFormat::ChannelsLast)) || height.saturating_add(*width) <= 128
        }
        [_, _, _] => many && input.is_contiguous_in(MemoryFormat::ChannelsLast3d),
        _ => false,
    }
}

impl Tensor {
    /// Resizes the spatial dimensions of `(N, C, L)`, `(N, C, H, W)` or `(N, C, D, H, W)`. With
    /// `align_corners` the centres of the outermost pixels keep their places, without it their outer
    /// edges do; the nearest pixel knows no such choice.
    ///
    /// # Errors
    /// PyTorch's, for sizes that are not positive or not as many as there are spatial dimensions, and
    /// for dtypes that the way of resizing does not take.
    pub fn resize(&self, how: Resize, target: &ResizeTarget, align_corners: bool) -> Result<Tensor> {
        let shape = self.shape();
        let spatial = shape.len().saturating_sub(2);
        let (sizes, scales) = resolve(target, &shape[shape.len() - spatial..])?;
        let images = matches!(how, Resize::Cubic) || how.antialiased();
        if !(1..=3).contains(&spatial) || (images && spatial != 2) {
            return Err(Error::not_implemented(format!(
                "resizing by {how:?} needs {} spatial dimensions, but the input has shape {shape}",
                if images { "two" } else { "one to three" }
            )));
        }
        check_sizes(&shape, &sizes)?;
        let (dtype, direct) = (self.dtype(), direct(self, &sizes));
        if !how.takes(dtype, spatial) {
            let kernel = how.kernel(spatial, direct);
            let dtype = dtype.scalar_type_name();
            return Err(Error::not_implemented(format!("\"{kernel}\" not implemented for '{dtype}'")));
        }
        let nearest = matches!(how, Resize::Nearest | Resize::NearestExact);
        let align_corners = align_corners && !nearest;
        let axes: Vec<Axis> = (0..spatial)
            .map(|i| Axis {
                input: shape[2 + i],
                output: sizes[i] as usize,
                scale: scales[i],
                align_corners,
                double: dtype == DType::F64 && !(direct && nearest),
                direct,
            })
            .collect();
        let format = output_format(&self.layout(), spatial);
        if dtype == DType::U8 {
            return bytes::resized(self, how, &axes, format);
        }
        let sizes: Vec<usize> = axes.iter().map(|axis| axis.output).collect();
        let taps = axes.iter().map(|axis| axis.taps(how)).max().unwrap_or(1);
        resample_to(how.node(spatial), self, format, &sizes, taps, || {
            padded_maps(axes.iter().map(|axis| axis.map(how)).collect())
        })
    }
}
