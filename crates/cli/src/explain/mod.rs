//! `flambeau explain`.

mod corner;
mod drawing;
mod examine;
mod report;

use crate::numbers::{self, Axes, Shape, positive};
use clap::ValueEnum;
use examine::Examined;
use flambeau::ops::{self, ConvolutionOptions, Padding};
use flambeau::{DType, Result, Tensor};
use flambeau_kernels::conv::planner::Pass;
use flambeau_kernels::conv::{Geometry, ImageLayout};
use std::path::PathBuf;
use std::process::ExitCode;

pub use report::machine_json;

pub const ABOUT: &str = "\
Show how a convolution is done: work, algorithm, speed against this machine's
limits, and a picture.

Give the shapes of a convolution as you would give the tensors to
torch.nn.functional.conv2d. What you see then:

  work       multiplications and additions that the definition needs: two for
             each weight and output position
  memory     bytes that must move at least: input, weight and output once each
  intensity  the quotient of the two. Where it is low, memory decides how fast a
             convolution can be; where it is high, arithmetic does
  algorithm  what the planner chose, and why
  expected   what the algorithm expects of itself, before anything has run
  measured   the median time on made-up numbers, and what that comes to
  roofline   two limits of this machine, measured now. `arithmetic` is a loop of
             multiply-adds on registers; `memory` is what the bandwidth of a plain
             copy allows at this intensity. The lower one is the bound. It can be
             exceeded: Winograd's algorithms need fewer operations than the
             definition, and small operands stay in a cache
  algorithms all that apply, with their times

Shapes that do not fit each other are answered with PyTorch's own messages, and
exit code 2.";

pub const EXAMPLES: &str = "Examples:
  flambeau explain conv2d --input 1,64,56,56 --weight 128,64,3,3 --stride 2 --padding 1
  flambeau explain conv2d --input 16,256,14,14 --weight 256,256,3,3 --padding same --backward
  flambeau explain conv2d --input 1,96,56,56 --weight 96,1,7,7 --padding 3 --groups 96 --channels-last
  flambeau explain conv2d --input 1,3,9,9 --weight 8,3,3,3 --dilation 2 --picture conv.svg --no-measure
  flambeau explain conv2d --input 1,64,56,56 --weight 64,64,3,3 --padding 1 --json";

/// What can be explained.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Operation {
    /// A convolution of images (N, C, H, W) or (C, H, W).
    Conv2d,
}

/// A number type with kernels of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// 32-bit floats.
    #[value(alias = "float32")]
    F32,
    /// 64-bit floats.
    #[value(alias = "float64")]
    F64,
}

/// Options of `flambeau explain`.
#[derive(clap::Args)]
pub struct Options {
    /// The operation to explain.
    #[arg(value_enum)]
    operation: Operation,
    /// Shape of the input: N,C,H,W or C,H,W.
    #[arg(long, value_name = "N,C,H,W", allow_hyphen_values = true)]
    input: Shape,
    /// Shape of the weight: out channels, in channels of a group, height and width of the kernel.
    #[arg(long, value_name = "K,C,H,W", allow_hyphen_values = true)]
    weight: Shape,
    /// Steps between two positions of the kernel: 2, or 2,1 for height and width.
    #[arg(long, value_name = "N", default_value = "1", allow_hyphen_values = true)]
    stride: Axes,
    /// Zeros around the image: 1, or 1,2 for height and width, or `same` or `valid`.
    #[arg(long, value_name = "N", default_value = "0", value_parser = numbers::padding, allow_hyphen_values = true)]
    padding: Padding,
    /// Distance between two elements of the kernel.
    #[arg(long, value_name = "N", default_value = "1", allow_hyphen_values = true)]
    dilation: Axes,
    /// Shares of the channels that do not see each other.
    #[arg(long, value_name = "N", default_value_t = 1, allow_hyphen_values = true)]
    groups: isize,
    /// Add a bias.
    #[arg(long)]
    bias: bool,
    /// Images whose channels come last in memory (PyTorch's channels_last).
    #[arg(long)]
    channels_last: bool,
    /// The number type.
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Precision,
    /// Also the backward pass: gradients of input and weight.
    #[arg(long)]
    backward: bool,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Plan only: run and time nothing.
    #[arg(long)]
    no_measure: bool,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Draw the geometry: input and padding, the kernel's positions, what one output pixel sees.
    #[arg(long, value_name = "FILE.svg")]
    picture: Option<PathBuf>,
}

impl Options {
    /// The sizes, checked by the library.
    fn geometry(&self) -> Result<Geometry> {
        let Operation::Conv2d = self.operation;
        let dtype = match self.dtype {
            Precision::F32 => DType::F32,
            Precision::F64 => DType::F64,
        };
        // Only shapes matter: one number seen everywhere takes no memory.
        let tensor = |shape: &[usize]| Tensor::zeros(vec![1; shape.len()], dtype)?.expand_to(shape);
        let (input, weight) = (tensor(&self.input.0)?, tensor(&self.weight.0)?);
        if weight.ndim() != 4 {
            return Err(flambeau::Error::shape(format!(
                "conv2d needs a weight of 4 dimensions (out_channels, in_channels / groups, height, width), but got {}",
                weight.shape()
            )));
        }
        let bias = if self.bias { Some(tensor(&self.weight.0[..1])?) } else { None };
        let options = ConvolutionOptions {
            stride: self.stride.0.clone(),
            padding: self.padding.clone(),
            dilation: self.dilation.0.clone(),
            groups: self.groups,
            ..ConvolutionOptions::default()
        };
        ops::convolution_geometry(&input, &weight, bias.as_ref(), &options)
    }

    fn layout(&self) -> ImageLayout {
        if self.channels_last { ImageLayout::ChannelsLast } else { ImageLayout::ChannelsFirst }
    }

    fn passes(&self) -> &'static [Pass] {
        if self.backward { &Pass::ALL } else { &Pass::ALL[..1] }
    }
}

/// Explains; exit code 2 for what is no convolution.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let geometry = match options.geometry() {
        Ok(geometry) => geometry,
        Err(error) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let examined: Vec<Examined> = options
        .passes()
        .iter()
        .map(|&pass| match options.dtype {
            Precision::F32 => {
                Examined::new::<f32>(&geometry, options.layout(), pass, options.bias, !options.no_measure)
            }
            Precision::F64 => {
                Examined::new::<f64>(&geometry, options.layout(), pass, options.bias, !options.no_measure)
            }
        })
        .collect();
    if let Some(path) = &options.picture {
        numbers::write(path, &drawing::draw(&geometry))?;
    }
    let mut text = if options.json {
        format!("{:#}\n", report::json(&examined, options.bias))
    } else {
        report::text(&examined, options.bias)
    };
    if let Some(path) = options.picture.as_ref().filter(|_| !options.json) {
        text += &format!("\nwrote {}\n", path.display());
    }
    numbers::print(&mut std::io::stdout(), &text)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::options;

    fn error(line: &str) -> String {
        options::<Options>(line).geometry().expect_err("no convolution").message().to_owned()
    }

    #[test]
    fn a_command_line_becomes_a_geometry() {
        let line = "conv2d --input 1,64,56,57 --weight 128,16,3,5 --stride 2,1 --padding 1,2 --dilation 2 --groups 4";
        let g = options::<Options>(line).geometry().expect("a convolution");
        assert_eq!((g.batch, g.in_channels, g.out_channels, g.groups), (1, 64, 128, 4));
        assert_eq!((g.input, g.kernel), ([1, 56, 57], [1, 3, 5]));
        assert_eq!((g.stride, g.padding_begin, g.padding_end), ([1, 2, 1], [0, 1, 2], [0, 1, 2]));
        assert_eq!(g.dilation, [1, 2, 2]);
        let same = options::<Options>("conv2d --input 3,8,8 --weight 4,3,4,4 --padding same")
            .geometry()
            .expect("a convolution");
        assert_eq!((same.batch, same.padding_begin, same.padding_end), (1, [0, 1, 1], [0, 2, 2]));
    }

    #[test]
    fn mistakes_are_told_in_pytorchs_words() {
        assert_eq!(
            error("conv2d --input 1,3,8,8 --weight 4,2,3,3"),
            "Given groups=1, weight of size [4, 2, 3, 3], expected input[1, 3, 8, 8] to have 2 channels, but got 3 channels instead"
        );
        assert_eq!(error("conv2d --input 1,3,8,8 --weight 4,3,3,3 --stride 0"), "non-positive stride is not supported");
        assert_eq!(error("conv2d --input 1,3,8,8 --weight 4,3,3,3 --padding -1"), "negative padding is not supported");
        assert_eq!(
            error("conv2d --input 1,3,8,8 --weight 4,3,3,3 --padding same --stride 2"),
            "padding='same' is not supported for strided convolutions"
        );
        assert!(error("conv2d --input 8,8 --weight 4,3,3,3").starts_with("Expected 3D (unbatched) or 4D (batched)"));
        assert!(error("conv2d --input 1,3,8,8 --weight 4,3,3").starts_with("conv2d needs a weight of 4 dimensions"));
    }

    #[test]
    fn sizes_beyond_all_memory_are_errors() {
        let huge = "4611686018427387904";
        for line in [
            format!("conv2d --input {huge},{huge},3,3 --weight 1,{huge},3,3"),
            format!("conv2d --input 1,1,{huge},3 --weight 1,1,3,3 --padding {huge}"),
            format!("conv2d --input 1,1,3,3 --weight 1,1,3,3 --dilation {huge}"),
        ] {
            error(&line);
        }
    }
}
