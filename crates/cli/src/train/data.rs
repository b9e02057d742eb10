//! The images that are learned from and those that are not.

use super::options::{Augment, Settings};
use super::recipe::statistics;
use flambeau::data::picture::Color;
use flambeau::data::{DataLoader, Dataset, Erase, Images, Preparation, Prepared, sources};
use flambeau::prelude::*;
use flambeau::tensor::Generator;

/// Prepared images.
pub struct Data {
    /// To learn from.
    pub train: Prepared,
    /// Kept apart of the training images, to choose by; none where nothing was.
    pub validation: Option<Prepared>,
    /// To test with.
    pub test: Prepared,
}

impl Data {
    /// Opens what the settings name.
    ///
    /// # Errors
    /// If there is no such source, a file is missing or damaged, or images differ in size and none was chosen.
    pub fn open(settings: &Settings) -> Result<Self> {
        let mut options = sources::Options::new().color(Color::Rgb);
        if let Some(root) = &settings.root {
            options = options.root(root);
        }
        let sources::Splits { train, test } = sources::open(&settings.data, &options)?;
        if train.is_empty() || test.is_empty() {
            let part = if train.is_empty() { "learn from" } else { "test with" };
            return Err(Error::value(format!("{} has no images to {part}", settings.data)));
        }
        let (train, validation) = if settings.val_split > 0.0 {
            let (train, validation) = train.hold_out(settings.val_split)?;
            if train.is_empty() || validation.is_empty() {
                return Err(Error::value(format!(
                    "{} images are too few for a share of {} to be kept apart",
                    train.len() + validation.len(),
                    settings.val_split
                )));
            }
            (train, Some(validation))
        } else {
            (train, None)
        };
        let preparation = preparation(settings, &train)?;
        let plain = preparation.without_augmentation();
        Ok(Self {
            train: preparation.apply(train)?,
            validation: validation.map(|images| plain.apply(images)).transpose()?,
            test: plain.apply(test)?,
        })
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        self.train.images().classes()
    }

    /// What is scored after every epoch.
    pub fn scored(&self) -> &Prepared {
        self.validation.as_ref().unwrap_or(&self.test)
    }

    /// Batches to learn from.
    ///
    /// # Errors
    /// If a batch is to have no images.
    pub fn loader(&self, settings: &Settings) -> Result<DataLoader<Prepared>> {
        let workers = workers(&self.train);
        DataLoader::builder(self.train.clone()).batch_size(settings.batch_size).shuffle(true).workers(workers).build()
    }
}

/// Packed images cost so little that one thread prepares them beside those that compute; files must be decoded.
fn workers(images: &Prepared) -> usize {
    if images.images().shape().is_some() { 1 } else { flambeau::get_num_threads() }
}

/// Batches of all images in order, that draw nothing from the generator of the process.
///
/// # Errors
/// If a batch is to have no images.
pub fn in_order(images: &Prepared, batch_size: usize) -> Result<DataLoader<Prepared>> {
    let generator = Generator::seeded(0);
    let builder = DataLoader::builder(images.clone()).batch_size(batch_size).workers(workers(images));
    builder.generator(generator).build()
}

/// What is done to pictures of any size before a network that learned from `data` sees them as `(C, H, W)`.
pub fn for_pictures(data: &str, [channels, height, width]: [usize; 3]) -> Preparation {
    let (mean, std) = statistics(data, channels);
    Preparation::new().resize([height, width]).normalize(mean, std)
}

/// What is done to each image.
fn preparation(settings: &Settings, images: &Images) -> Result<Preparation> {
    let (mean, std) = statistics(&settings.data, images.channels());
    let mut preparation = Preparation::new().normalize(mean, std);
    let size = match (settings.size, images.shape()) {
        (Some(size), Some([_, height, width])) if (height, width) == (size, size) => [size, size],
        (Some(size), _) => {
            preparation = preparation.resize([size, size]);
            [size, size]
        }
        (None, Some([_, height, width])) => [height, width],
        (None, None) => {
            return Err(Error::value(format!(
                "the images of {} differ in size: choose one with --size",
                settings.data
            )));
        }
    };
    // Photographs are shown in part; small images are shifted, grey ones, whose things lie in the middle, by less.
    let whole = images.shape().is_some();
    let shift = size[0].min(size[1]) / if images.channels() == 1 { 14 } else { 8 };
    if settings.augment != Augment::None {
        preparation = if whole { preparation.crop(shift.clamp(1, 4)) } else { preparation.random_part([0.35, 1.0]) };
    }
    if matches!(settings.augment, Augment::Flip | Augment::Strong) {
        preparation = preparation.flip(0.5);
    }
    if settings.augment == Augment::Strong {
        preparation = preparation.erase(Erase::Random(0.5));
    }
    Ok(preparation)
}
