//! The network that learns.

use super::layers::Description;
use crate::digits::DigitNet;
use flambeau::autograd::no_grad;
use flambeau::data::digits;
use flambeau::nn::modules::{AdaptiveAvgPool2d, BatchNorm2d};
use flambeau::nn::{Path, StateDict, Visitor};
use flambeau::prelude::*;
use flambeau::vision::models;
use std::path::Path as File;

/// Convolutions of 3x3 pixels in pairs, with batch normalisation and ReLU, each pair on an image of half the size; then the
/// mean of each channel and a linear layer.
#[derive(flambeau::nn::Module)]
struct Cnn {
    features: Sequential,
    classifier: Linear,
}

/// Channels of the pairs.
const WIDTHS: [usize; 4] = [32, 64, 128, 256];
/// Pairs follow one another while an image has so many pixels on its shorter side.
const SMALLEST: usize = 6;

impl Cnn {
    fn new([channels, height, width]: [usize; 3], classes: usize) -> Result<Self> {
        let mut features = Sequential::new();
        let (mut given, mut side) = (channels, height.min(width));
        for (number, &channels) in WIDTHS.iter().enumerate() {
            if number > 0 {
                if side / 2 < SMALLEST {
                    break;
                }
                side /= 2;
                features = features.push(MaxPool2d::new(2));
            }
            for _ in 0..2 {
                features = features
                    .push(Conv2d::builder(given, channels, 3).padding(1).bias(false).build()?)
                    .push(BatchNorm2d::new(channels)?)
                    .push(Relu::new());
                given = channels;
            }
        }
        let features = features.push(AdaptiveAvgPool2d::new(1)).push(Flatten::new());
        Ok(Self { features, classifier: Linear::new(given, classes)? })
    }
}

impl Forward for Cnn {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.classifier.forward(&self.features.forward(images)?)
    }
}

/// A network that is shown images in another form; its parts keep their names.
struct Adapted {
    network: Box<dyn Layer>,
    /// Grey images are shown as red, green and blue alike.
    repeat: bool,
    /// Zeros around images.
    padding: usize,
}

impl Module for Adapted {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor) {
        self.network.visit(path, visitor);
    }
}

impl Forward for Adapted {
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut images = images.clone();
        if self.repeat {
            let shape = images.shape();
            images = images.expand_to(&[shape[0], 3, shape[2], shape[3]])?;
        }
        if self.padding > 0 {
            images = images.constant_pad_nd(&[self.padding as isize; 4], 0.0)?;
        }
        self.network.forward(&images)
    }
}

/// Makes a network for images `(C, H, W)`: `cnn`, `lenet`, one of `flambeau::vision`, or what a file describes.
///
/// # Errors
/// If there is no such network, or it cannot read images of this size.
pub fn make(name: &str, image: [usize; 3], classes: usize) -> Result<Box<dyn Layer>> {
    let file = File::new(name);
    if file.extension().is_some_and(|ending| ending == "toml") {
        let failed = |error: &dyn std::fmt::Display| Error::file(format!("{}: {error}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
        let network = Description::parse(&text).and_then(|description| description.build(image, classes));
        return Ok(Box::new(network.map_err(|error| failed(&error.message()))?));
    }
    let [channels, height, width] = image;
    let network: Box<dyn Layer> = match name.to_lowercase().as_str() {
        "cnn" if image == [1, digits::SIZE, digits::SIZE] && classes == digits::CLASSES => Box::new(DigitNet::new()?),
        "cnn" => Box::new(Cnn::new(image, classes)?),
        "lenet" => {
            // It was made for digits of 28 pixels within 32.
            let padding = if height == 28 && width == 28 { 2 } else { 0 };
            let network = Box::new(models::LeNet::new(classes, channels)?);
            Box::new(Adapted { network, repeat: false, padding })
        }
        name if models::list_models().contains(&name) => {
            let network = models::get_model(name, classes)?;
            Box::new(Adapted { network, repeat: channels == 1, padding: 0 })
        }
        other => {
            return Err(Error::value(format!(
                "there is no network '{other}'; there are: cnn, {}; or a file that ends in .toml",
                models::list_models().join(", ")
            )));
        }
    };
    network.eval();
    let scores = no_grad(|| network.forward(&Tensor::zeros([1, channels, height, width], DType::F32)?))
        .map_err(|error| error.context(format!("{name} cannot read images of {channels} x {height} x {width}")))?;
    network.train(true);
    if scores.shape() != [1, classes] {
        return Err(Error::shape(format!(
            "{name} gives {} for an image, and not a score for each class",
            scores.shape()
        )));
    }
    Ok(network)
}

/// Copies those tensors of a checkpoint that the network has under the same name in the same size; gives how many, and
/// the names of those that begin anew.
///
/// # Errors
/// If the file cannot be read, or nothing in it fits.
pub fn begin_with(network: &dyn Layer, path: &File) -> Result<(usize, Vec<String>)> {
    let state = StateDict::from(flambeau::store::load(path)?).strip_prefix("module.");
    let own = network.state_dict();
    let fits = |name: &str, tensor: &Tensor| state.get(name).filter(|other| other.shape() == tensor.shape()).cloned();
    let fitting: StateDict =
        own.iter().filter_map(|(name, tensor)| Some((name.to_owned(), fits(name, tensor)?))).collect();
    if fitting.is_empty() {
        return Err(Error::value(format!("{}: no tensor fits this network", path.display())));
    }
    network.load_state_dict_partially(&fitting)?;
    let anew = own.keys().filter(|name| fitting.get(name).is_none()).map(str::to_owned).collect();
    Ok((fitting.len(), anew))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_fit_images_and_classes() {
        for (name, image, classes) in [
            ("cnn", [1, 8, 8], 10),
            ("cnn", [1, 28, 28], 3),
            ("cnn", [3, 64, 48], 2),
            ("lenet", [1, 28, 28], 10),
            ("lenet", [3, 32, 32], 100),
            ("shufflenet_v2_x0_5", [1, 32, 32], 5),
        ] {
            let [c, h, w] = image;
            let network = make(name, image, classes).expect("a network");
            let scores = network.forward(&Tensor::zeros([2, c, h, w], DType::F32).expect("images")).expect("scores");
            assert_eq!(scores.shape(), [2, classes], "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let message = |name: &str, image| match make(name, image, 10) {
            Ok(_) => panic!("{name} fits"),
            Err(error) => error.message().to_owned(),
        };
        assert!(
            message("resnet7", [3, 32, 32]).starts_with("there is no network 'resnet7'; there are: cnn, alexnet, ")
        );
        assert!(message("alexnet", [3, 8, 8]).starts_with("alexnet cannot read images of 3 x 8 x 8"));
        assert!(message("unet", [3, 32, 32]).contains("not a score for each class"));
        assert!(message("none.toml", [3, 32, 32]).starts_with("none.toml: "));
    }

    #[test]
    fn the_last_layer_may_begin_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("five.safetensors");
        let five = make("cnn", [1, 28, 28], 5).expect("a network");
        flambeau::store::save(&path, five.state_dict().iter()).expect("written");
        let ten = make("cnn", [1, 28, 28], 10).expect("a network");
        let (count, anew) = begin_with(&*ten, &path).expect("weights");
        assert_eq!(anew, ["classifier.weight", "classifier.bias"]);
        assert_eq!(count + 2, ten.state_dict().len());
        let first = |network: &dyn Layer| network.parameters().remove(0).to_vec::<f32>().expect("numbers");
        assert_eq!(first(&*five), first(&*ten));
        let lenet = make("lenet", [1, 28, 28], 10).expect("a network");
        assert!(begin_with(&*lenet, &path).is_err());
    }
}
