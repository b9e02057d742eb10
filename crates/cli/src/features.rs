//! `flambeau features`.

mod sheet;

use crate::numbers::{self, positive};
use crate::report::picture;
use crate::summary::layer_name;
use crate::weights;
use flambeau::autograd::no_grad;
use flambeau::nn::Layer;
use flambeau::nn::watch::{Call, watch_values};
use flambeau::prelude::*;
use flambeau::vision::io;
use flambeau::vision::models::Loaded;
use flambeau::vision::transforms::{Preset, Transform};
use sheet::Sheet;
use std::path::PathBuf;
use std::process::ExitCode;

pub const ABOUT: &str = "\
Show what a layer of a trained network makes of a photograph, as a picture.

The picture has a square for each channel of the layer's output, dark where it is
least and bright where it is greatest, and below, a square for each filter: in
colour if the layer sees colours, else its first channel. There are 64 of each at
most.

Without --layer, the layers are listed. The weights are a checkpoint as `flambeau
classify` takes it; the photograph is prepared as the network's published weights
want it.";

pub const EXAMPLES: &str = "Examples:
  flambeau features --weights resnet50.pth cat.jpg                          list the layers
  flambeau features --weights resnet50.pth --layer conv1 cat.jpg -o maps.png
  flambeau features --weights efficientnet-lite0.pth --layer _conv_stem cat.jpg -o maps.png";

/// Options of `flambeau features`.
#[derive(clap::Args)]
pub struct Options {
    /// A checkpoint (.pt, .pth or .safetensors).
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The network's name, such as resnet50 [default: seen from the sizes of the weights].
    #[arg(long, value_name = "NAME")]
    arch: Option<String>,
    /// The layer, by the name that its parameters have [default: list the layers].
    #[arg(long, value_name = "NAME", requires = "output")]
    layer: Option<String>,
    /// A PNG or JPEG picture.
    image: PathBuf,
    /// Where the picture of the layer goes.
    #[arg(short, long, value_name = "FILE.png", requires = "layer")]
    output: Option<PathBuf>,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
}

/// Runs the network on the photograph, and draws the layer.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let Loaded { name, network, .. } = weights::load(&options.weights, options.arch.as_deref())?;
    let image = Preset::of(&name).apply(&io::read_image(&options.image)?)?;
    let calls = calls(&*network, &image)?;
    let parameters = network.named_parameters();
    let Some((layer, output)) = options.layer.as_ref().zip(options.output.as_ref()) else {
        numbers::print(&mut std::io::stdout(), &list(&name, &calls, &parameters))?;
        return Ok(ExitCode::SUCCESS);
    };
    let found = calls.iter().find(|call| layer_name(&parameters, call) == layer);
    let call = found.ok_or_else(|| {
        Error::value(format!("{name} has no layer {layer:?} that computes; without --layer, its layers are listed"))
    })?;
    let (sheet, words) = draw(layer, call)?;
    io::write_png(&sheet.image()?, output)?;
    numbers::print(&mut std::io::stdout(), &format!("{words}wrote {}\n", output.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// What the layers do with an image `(C, H, W)`.
fn calls(network: &dyn Layer, image: &Tensor) -> Result<Vec<Call>> {
    let (output, calls) = watch_values(|| no_grad(|| network.forward(&image.unsqueeze(0)?)));
    output.map(|_| calls)
}

/// The layers, one on a line.
fn list(network: &str, calls: &[Call], parameters: &[(String, Tensor)]) -> String {
    let named: Vec<(&str, &Call)> = calls.iter().map(|call| (layer_name(parameters, call), call)).collect();
    let width = named.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = format!("layers of {network}; --layer NAME -o maps.png draws one\n");
    for (name, call) in named {
        text += &format!("  {name:width$}  {:15}  {:?}\n", call.kind, &*call.output);
    }
    text
}

/// The picture of a layer, and what is on it.
fn draw(layer: &str, call: &Call) -> Result<(Sheet, String)> {
    let value = call.value.as_ref().ok_or_else(|| Error::value("the layer's output was not kept"))?;
    let maps = picture::channels(value).map_err(|error| error.context(format_args!("layer {layer:?}")))?;
    let mut sheet = Sheet::default();
    let shape = value.shape();
    let mut words =
        format!("{layer}, {}: {} of {} maps of {} x {}", call.kind, maps.len(), shape[1], shape[3], shape[2]);
    sheet.add(maps);
    // A normalisation has an output, and no filters.
    if let Some(weight) = call.weight.as_ref().filter(|weight| weight.ndim() == 4) {
        let (filters, shape) = (picture::filters(weight)?, weight.shape());
        let seen = if shape[1] == 3 { "three channels" } else { "one channel" };
        words += &format!(
            "; {} of {} filters of {} x {}, {seen} of {}",
            filters.len(),
            shape[0],
            shape[3],
            shape[2],
            shape[1]
        );
        sheet.add(filters);
    }
    Ok((sheet, words + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    #[test]
    fn a_layer_becomes_a_picture() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).to_str().expect("a name").to_owned();
        let net = flambeau::vision::models::squeezenet1_1(4).expect("a network");
        flambeau::store::save(at("w.safetensors"), net.state_dict().iter()).expect("written");
        let photo = Tensor::full([3, 90, 120], 77, DType::U8).expect("a photograph");
        io::write_png(&photo, at("photo.png")).expect("written");
        let go = |more: &[&str]| -> Result<ExitCode> {
            let (weights, photo) = (at("w.safetensors"), at("photo.png"));
            run(&parse::<Options>(&[&["--weights", &weights, &photo], more].concat()).expect("a good command line"))
        };
        go(&[]).expect("a list");
        for layer in ["features.0", "features.3.squeeze"] {
            go(&["--layer", layer, "-o", &at("maps.png")]).expect("a picture");
            let drawn = io::read_image(at("maps.png")).expect("a picture");
            assert!(drawn.shape()[1] > 100 && drawn.max().and_then(|t| t.item()).expect("a number").to_f64() > 200.0);
        }
        let error = go(&["--layer", "layer9", "-o", &at("maps.png")]).expect_err("no such layer");
        assert!(error.message().contains("\"layer9\"") && error.message().contains("are listed"), "{error}");
        assert!(parse::<Options>(&["--weights", "w", "a.png", "--layer", "x"]).is_err());
    }
}
