//! Transforms as functions.

use flambeau_tensor::ops::{self, ResizeTarget, cat, where_};
use flambeau_tensor::{DType, Error, Result, Tensor};

/// How pixels between pixels are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// Straight lines between neighbours; where the image shrinks, all pixels count.
    #[default]
    Bilinear,
    /// Cubic polynomials; where the image shrinks, all pixels count.
    Bicubic,
}

/// Channels, height, width.
///
/// # Errors
/// If there are fewer than three dimensions.
pub fn get_dimensions(image: &Tensor) -> Result<[usize; 3]> {
    let shape = image.shape();
    match shape[..] {
        [.., channels, height, width] => Ok([channels, height, width]),
        _ => Err(Error::type_("Tensor is not a torch image.")),
    }
}

fn check_colors(image: &Tensor) -> Result<()> {
    match get_dimensions(image)?[0] {
        3 => Ok(()),
        channels => {
            Err(Error::type_(format!("Input image tensor permitted channel values are [3], but found {channels}")))
        }
    }
}

/// An image of another size `(height, width)`.
///
/// # Errors
/// If the tensor is no image, or a size is 0.
pub fn resize(image: &Tensor, size: [usize; 2], interpolation: Interpolation) -> Result<Tensor> {
    let [_, height, width] = get_dimensions(image)?;
    if size == [height, width] {
        return Ok(image.clone());
    }
    let how = match interpolation {
        Interpolation::Nearest => ops::Resize::Nearest,
        Interpolation::Bilinear => ops::Resize::LinearAntialias,
        Interpolation::Bicubic => ops::Resize::CubicAntialias,
    };
    let target = ResizeTarget::Size(size.iter().map(|&n| n as isize).collect(), vec![None, None]);
    let exact = if image.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let shape = image.shape();
    let batch = image.reshape(&[-1, shape[shape.len() - 3] as isize, height as isize, width as isize])?;
    let mut resized = batch.to_dtype(exact)?.resize(how, &target, false)?;
    if image.dtype() == DType::U8 && interpolation == Interpolation::Bicubic {
        resized = resized.clamp_min(0)?.clamp_max(255)?;
    }
    if !image.dtype().is_floating_point() {
        resized = resized.round()?;
    }
    let mut sizes: Vec<isize> = shape[..shape.len() - 2].iter().map(|&n| n as isize).collect();
    sizes.extend(size.map(|n| n as isize));
    resized.to_dtype(image.dtype())?.reshape(&sizes)
}

/// The size of an image whose shorter side becomes `shorter`, its proportions kept.
pub fn resized_to_shorter_side([height, width]: [usize; 2], shorter: usize) -> [usize; 2] {
    let (short, long) = (height.min(width), height.max(width));
    let long = (shorter as u128 * long as u128 / (short.max(1) as u128)) as usize;
    if width <= height { [long, shorter] } else { [shorter, long] }
}

/// A part of an image, with zeros where it reaches beyond it.
///
/// # Errors
/// If the tensor is no image.
pub fn crop(image: &Tensor, [top, left]: [isize; 2], [height, width]: [usize; 2]) -> Result<Tensor> {
    let [_, h, w] = get_dimensions(image)?;
    let cut = |size: usize, from: isize, length: usize| {
        let inside = |position: isize| position.clamp(0, size as isize);
        let (first, end) = (inside(from), inside(from.saturating_add(length as isize)));
        // What lies before the image, and after it.
        let before = (first - from).min(length as isize).max(0);
        (first, (end - first) as usize, before, length as isize - before - (end - first))
    };
    let (y, rows, above, below) = cut(h, top, height);
    let (x, columns, before, after) = cut(w, left, width);
    let inside = image.narrow(-2, y, rows)?.narrow(-1, x, columns)?;
    if [above, below, before, after] == [0; 4] {
        return Ok(inside);
    }
    inside.constant_pad_nd(&[before, after, above, below], 0)
}

/// The middle of an image, with zeros around it if it is smaller.
///
/// # Errors
/// If the tensor is no image.
pub fn center_crop(image: &Tensor, [height, width]: [usize; 2]) -> Result<Tensor> {
    let [_, h, w] = get_dimensions(image)?;
    let padded = [h.max(height), w.max(width)];
    // Python rounds halves to the even neighbour.
    let middle = |size: usize, part: usize| ((size - part) as f64 / 2.0).round_ties_even() as isize;
    let lead = |size: usize, part: usize| (part.saturating_sub(size) / 2) as isize;
    let top = middle(padded[0], height) - lead(h, height);
    let left = middle(padded[1], width) - lead(w, width);
    crop(image, [top, left], [height, width])
}

/// Numbers from 0 to 1 in float32, of bytes or of floating-point numbers.
///
/// # Errors
/// If the tensor holds something else.
pub fn to_float(image: &Tensor) -> Result<Tensor> {
    match image.dtype() {
        DType::U8 => image.to_dtype(DType::F32)?.div(255.0),
        dtype if dtype.is_floating_point() => image.to_dtype(DType::F32),
        dtype => Err(Error::type_(format!("an image holds bytes or floating-point numbers, but got {}", dtype.name()))),
    }
}

/// `(image - mean) / std`, with a mean and a deviation for each channel.
///
/// # Errors
/// If the image holds no floating-point numbers, a deviation is 0, or their number is not that of the channels.
pub fn normalize(image: &Tensor, mean: &[f64], std: &[f64]) -> Result<Tensor> {
    if !image.dtype().is_floating_point() {
        let dtype = image.dtype().name();
        return Err(Error::type_(format!("Input tensor should be a float tensor. Got torch.{dtype}.")));
    }
    get_dimensions(image)?;
    if std.contains(&0.0) {
        return Err(Error::value("std evaluated to zero, leading to division by zero."));
    }
    let column = |values: &[f64]| Tensor::from_slice(values, [values.len(), 1, 1])?.to_dtype(image.dtype());
    image.sub(&column(mean)?)?.div(&column(std)?)
}

/// Left and right exchanged.
///
/// # Errors
/// If the tensor is no image.
pub fn hflip(image: &Tensor) -> Result<Tensor> {
    get_dimensions(image)?;
    image.flip(&[-1])
}

/// Top and bottom exchanged.
///
/// # Errors
/// If the tensor is no image.
pub fn vflip(image: &Tensor) -> Result<Tensor> {
    get_dimensions(image)?;
    image.flip(&[-2])
}

/// The luminance, in one channel.
///
/// # Errors
/// If the image has not three channels.
pub fn rgb_to_grayscale(image: &Tensor) -> Result<Tensor> {
    check_colors(image)?;
    let colors = image.unbind(-3)?;
    let gray = colors[0].mul(0.2989)?.add(&colors[1].mul(0.587)?)?.add(&colors[2].mul(0.114)?)?;
    gray.to_dtype(image.dtype())?.unsqueeze(-3)
}

/// `ratio` of an image and `1 - ratio` of another.
fn blend(image: &Tensor, other: &Tensor, ratio: f64) -> Result<Tensor> {
    if ratio < 0.0 {
        return Err(Error::value(format!("a factor ({ratio}) is not non-negative.")));
    }
    let white = if image.dtype() == DType::U8 { 255.0 } else { 1.0 };
    let mixed = image.mul(ratio)?.add(&other.mul(1.0 - ratio)?)?;
    mixed.clamp_min(0.0)?.clamp_max(white)?.to_dtype(image.dtype())
}

/// 0 gives black, 1 the image, 2 twice its brightness.
///
/// # Errors
/// If the factor is negative.
pub fn adjust_brightness(image: &Tensor, factor: f64) -> Result<Tensor> {
    blend(image, &image.zeros_like(image.dtype())?, factor)
}

/// 0 gives grey, 1 the image, 2 twice its contrast.
///
/// # Errors
/// If the factor is negative, or the image has not three channels.
pub fn adjust_contrast(image: &Tensor, factor: f64) -> Result<Tensor> {
    let exact = if image.dtype() == DType::U8 { DType::F32 } else { image.dtype() };
    let mean = rgb_to_grayscale(image)?.to_dtype(exact)?.mean_dims(&[-3, -2, -1], true, None)?;
    blend(image, &mean, factor)
}

/// 0 gives a grey image, 1 the image, 2 twice its saturation.
///
/// # Errors
/// If the factor is negative, or the image has not three channels.
pub fn adjust_saturation(image: &Tensor, factor: f64) -> Result<Tensor> {
    blend(image, &rgb_to_grayscale(image)?, factor)
}

/// Turns all hues, by half of the circle at most.
///
/// # Errors
/// If the factor is not between -0.5 and 0.5, or the image has not three channels.
pub fn adjust_hue(image: &Tensor, factor: f64) -> Result<Tensor> {
    if !(-0.5..=0.5).contains(&factor) {
        return Err(Error::value(format!("hue_factor ({factor}) is not in [-0.5, 0.5].")));
    }
    check_colors(image)?;
    let [hue, saturation, value] = rgb_to_hsv(&to_float(image)?)?;
    let turned = hsv_to_rgb(&hue.add(factor)?.remainder(1.0)?, &saturation, &value)?;
    if image.dtype() == DType::U8 {
        // As torchvision scales numbers from 0 to 1 to bytes.
        turned.mul(255.0 + 1.0 - 1e-3)?.to_dtype(DType::U8)
    } else {
        turned.to_dtype(image.dtype())
    }
}

fn rgb_to_hsv(image: &Tensor) -> Result<[Tensor; 3]> {
    let colors = image.unbind(-3)?;
    let (r, g, b) = (&colors[0], &colors[1], &colors[2]);
    let (high, low) = (image.amax(&[-3], false)?, image.amin(&[-3], false)?);
    let gray = high.eq(&low)?;
    let chroma = where_(&gray, 1.0, &high.sub(&low)?)?;
    let distance = |color: &Tensor| high.sub(color)?.div(&chroma);
    let (rc, gc, bc) = (distance(r)?, distance(g)?, distance(b)?);
    let is_red = high.eq(r)?;
    let is_green = high.eq(g)?.logical_and(&is_red.logical_not()?)?;
    let in_blue = gc.add(4.0)?.sub(&rc)?;
    let sector = where_(&is_green, &rc.add(2.0)?.sub(&bc)?, &in_blue)?;
    let sector = where_(&is_red, &bc.sub(&gc)?, &sector)?;
    let hue = sector.div(6.0)?.add(1.0)?.fmod(1.0)?;
    let saturation = high.sub(&low)?.div(&where_(&gray, 1.0, &high)?)?;
    Ok([hue, saturation, high])
}

fn hsv_to_rgb(hue: &Tensor, saturation: &Tensor, value: &Tensor) -> Result<Tensor> {
    let sector = hue.mul(6.0)?.floor()?;
    let f = hue.mul(6.0)?.sub(&sector)?;
    let limited = |weight: &Tensor| value.mul(&weight.neg()?.add(1.0)?)?.clamp_min(0.0)?.clamp_max(1.0);
    let p = limited(saturation)?;
    let q = limited(&saturation.mul(&f)?)?;
    let t = limited(&saturation.mul(&f.neg()?.add(1.0)?)?)?;
    let v = value.clone();
    let index = sector.to_dtype(DType::I64)?.remainder(6)?.unsqueeze(-3)?;
    // Red, green and blue in each of the six sectors.
    let channels = [[&v, &q, &p, &p, &t, &v], [&t, &v, &v, &q, &p, &p], [&p, &p, &t, &v, &v, &q]];
    let chosen: Vec<Tensor> =
        channels.iter().map(|sectors| ops::stack(sectors, -3)?.gather(-3, &index)).collect::<Result<_>>()?;
    cat(&chosen.iter().collect::<Vec<_>>(), -3)
}

/// A rectangle of an image filled with other numbers, which may be broadcast; the image itself stays as it is.
///
/// # Errors
/// If the rectangle reaches beyond the image, or the numbers do not fit it.
pub fn erase(image: &Tensor, [top, left]: [usize; 2], [height, width]: [usize; 2], value: &Tensor) -> Result<Tensor> {
    let erased = image.copy()?;
    erased.narrow(-2, top as isize, height)?.narrow(-1, left as isize, width)?.copy_(value)?;
    Ok(erased)
}
