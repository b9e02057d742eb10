//! The Python operators of the family `image`.

use super::Table;
use crate::args::Args;
use flambeau_tensor::ops::{GridMode, GridOptions, PadMode, Resize, ResizeTarget, Windows2d};
use flambeau_tensor::{Error, Result, Scalar, Tensor};

fn pad(a: &Args, mode: &str) -> Result<Tensor> {
    let (pad, value) = (a.dims(1), a.opt_float(3));
    if !pad.len().is_multiple_of(2) {
        return Err(Error::runtime("Padding length must be divisible by 2"));
    }
    let n = a.tensor(0).ndim();
    if pad.len() > 2 * n {
        return Err(Error::runtime(format!(
            "Padding length should be less than or equal to two times the input dimension but got padding length {} and input of dimension {n}",
            pad.len()
        )));
    }
    if mode == "constant" {
        return a.tensor(0).constant_pad_nd(&pad, Scalar::Float(value.unwrap_or(0.0)));
    }
    let Some(mode) = [PadMode::Reflect, PadMode::Replicate, PadMode::Circular].into_iter().find(|m| m.name() == mode)
    else {
        return Err(Error::not_implemented(format!("Unrecognised padding mode {mode}")));
    };
    if value.is_some_and(|value| value != 0.0) {
        return Err(Error::runtime(format!("Padding mode \"{}\" doesn't take in value argument", mode.name())));
    }
    a.tensor(0).pad(&pad, mode)
}

fn windows(a: &Args, first: usize) -> Windows2d {
    Windows2d {
        kernel_size: a.dims(first),
        dilation: a.dims(first + 1),
        padding: a.dims(first + 2),
        stride: a.dims(first + 3),
    }
}

/// A target given as either sizes or factors.
fn either(a: &Args, size: usize, factors: usize) -> Result<ResizeTarget> {
    match (a.opt_dims(size), a.opt_floats(factors)) {
        (Some(sizes), None) => Ok(ResizeTarget::Size(sizes, Vec::new())),
        (None, Some(factors)) => Ok(ResizeTarget::Scale(factors.to_vec())),
        _ => Err(Error::runtime("Must specify exactly one of output_size and scale_factors")),
    }
}

/// A target given as sizes, and factors from a position on.
fn sizes(a: &Args, factors: usize, spatial: usize) -> Result<ResizeTarget> {
    let sizes = a.dims(1);
    if sizes.len() != spatial {
        return Err(Error::runtime(format!(
            "It is expected output_size equals to {spatial}, but got size {}",
            sizes.len()
        )));
    }
    if a.tensor(0).ndim() != spatial + 2 {
        return Err(Error::runtime(format!(
            "It is expected input_size equals to {}, but got size {}",
            spatial + 2,
            a.tensor(0).ndim()
        )));
    }
    Ok(ResizeTarget::Size(sizes, (factors..factors + spatial).map(|i| a.opt_float(i)).collect()))
}

/// An operator that keeps the nearest pixels, by sizes or factors and by sizes with factors.
macro_rules! nearest {
    ($table:ident, $how:ident, $spatial:literal, $name:literal, $factors:literal) => {
        $table.nn(concat!($name, "(Tensor input, int[]? output_size, float[]? scale_factors)"), |a| {
            a.tensor(0).resize(Resize::$how, &either(a, 1, 2)?, false)
        });
        $table.nn(
            concat!($name, "(Tensor input, int[", $spatial, "] output_size, ", $factors, ", *, Tensor out=None)"),
            |a| a.tensor(0).resize(Resize::$how, &sizes(a, 2, $spatial)?, false),
        );
    };
}

/// The same with a choice of whether corners are aligned.
macro_rules! aligned {
    ($table:ident, $how:ident, $spatial:literal, $name:literal, $factors:literal) => {
        $table.nn(
            concat!($name, "(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors)"),
            |a| a.tensor(0).resize(Resize::$how, &either(a, 1, 3)?, a.bool(2)),
        );
        $table.nn(
            concat!(
                $name,
                "(Tensor input, int[",
                $spatial,
                "] output_size, bool align_corners, ",
                $factors,
                ", *, Tensor out=None)"
            ),
            |a| a.tensor(0).resize(Resize::$how, &sizes(a, 3, $spatial)?, a.bool(2)),
        );
    };
}

fn resizing(table: &mut Table<'_>) {
    nearest!(table, Nearest, 1, "upsample_nearest1d", "float? scales=None");
    nearest!(table, Nearest, 2, "upsample_nearest2d", "float? scales_h=None, float? scales_w=None");
    nearest!(
        table,
        Nearest,
        3,
        "upsample_nearest3d",
        "float? scales_d=None, float? scales_h=None, float? scales_w=None"
    );
    nearest!(table, NearestExact, 1, "_upsample_nearest_exact1d", "float? scales=None");
    nearest!(table, NearestExact, 2, "_upsample_nearest_exact2d", "float? scales_h=None, float? scales_w=None");
    nearest!(
        table,
        NearestExact,
        3,
        "_upsample_nearest_exact3d",
        "float? scales_d=None, float? scales_h=None, float? scales_w=None"
    );
    aligned!(table, Linear, 1, "upsample_linear1d", "float? scales=None");
    aligned!(table, Linear, 2, "upsample_bilinear2d", "float? scales_h=None, float? scales_w=None");
    aligned!(
        table,
        Linear,
        3,
        "upsample_trilinear3d",
        "float? scales_d=None, float? scales_h=None, float? scales_w=None"
    );
    aligned!(table, Cubic, 2, "upsample_bicubic2d", "float? scales_h=None, float? scales_w=None");
    aligned!(table, LinearAntialias, 2, "_upsample_bilinear2d_aa", "float? scales_h=None, float? scales_w=None");
    aligned!(table, CubicAntialias, 2, "_upsample_bicubic2d_aa", "float? scales_h=None, float? scales_w=None");
    aligned!(table, LanczosAntialias, 2, "_upsample_lanczos2d_aa", "float? scales_h=None, float? scales_w=None");
}

fn grid_options(a: &Args) -> Result<GridOptions> {
    let mode = match a.int(2) {
        0 => GridMode::Bilinear,
        1 => GridMode::Nearest,
        2 => GridMode::Bicubic,
        other => return Err(Error::runtime(format!("grid_sampler(): unknown interpolation mode {other}"))),
    };
    let padding = match a.int(3) {
        0 => PadMode::Zeros,
        1 => PadMode::Replicate,
        2 => PadMode::Reflect,
        other => return Err(Error::runtime(format!("grid_sampler(): unknown padding mode {other}"))),
    };
    Ok(GridOptions { mode, padding, align_corners: a.bool(4) })
}

/// Adds the family's operators.
pub(super) fn register(table: &mut Table<'_>) {
    table.function("constant_pad_nd(Tensor input, int[] pad, Scalar value=0)", |a| {
        a.tensor(0).constant_pad_nd(&a.dims(1), a.scalar(2))
    });
    table.nn("pad(Tensor input, int[] pad, str mode=\"constant\", float? value=None)", |a| pad(a, a.str(2)));
    table.nn("_pad_enum(Tensor input, int[] pad, int mode, float? value=None)", |a| match a.int(2) {
        0 => pad(a, "reflect"),
        1 => pad(a, "replicate"),
        2 => pad(a, "circular"),
        3 => pad(a, "constant"),
        _ => Err(Error::runtime("Unrecognised padding mode")),
    });
    table.nn("_pad_circular(Tensor input, int[] pad)", |a| a.tensor(0).pad(&a.dims(1), PadMode::Circular));
    table.nn("reflection_pad1d(Tensor input, int[2] padding, *, Tensor out=None)", |a| {
        a.tensor(0).border_pad(&a.dims(1), PadMode::Reflect, 1)
    });
    table.nn("reflection_pad2d(Tensor input, int[4] padding, *, Tensor out=None)", |a| {
        a.tensor(0).border_pad(&a.dims(1), PadMode::Reflect, 2)
    });
    table.nn("reflection_pad3d(Tensor input, int[6] padding, *, Tensor out=None)", |a| {
        a.tensor(0).border_pad(&a.dims(1), PadMode::Reflect, 3)
    });
    table.nn("replication_pad1d(Tensor input, int[2] padding, *, Tensor out=None)", |a| {
        a.tensor(0).border_pad(&a.dims(1), PadMode::Replicate, 1)
    });
    table.nn("replication_pad2d(Tensor input, int[4] padding, *, Tensor out=None)", |a| {
        a.tensor(0).border_pad(&a.dims(1), PadMode::Replicate, 2)
    });
    table.nn("replication_pad3d(Tensor input, int[6] padding, *, Tensor out=None)", |a| {
        a.tensor(0).border_pad(&a.dims(1), PadMode::Replicate, 3)
    });
    table.nn(
        "im2col(Tensor input, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride, *, Tensor out=None)",
        |a| a.tensor(0).im2col(&windows(a, 1)),
    );
    table.nn(
        "col2im(Tensor input, int[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride, *, Tensor out=None)",
        |a| a.tensor(0).col2im(&a.dims(1), &windows(a, 2)),
    );
    table.function("pixel_shuffle(Tensor input, int upscale_factor)", |a| a.tensor(0).pixel_shuffle(a.dim(1)));
    table.function("pixel_unshuffle(Tensor input, int downscale_factor)", |a| a.tensor(0).pixel_unshuffle(a.dim(1)));
    table.function("channel_shuffle(Tensor input, int groups)", |a| a.tensor(0).channel_shuffle(a.dim(1)));
    table.function("native_channel_shuffle(Tensor input, int groups)", |a| a.tensor(0).channel_shuffle(a.dim(1)));
    table.nn("one_hot(Tensor input, int num_classes=-1)", |a| a.tensor(0).one_hot(a.int(1)));
    resizing(table);
    table.function(
        "grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)",
        |a| a.tensor(0).grid_sampler(a.tensor(1), grid_options(a)?),
    );
    table.function(
        "grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)",
        |a| a.tensor(0).grid_sampler_of(a.tensor(1), grid_options(a)?, 2),
    );
    table.function(
        "grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)",
        |a| a.tensor(0).grid_sampler_of(a.tensor(1), grid_options(a)?, 3),
    );
    table.function("affine_grid_generator(Tensor theta, int[] size, bool align_corners)", |a| {
        a.tensor(0).affine_grid_generator(&a.dims(1), a.bool(2))
    });
}
