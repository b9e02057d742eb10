//! [`Window`] on the CPU.

use super::{Cpu, dense};
use crate::backend::{PlaneMove, Sampling, Window};
use crate::{Access, Array, DType, Error, Number, Result, dispatch};
use flambeau_kernels::pool::{self, Windows};
use flambeau_kernels::resample::{self, AxisMap};
use flambeau_kernels::sample::{self, Sizes};
use flambeau_kernels::window::Compute;

impl Window for Cpu {
    fn resample(&self, spatial: usize, maps: &[AxisMap; 3], input: &Array, output: &Array) -> Result<()> {
        let access = Access::new(&[input], &[output])?;
        let layout = dense::layout_of(output);
        let planes = dense::planes(input, spatial, layout);
        dispatch!(floats input.dtype(), T => {
            let values = dense::image::<T>(&access, input, layout);
            // SAFETY: outputs alias no input.
            resample::apply(planes, maps, &values, unsafe { access.slice_mut::<T>(output) });
        }, else unreachable!("operators pass floats"));
        Ok(())
    }

    fn integer_average(&self, spatial: usize, maps: &[AxisMap; 3], input: &Array, output: &Array) -> Result<()> {
        let access = Access::new(&[input], &[output])?;
        let layout = dense::layout_of(output);
        let planes = dense::planes(input, spatial, layout);
        let values = dense::image::<i64>(&access, input, layout);
        // SAFETY: outputs alias no input.
        resample::integer_average(planes, maps, &values, unsafe { access.slice_mut::<i64>(output) });
        Ok(())
    }

    fn max_windows(
        &self,
        spatial: usize,
        windows: &[Windows; 3],
        input: &Array,
        output: &Array,
        indices: Option<&Array>,
    ) -> Result<()> {
        let mut writes = vec![output];
        writes.extend(indices);
        let access = Access::new(&[input], &writes)?;
        let layout = dense::layout_of(output);
        let planes = dense::planes(input, spatial, layout);
        dispatch!(numbers input.dtype(), T => {
            let values = dense::image::<T>(&access, input, layout);
            // SAFETY: outputs alias neither the input nor each other.
            let output = unsafe { access.slice_mut::<T>(output) };
            match indices {
                None => pool::max(planes, windows, &values, output),
                Some(indices) => {
                    // SAFETY: as above.
                    let indices = unsafe { access.slice_mut::<i64>(indices) };
                    pool::max_with_indices(planes, windows, &values, output, indices);
                }
            }
        }, else return Err(super::unsupported(input.dtype())));
        Ok(())
    }

    fn move_in_planes(
        &self,
        spatial: usize,
        how: PlaneMove,
        indices: &Array,
        input: &Array,
        output: &Array,
    ) -> Result<()> {
        let access = Access::new(&[input, indices], &[output])?;
        let layout = dense::layout_of(output);
        let (from, to) = (dense::planes(input, spatial, layout), dense::planes(output, spatial, layout));
        let places = dense::image::<i64>(&access, indices, layout);
        let large = if how == PlaneMove::Gather { from } else { to };
        let positions = large.size.iter().product::<usize>() as i64;
        if let Some(wrong) = places.iter().find(|place| !(0..positions).contains(place)) {
            let sizes: Vec<String> = large.size[3 - spatial..].iter().map(usize::to_string).collect();
            return Err(Error::runtime(format!(
                "Found an invalid max index: {wrong} (output volumes are of size {})",
                sizes.join("x")
            )));
        }
        if how == PlaneMove::ScatterAdd {
            dispatch!(floats input.dtype(), T => {
                let values = dense::image::<T>(&access, input, layout);
                // SAFETY: outputs alias no input.
                pool::scatter_add_planes(from, to, &places, &values, unsafe { access.slice_mut::<T>(output) });
            }, else unreachable!("operators add floats"));
            return Ok(());
        }
        dispatch!(input.dtype(), T => {
            let values = dense::image::<T>(&access, input, layout);
            // SAFETY: outputs alias no input.
            let output = unsafe { access.slice_mut::<T>(output) };
            match how {
                PlaneMove::Gather => pool::gather_planes(from, to, &places, &values, output),
                _ => pool::scatter_planes(from, to, &places, &values, output),
            }
        });
        Ok(())
    }

    fn sample_pixels(&self, how: Sampling, places: &Array, operands: [&Array; 2], output: &Array) -> Result<()> {
        match output.dtype() {
            DType::F64 => sampled::<f64>(how, places, operands, output),
            _ => sampled::<f32>(how, places, operands, output),
        }
    }
}

fn sampled<T: Number + Compute>(how: Sampling, places: &Array, operands: [&Array; 2], output: &Array) -> Result<()> {
    let access = Access::new(&[places, operands[0], operands[1]], &[output])?;
    let image = match how {
        Sampling::Gather => operands[0],
        Sampling::Scatter => output,
        Sampling::Products => operands[1],
    };
    let [images, taps, points] = [0, 1, 2].map(|d| places.shape()[d]);
    let sizes = Sizes { images, channels: image.shape()[1], pixels: image.shape()[2], taps, points };
    // SAFETY: the output aliases no input.
    let (places, first, second, output) = unsafe {
        let [first, second] = operands.map(|operand| access.slice::<T>(operand));
        (access.slice::<i64>(places), first, second, access.slice_mut::<T>(output))
    };
    match how {
        Sampling::Gather => sample::gather(sizes, first, (places, second), output),
        Sampling::Scatter => sample::scatter(sizes, first, (places, second), output),
        Sampling::Products => sample::products(sizes, first, second, places, output),
    }
    Ok(())
}
