//! The network of a training's folder, and how pictures are prepared for it.

use crate::picture;
use crate::report;
use crate::train::{Run, for_pictures, make};
use flambeau::data::picture::{Color, read};
use flambeau::data::{Dataset, Images, Preparation};
use flambeau::nn::{Layer, StateDict};
use flambeau::prelude::*;
use std::path::Path;

/// A network with the names of what it tells apart.
pub struct Trained {
    network: Box<dyn Layer>,
    classes: Vec<String>,
    preparation: Preparation,
    channels: usize,
    /// It reads the digits that are part of the program, which are drawn on few pixels.
    digits: bool,
}

impl Trained {
    /// Opens the folder of a training, or a checkpoint in one; nothing where `model` is neither.
    ///
    /// # Errors
    /// If a file of the training is missing or damaged, or the checkpoint is of another network.
    pub fn open(model: &Path) -> Result<Option<Self>> {
        let (run, weights) = if model.is_dir() {
            let run = Run::open(model)?;
            let weights = run.weights()?;
            (run, weights)
        } else {
            // The folder of a name without one is the current folder.
            let folder =
                model.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
            match folder.map(Run::open) {
                Some(Ok(run)) => (run, model.to_owned()),
                _ => return Ok(None),
            }
        };
        let settings = run.options()?.settle();
        let report::Dataset { classes, input, .. } = report::load(run.folder())?.dataset;
        let &[channels, height, width] = input.as_slice() else {
            return Err(Error::value(format!(
                "{}: it is not said how large images are, but {input:?}",
                run.folder().display()
            )));
        };
        let network = make(&settings.model, [channels, height, width], classes.len())?;
        let state = StateDict::from(flambeau::store::load(&weights)?).strip_prefix("module.");
        network.load_state_dict(&state).map_err(|error| error.context(weights.display()))?;
        network.eval();
        let preparation = for_pictures(&settings.data, [channels, height, width]);
        Ok(Some(Self { network, classes, preparation, channels, digits: settings.data == "digits" }))
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The scores `(1, classes)` of a picture.
    ///
    /// # Errors
    /// If the file is no picture.
    pub fn scores(&self, path: &Path) -> Result<Tensor> {
        if self.digits {
            return self.network.forward(&picture::digit(path)?);
        }
        let image = match self.channels {
            1 => light_on_dark(read(path, Color::Gray)?)?,
            _ => read(path, Color::Rgb)?,
        };
        let image = Images::from_tensors(vec![image], vec![0], vec![String::new()])?;
        self.network.forward(&self.preparation.apply(image)?.batch(&[0])?.0)
    }
}

/// A grey picture `(1, H, W)` of bytes, inverted where most of its border is light.
fn light_on_dark(image: Tensor) -> Result<Tensor> {
    let (height, width) = (image.shape()[1], image.shape()[2]);
    let pixels = image.to_vec::<u8>()?;
    let is_border = |at: usize| {
        let (y, x) = (at / width, at % width);
        y == 0 || x == 0 || y + 1 == height || x + 1 == width
    };
    let border = (0..pixels.len()).filter(|&at| is_border(at));
    let (light, all) =
        border.fold((0usize, 0usize), |(light, all), at| (light + usize::from(pixels[at] > 127), all + 1));
    if 2 * light <= all {
        return Ok(image);
    }
    let inverted: Vec<u8> = pixels.iter().map(|pixel| 255 - pixel).collect();
    Tensor::from_slice(&inverted, [1, height, width])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paper_is_made_dark() -> Result<()> {
        let dark = Tensor::from_slice(&[0u8, 10, 0, 0, 200, 0, 0, 0, 0], [1, 3, 3])?;
        assert_eq!(light_on_dark(dark.clone())?.to_vec::<u8>()?, dark.to_vec::<u8>()?);
        let light = Tensor::from_slice(&[255u8, 245, 255, 255, 55, 255, 255, 255, 255], [1, 3, 3])?;
        assert_eq!(light_on_dark(light)?.to_vec::<u8>()?, dark.to_vec::<u8>()?);
        Ok(())
    }

    #[test]
    fn a_lone_checkpoint_is_of_no_training() -> Result<()> {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Trained::open(&folder.path().join("digits.pt"))?.is_none());
        assert!(Trained::open(folder.path()).is_err());
        Ok(())
    }
}
