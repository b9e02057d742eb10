//! [`Convolution`] on the CPU.

use super::Cpu;
use super::dense::{self, Numbers};
use crate::backend::Convolution;
use crate::element::{bf16, f16};
use crate::kept::Form;
use crate::{Access, Array, DType, Number, Result, dispatch};
use flambeau_kernels::conv::planner::{Operands, Pass, Problem};
use flambeau_kernels::conv::{self, ConvElement, Geometry, ImageLayout, Kept, reference};
use flambeau_kernels::element::Element;
use flambeau_kernels::scratch::Scratch;
use flambeau_kernels::window::{Real, split};
use std::sync::Arc;

/// What a pass reads and writes, still as arrays.
struct Work<'a> {
    pass: Pass,
    geometry: &'a Geometry,
    layout: ImageLayout,
    first: &'a Array,
    second: &'a Array,
    bias: Option<&'a Array>,
    /// Whether the weight is expected to serve again.
    constant: bool,
    output: &'a Array,
}

impl Work<'_> {
    /// Whether the operands are images (and not weights).
    fn images(&self) -> [bool; 2] {
        match self.pass {
            Pass::Forward | Pass::DataGradient => [true, false],
            Pass::WeightGradient => [true, true],
        }
    }

    fn operand_layout(&self, is_image: bool) -> ImageLayout {
        if is_image { self.layout } else { ImageLayout::ChannelsFirst }
    }

    fn run(&self) -> Result<()> {
        let mut reads = vec![self.first, self.second];
        reads.extend(self.bias);
        let access = Access::new(&reads, &[self.output])?;
        let dtype = self.output.dtype();
        match dtype {
            DType::F32 => self.direct::<f32>(&access),
            DType::F64 => self.direct::<f64>(&access),
            DType::BF16 => self.widened::<bf16>(&access),
            DType::F16 => self.widened::<f16>(&access),
            _ => dispatch!(integers dtype, T => self.integers::<T>(&access), else ()),
        }
        Ok(())
    }

    fn direct<T: Number + ConvElement + Real<Wide = T>>(&self, access: &Access<'_>) {
        let [first_is_image, second_is_image] = self.images();
        let first = dense::image::<T>(access, self.first, self.operand_layout(first_is_image));
        let gathered = (self.constant && !self.second.is_contiguous()).then(|| self.gathered_weight(access, |x: T| x));
        let second = match gathered.flatten() {
            Some(kept) => Numbers::Kept(kept),
            None => dense::image::<T>(access, self.second, self.operand_layout(second_is_image)),
        };
        let bias = self.bias.map(|bias| dense::contiguous::<T>(access, bias));
        // SAFETY: outputs alias no input.
        let output = unsafe { access.slice_mut::<T>(self.output) };
        self.compute(access, &first, &second, bias.as_deref(), output);
    }

    /// The weight as contiguous numbers of another type or order, kept with it.
    fn gathered_weight<S: Number, T: Element>(
        &self,
        access: &Access<'_>,
        convert: impl Fn(S) -> T + Sync,
    ) -> Option<Arc<Scratch<T>>> {
        let gather = || Some(dense::gathered(access, self.second, ImageLayout::ChannelsFirst, convert));
        access.kept(self.second, Form::Gathered(std::any::type_name::<T>()), gather)
    }

    /// What the pass's plan makes of the weight, kept with it.
    fn prepared_weight<T: ConvElement>(
        &self,
        access: &Access<'_>,
        problem: Problem,
        weight: &[T],
    ) -> Option<Arc<Kept<T>>> {
        let plan = conv::plan::<T>(problem);
        access.kept(self.second, Form::Convolution(plan.form()), || plan.keep(weight))
    }

    /// Sixteen-bit floats: computed in float32, rounded once.
    fn widened<T: Number + Real<Wide = f32>>(&self, access: &Access<'_>) {
        let [first_is_image, second_is_image] = self.images();
        let first = dense::image_as::<T, f32>(access, self.first, self.operand_layout(first_is_image), T::widen);
        let gathered = self.constant.then(|| self.gathered_weight(access, T::widen));
        let second = match gathered.flatten() {
            Some(kept) => Numbers::Kept(kept),
            None => dense::image_as::<T, f32>(access, self.second, self.operand_layout(second_is_image), T::widen),
        };
        let bias = self.bias.map(|bias| dense::image_as::<T, f32>(access, bias, ImageLayout::ChannelsFirst, T::widen));
        let mut wide = vec![0.0; self.output.numel()];
        self.compute(access, &first, &second, bias.as_deref(), &mut wide);
        // SAFETY: outputs alias no input.
        let output = unsafe { access.slice_mut::<T>(self.output) };
        output.iter_mut().zip(wide).for_each(|(o, wide)| *o = T::narrow(wide));
    }

    fn compute<T: ConvElement + Real<Wide = T>>(
        &self,
        access: &Access<'_>,
        first: &[T],
        second: &[T],
        bias: Option<&[T]>,
        output: &mut [T],
    ) {
        let mut problem = Problem::new(self.geometry, self.layout, self.pass);
        if self.constant {
            problem = problem.with_constant_weight();
        }
        let kept = self.constant.then(|| self.prepared_weight(access, problem, second)).flatten();
        let kept = kept.as_deref();
        match self.pass {
            Pass::Forward => {
                conv::run(problem, Operands::Forward { input: first, weight: second, kept, bias, output });
            }
            Pass::DataGradient => {
                let grad_input = &mut *output;
                conv::run(problem, Operands::DataGradient { grad_output: first, weight: second, kept, grad_input });
                if let Some(bias) = bias {
                    add_bias(self.geometry, self.layout, bias, output);
                }
            }
            Pass::WeightGradient => {
                let (input, grad_output, grad_weight) = (first, second, output);
                conv::run(problem, Operands::WeightGradient { input, grad_output, grad_weight });
            }
        }
    }

    /// Integers: PyTorch has no fast way for them either. Sums wrap as its do.
    fn integers<T: Number>(&self, access: &Access<'_>) {
        let [first_is_image, second_is_image] = self.images();
        let first = dense::image::<T>(access, self.first, self.operand_layout(first_is_image));
        let second = dense::image::<T>(access, self.second, self.operand_layout(second_is_image));
        let bias = self.bias.map(|bias| dense::contiguous::<T>(access, bias));
        // SAFETY: outputs alias no input.
        let output = unsafe { access.slice_mut::<T>(self.output) };
        let (geometry, layout) = (self.geometry, self.layout);
        match self.pass {
            Pass::Forward => reference::forward(geometry, layout, &first, &second, bias.as_deref(), output),
            Pass::DataGradient => {
                reference::data_gradient(geometry, layout, &first, &second, output);
                if let Some(bias) = bias {
                    let area = geometry.input.iter().product::<usize>();
                    for (i, value) in output.iter_mut().enumerate() {
                        let channel = match layout {
                            ImageLayout::ChannelsFirst => i / area % geometry.in_channels,
                            ImageLayout::ChannelsLast => i % geometry.in_channels,
                        };
                        *value = T::from_i64(value.to_i64().wrapping_add(bias[channel].to_i64()));
                    }
                }
            }
            Pass::WeightGradient => reference::weight_gradient(geometry, layout, &first, &second, output),
        }
    }
}

/// Adds a number for each channel of a data gradient.
fn add_bias<T: Real<Wide = T> + std::ops::AddAssign>(
    geometry: &Geometry,
    layout: ImageLayout,
    bias: &[T],
    images: &mut [T],
) {
    match layout {
        ImageLayout::ChannelsFirst => {
            let area = geometry.input.iter().product::<usize>();
            split(images, area, area, |plane, values| {
                let bias = bias[plane % bias.len()];
                values.iter_mut().for_each(|value| *value += bias);
            });
        }
        ImageLayout::ChannelsLast => split(images, bias.len(), bias.len(), |_, values| {
            values.iter_mut().zip(bias).for_each(|(value, &bias)| *value += bias);
        }),
    }
}

impl Convolution for Cpu {
    fn convolution(
        &self,
        geometry: &Geometry,
        input: &Array,
        weight: &Array,
        bias: Option<&Array>,
        constant: bool,
        output: &Array,
    ) -> Result<()> {
        let layout = dense::layout_of(output);
        Work { pass: Pass::Forward, geometry, layout, first: input, second: weight, bias, constant, output }.run()
    }

    fn convolution_data_gradient(
        &self,
        geometry: &Geometry,
        grad_output: &Array,
        weight: &Array,
        bias: Option<&Array>,
        constant: bool,
        grad_input: &Array,
    ) -> Result<()> {
        let layout = dense::layout_of(grad_input);
        let (first, second, output) = (grad_output, weight, grad_input);
        Work { pass: Pass::DataGradient, geometry, layout, first, second, bias, constant, output }.run()
    }

    fn convolution_weight_gradient(
        &self,
        geometry: &Geometry,
        input: &Array,
        grad_output: &Array,
        grad_weight: &Array,
    ) -> Result<()> {
        let layout = dense::preferred_layout(input);
        let (first, second, output) = (input, grad_output, grad_weight);
        Work { pass: Pass::WeightGradient, geometry, layout, first, second, bias: None, constant: false, output }.run()
    }
}
