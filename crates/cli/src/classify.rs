//! `flambeau classify`.

use crate::bars::bar;
use crate::numbers::{self, positive};
use crate::weights;
use flambeau::autograd::no_grad;
use flambeau::data::picture::EXTENSIONS;
use flambeau::nn::Layer;
use flambeau::ops::stack;
use flambeau::prelude::*;
use flambeau::vision::models::Loaded;
use flambeau::vision::transforms::{Preset, Transform};
use flambeau::vision::{imagenet, io};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub const ABOUT: &str = "\
Say what photographs show, with a trained network.

The weights are a checkpoint of one of the networks in `flambeau::vision`
(torchvision's, EfficientNet-lite and a few more), as .pt, .pth or .safetensors.
Which network it is, is seen from the sizes of its tensors; --arch says it where
that fails. Images are prepared as the network's published weights want it.";

pub const EXAMPLES: &str = "Examples:
  flambeau classify --weights resnet50.pth cat.jpg dog.png
  flambeau classify --weights efficientnet-lite0.pth photographs/
  flambeau classify --weights mine.safetensors --labels names.txt --top 3 *.png";

/// How many images the network sees at once.
const BATCH: usize = 8;

/// Options of `flambeau classify`.
#[derive(clap::Args)]
pub struct Options {
    /// A checkpoint (.pt, .pth or .safetensors).
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// The network's name, such as resnet50 [default: seen from the sizes of the weights].
    #[arg(long, value_name = "NAME")]
    arch: Option<String>,
    /// Names of the classes, one a line [default: ImageNet's, if there are a thousand].
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// How many of the likeliest classes to show.
    #[arg(long, default_value_t = 5, value_parser = positive)]
    top: usize,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// Pictures (JPEG, PNG, WebP, BMP, GIF), or folders of them.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// Classifies every picture; goes on after one that cannot be read.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let classifier = Classifier::load(options)?;
    let mut code = ExitCode::SUCCESS;
    let mut complain = |path: &Path, error: &Error| {
        eprintln!("error: {}: {}", path.display(), error.message());
        code = ExitCode::FAILURE;
    };
    let mut paths = Vec::new();
    for path in &options.images {
        match pictures(path) {
            Ok(found) => paths.extend(found),
            Err(error) => complain(path, &error),
        }
    }
    for batch in paths.chunks(BATCH) {
        let mut read = Vec::new();
        for path in batch {
            match io::read_image(path).and_then(|image| classifier.preset.apply(&image)) {
                Ok(image) => read.push((path, image)),
                Err(error) => complain(path, &error),
            }
        }
        if read.is_empty() {
            continue;
        }
        let images: Vec<&Tensor> = read.iter().map(|(_, image)| image).collect();
        let shares = classifier.shares(&stack(&images, 0)?)?;
        for ((path, _), shares) in read.iter().zip(shares) {
            numbers::print(&mut std::io::stdout(), &classifier.text(path, &shares, options.top))?;
        }
    }
    Ok(code)
}

/// The pictures that a path means: itself, or those in a folder, by name.
///
/// # Errors
/// If a folder cannot be read, or has none in it.
pub fn pictures(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| Error::file(error.to_string()))?;
    let is_picture = |path: &PathBuf| {
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
        ending.is_some_and(|ending| EXTENSIONS.contains(&ending.as_str()))
    };
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_picture).collect();
    if found.is_empty() {
        return Err(Error::file("no pictures in this folder"));
    }
    found.sort();
    Ok(found)
}

struct Classifier {
    network: Box<dyn Layer>,
    preset: Preset,
    /// Empty if nobody knows the names.
    names: Vec<String>,
}

impl Classifier {
    fn load(options: &Options) -> Result<Self> {
        let Loaded { name, num_classes, network } = weights::load(&options.weights, options.arch.as_deref())?;
        let names = match &options.labels {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| Error::file(format!("{}: {error}", path.display())))?;
                text.lines().map(str::to_owned).collect()
            }
            None if num_classes == imagenet::classes().len() => imagenet::classes().map(str::to_owned).collect(),
            None => Vec::new(),
        };
        Ok(Self { network, preset: Preset::of(&name), names })
    }

    /// The share of each class, for each image of a batch.
    fn shares(&self, images: &Tensor) -> Result<Vec<Vec<f32>>> {
        let scores = no_grad(|| self.network.forward(images))?;
        if scores.ndim() != 2 {
            return Err(Error::shape(format!(
                "this network scores pixels, not images: its output is {}",
                scores.shape()
            )));
        }
        let shares = scores.to_dtype(DType::F32)?.softmax(1)?;
        let classes = shares.shape()[1].max(1);
        Ok(shares.to_vec::<f32>()?.chunks_exact(classes).map(<[f32]>::to_vec).collect())
    }

    fn text(&self, path: &Path, shares: &[f32], top: usize) -> String {
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
        let mut text = format!("{}\n", path.display());
        for &class in order.iter().take(top) {
            let share = f64::from(shares[class]);
            let name = self.names.get(class).map_or("", String::as_str);
            text += &format!("  {:>5.1} %  {:20}  {class:>4}  {name}\n", 100.0 * share, bar(share, 1.0, 20));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;
    use flambeau::vision::models;

    #[test]
    fn a_checkpoint_says_what_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let weights = folder.path().join("weights.safetensors");
        let net = models::shufflenet_v2_x0_5(4).expect("a network");
        flambeau::store::save(&weights, net.state_dict().iter()).expect("written");
        let labels = folder.path().join("names.txt");
        std::fs::write(&labels, "first\nsecond\nthird\nfourth\n").expect("written");
        let (weights, labels) = (weights.to_str().expect("a name"), labels.to_str().expect("a name"));
        let options: Options =
            parse(&["--weights", weights, "--labels", labels, "x.png"]).expect("a good command line");
        let classifier = Classifier::load(&options).expect("a classifier");
        let image = Tensor::full([2, 3, 64, 64], 0.5, DType::F32).expect("images");
        let shares = classifier.shares(&image).expect("shares");
        assert_eq!(shares.len(), 2);
        assert!((shares[0].iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let text = classifier.text(Path::new("a.png"), &[0.1, 0.6, 0.0, 0.3], 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("   60.0 %  ████████████") && lines[1].ends_with("   1  second"), "{text}");
        assert!(lines[2].ends_with("   3  fourth"));
    }

    #[test]
    fn what_is_unknown_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let weights = folder.path().join("weights.safetensors");
        let tensor = Tensor::ones([3], DType::F32).expect("a tensor");
        flambeau::store::save(&weights, [("x", &tensor)]).expect("written");
        let weights = weights.to_str().expect("a name");
        let error = |words: &[&str]| match Classifier::load(&parse(words).expect("a good command line")) {
            Ok(_) => panic!("no such network"),
            Err(error) => error.message().to_owned(),
        };
        assert!(error(&["--weights", weights, "x.png"]).contains("say which one it is: alexnet, "));
        assert!(
            error(&["--weights", weights, "--arch", "resnet7", "x.png"])
                .ends_with("weights.safetensors: Unknown model resnet7")
        );
        assert!(error(&["--weights", weights, "--arch", "lenet", "x.png"]).contains("Missing key(s) in state_dict"));
        assert!(pictures(folder.path()).is_err());
    }
}
