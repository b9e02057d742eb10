//! `flambeau detect`.

use crate::numbers::{self, positive};
use flambeau::nn::StateDict;
use flambeau::prelude::*;
use flambeau::vision::io;
use flambeau::vision::mtcnn::{Face, Mtcnn, Settings};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub const ABOUT: &str = "\
Find faces in a photograph, and draw boxes around them.

The networks are MTCNN's. Their weights are three checkpoints in one folder,
pnet.pt, rnet.pt and onet.pt, as the Python package facenet-pytorch ships them
(in facenet_pytorch/data).";

pub const EXAMPLES: &str = "Examples:
  flambeau detect --weights facenet_pytorch/data people.jpg -o faces.png
  flambeau detect --weights weights --min-size 40 people.jpg";

/// Red, green and blue of boxes, and of landmarks.
const COLORS: [[u8; 3]; 2] = [[255, 190, 0], [0, 220, 255]];

/// Options of `flambeau detect`.
#[derive(clap::Args)]
pub struct Options {
    /// A folder with pnet.pt, rnet.pt and onet.pt (or .safetensors).
    #[arg(long, value_name = "FOLDER")]
    weights: PathBuf,
    /// A PNG or JPEG picture.
    image: PathBuf,
    /// Where the picture with boxes goes.
    #[arg(short, long, value_name = "FILE.png")]
    output: Option<PathBuf>,
    /// The smallest face, in pixels.
    #[arg(long, value_name = "PIXELS", default_value_t = 20, value_parser = positive)]
    min_size: usize,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
}

/// Finds faces.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let [pnet, rnet, onet] = ["pnet", "rnet", "onet"].map(|name| weights(&options.weights, name));
    let networks = Mtcnn::with_weights(&pnet?, &rnet?, &onet?)?;
    let image = io::read_image(&options.image)?;
    let settings = Settings { min_face_size: options.min_size, ..Settings::default() };
    let faces = networks.detect(&image, &settings)?;
    let mut text = match faces.len() {
        0 => "no face\n".to_owned(),
        1 => "1 face\n".to_owned(),
        count => format!("{count} faces\n"),
    };
    for face in &faces {
        let [left, top, right, bottom] = face.bounds;
        let share = 100.0 * face.probability;
        text += &format!("  {share:>5.1} %  from ({left:.0}, {top:.0}) to ({right:.0}, {bottom:.0})\n");
    }
    if let Some(path) = &options.output {
        io::write_png(&drawn(&image, &faces)?, path)?;
        text += &format!("wrote {}\n", path.display());
    }
    numbers::print(&mut std::io::stdout(), &text)?;
    Ok(ExitCode::SUCCESS)
}

fn weights(folder: &Path, name: &str) -> Result<StateDict> {
    let safetensors = folder.join(format!("{name}.safetensors"));
    let path = if safetensors.exists() { safetensors } else { folder.join(format!("{name}.pt")) };
    Ok(flambeau::store::load(path)?.into())
}

/// The image with a frame around each face, and squares on eyes, nose and mouth.
fn drawn(image: &Tensor, faces: &[Face]) -> Result<Tensor> {
    let shape = image.shape();
    let (height, width) = (shape[1], shape[2]);
    let mut pixels = image.contiguous()?.to_vec::<u8>()?;
    let line = (height.min(width) / 200).max(1) as isize;
    let mut fill = |[left, top, right, bottom]: [isize; 4], color: [u8; 3]| {
        let inside = |from: isize, to: isize, size: usize| from.max(0) as usize..to.clamp(0, size as isize) as usize;
        for y in inside(top, bottom, height) {
            for x in inside(left, right, width) {
                for (channel, value) in color.into_iter().enumerate() {
                    pixels[(channel * height + y) * width + x] = value;
                }
            }
        }
    };
    for face in faces {
        let [left, top, right, bottom] = face.bounds.map(|side| side.round() as isize);
        fill([left, top, right, top + line], COLORS[0]);
        fill([left, bottom - line, right, bottom], COLORS[0]);
        fill([left, top, left + line, bottom], COLORS[0]);
        fill([right - line, top, right, bottom], COLORS[0]);
        for [x, y] in face.landmarks.map(|point| point.map(|n| n.round() as isize)) {
            fill([x - line, y - line, x + line + 1, y + line + 1], COLORS[1]);
        }
    }
    Tensor::from_slice(&pixels, shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_drawn_and_end_at_the_image() {
        let image = Tensor::zeros([3, 40, 50], DType::U8).expect("an image");
        let face = Face { bounds: [10.0, -5.0, 30.0, 60.0], probability: 0.9, landmarks: [[20.0, 20.0]; 5] };
        let pixels = drawn(&image, &[face]).and_then(|image| image.to_vec::<u8>()).expect("a picture");
        let at = |x: usize, y: usize| [0, 1, 2].map(|channel| pixels[(channel * 40 + y) * 50 + x]);
        assert_eq!((at(10, 3), at(29, 39), at(20, 20)), (COLORS[0], COLORS[0], COLORS[1]));
        assert_eq!((at(15, 10), at(9, 3)), ([0; 3], [0; 3]));
    }

    #[test]
    fn missing_weights_are_an_error() {
        assert!(weights(Path::new("/nonexistent"), "pnet").is_err());
    }
}
