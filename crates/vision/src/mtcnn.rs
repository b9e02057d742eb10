//! Finding faces with MTCNN: a small network looks everywhere at all sizes, two larger ones look again at what it found.
//!
//! The keys of state dicts are those of `facenet-pytorch`, whose weights are published.
//!
//! Source: K. Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional networks", 2016.

mod boxes;
mod networks;

pub use networks::{Found, ONet, PNet, RNet};

use boxes::{Candidate, Overlap, suppress};
use flambeau_nn::functional::adaptive_avg_pool2d;
use flambeau_nn::{Module, StateDict};
use flambeau_tensor::autograd::no_grad;
use flambeau_tensor::ops::cat;
use flambeau_tensor::{DType, Error, Result, Tensor};

/// How many candidates are looked at in one batch.
const BATCH: usize = 256;

/// A face in an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Left, top, right, bottom, in pixels.
    pub bounds: [f32; 4],
    /// How sure the last network is, from 0 to 1.
    pub probability: f32,
    /// Left eye, right eye, nose, left and right corner of the mouth, as the viewer sees them: `(x, y)` in pixels.
    pub landmarks: [[f32; 2]; 5],
}

/// What a [`Mtcnn`] looks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The smallest face, in pixels (20 by default; less is more work).
    pub min_face_size: usize,
    /// How sure each of the networks has to be (0.6, 0.7, 0.7).
    pub thresholds: [f32; 3],
    /// The quotient of neighbouring sizes that the first network looks at (0.709, half of the area).
    pub factor: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { min_face_size: 20, thresholds: [0.6, 0.7, 0.7], factor: 0.709 }
    }
}

/// The three networks.
#[derive(Module)]
pub struct Mtcnn {
    pnet: PNet,
    rnet: RNet,
    onet: ONet,
}

impl Mtcnn {
    /// Networks that have not learned.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new() -> Result<Self> {
        Ok(Self { pnet: PNet::new()?, rnet: RNet::new()?, onet: ONet::new()? })
    }

    /// Networks with the weights of three checkpoints.
    ///
    /// # Errors
    /// If a state dict is not that of its network.
    pub fn with_weights(pnet: &StateDict, rnet: &StateDict, onet: &StateDict) -> Result<Self> {
        let networks = Self::new()?;
        networks.pnet.load_state_dict(pnet)?;
        networks.rnet.load_state_dict(rnet)?;
        networks.onet.load_state_dict(onet)?;
        networks.eval();
        Ok(networks)
    }

    /// The faces in an image `(3, H, W)` of bytes, the likeliest first.
    ///
    /// # Errors
    /// If the tensor is no such image, or the settings make no sense.
    pub fn detect(&self, image: &Tensor, settings: &Settings) -> Result<Vec<Face>> {
        if image.dtype() != DType::U8 || image.ndim() != 3 || image.shape()[0] != 3 {
            let (shape, dtype) = (image.shape(), image.dtype().name());
            return Err(Error::shape(format!("faces are found in bytes (3, H, W), but got {shape} of {dtype}")));
        }
        if settings.min_face_size == 0 || !(0.0..1.0).contains(&settings.factor) {
            return Err(Error::value("the smallest face has at least one pixel, and the factor is between 0 and 1"));
        }
        no_grad(|| {
            let pixels = image.to_dtype(DType::F32)?.sub(127.5)?.mul(0.007_812_5)?.unsqueeze(0)?;
            let found = self.propose(&pixels, settings)?;
            let found = self.refine(&pixels, found, settings.thresholds[1])?;
            self.decide(&pixels, found, settings.thresholds[2])
        })
    }

    /// Looks everywhere, at all sizes, by windows of 12 pixels.
    fn propose(&self, pixels: &Tensor, settings: &Settings) -> Result<Vec<Candidate>> {
        let (height, width) = (pixels.shape()[2], pixels.shape()[3]);
        let mut found = Vec::new();
        let mut scale = 12.0 / settings.min_face_size as f64;
        while height.min(width) as f64 * scale >= 12.0 {
            let scaled = |size: usize| (size as f64 * scale + 1.0) as usize;
            let small = adaptive_avg_pool2d(pixels, [scaled(height), scaled(width)])?;
            let Found { probability, offsets, .. } = self.pnet.forward(&small)?;
            let shape = probability.shape();
            let (rows, columns) = (shape[2], shape[3]);
            let probability = probability.to_vec::<f32>()?;
            let offsets = offsets.contiguous()?.to_vec::<f32>()?;
            let mut here = Vec::new();
            let area = rows * columns;
            for (at, &score) in probability[area..].iter().enumerate().filter(|&(_, &p)| p >= settings.thresholds[0]) {
                // Windows are 12 pixels wide, two pixels apart.
                let edge = |n: usize, from: usize| (((2 * n + from) as f64) / scale).floor() as f32;
                let (x, y) = (at % columns, at / columns);
                here.push(Candidate {
                    bounds: [edge(x, 1), edge(y, 1), edge(x, 12), edge(y, 12)],
                    score,
                    offsets: std::array::from_fn(|side| offsets[side * area + at]),
                    landmarks: [0.0; 10],
                });
            }
            found.extend(suppress(here, 0.5, Overlap::Union));
            scale *= settings.factor;
        }
        let found = suppress(found, 0.7, Overlap::Union);
        Ok(found.into_iter().map(|candidate| candidate.moved(0.0).squared()).collect())
    }

    /// Looks again at 24 pixels.
    fn refine(&self, pixels: &Tensor, found: Vec<Candidate>, threshold: f32) -> Result<Vec<Candidate>> {
        let found = look_again(pixels, found, 24, threshold, |images| self.rnet.forward(images))?;
        let found = suppress(found, 0.7, Overlap::Union);
        Ok(found.into_iter().map(|candidate| candidate.moved(1.0).squared()).collect())
    }

    /// Looks again at 48 pixels, and finds landmarks.
    fn decide(&self, pixels: &Tensor, found: Vec<Candidate>, threshold: f32) -> Result<Vec<Face>> {
        let found = look_again(pixels, found, 48, threshold, |images| self.onet.forward(images))?;
        let placed = found.into_iter().map(|candidate| candidate.placed_landmarks().moved(1.0)).collect();
        let face = |candidate: Candidate| Face {
            bounds: candidate.bounds,
            probability: candidate.score,
            landmarks: std::array::from_fn(|i| [candidate.landmarks[i], candidate.landmarks[5 + i]]),
        };
        Ok(suppress(placed, 0.7, Overlap::Smaller).into_iter().map(face).collect())
    }
}

/// What a network says to the parts of the image that the candidates show, at this size.
fn look_again(
    pixels: &Tensor,
    candidates: Vec<Candidate>,
    size: usize,
    threshold: f32,
    network: impl Fn(&Tensor) -> Result<Found>,
) -> Result<Vec<Candidate>> {
    let mut kept = Vec::new();
    for batch in candidates.chunks(BATCH) {
        let mut shown = Vec::new();
        let mut images = Vec::new();
        for candidate in batch {
            if let Some(part) = candidate.part(pixels)? {
                images.push(adaptive_avg_pool2d(&part, size)?);
                shown.push(*candidate);
            }
        }
        if images.is_empty() {
            continue;
        }
        let found = network(&cat(&images.iter().collect::<Vec<_>>(), 0)?)?;
        let probability = found.probability.to_vec::<f32>()?;
        let offsets = found.offsets.to_vec::<f32>()?;
        let landmarks = found.landmarks.map(|landmarks| landmarks.to_vec::<f32>()).transpose()?;
        for (at, candidate) in shown.into_iter().enumerate() {
            let score = probability[2 * at + 1];
            if score > threshold {
                kept.push(Candidate {
                    score,
                    offsets: std::array::from_fn(|side| offsets[4 * at + side]),
                    landmarks: landmarks.as_ref().map_or([0.0; 10], |l| std::array::from_fn(|i| l[10 * at + i])),
                    ..candidate
                });
            }
        }
    }
    Ok(kept)
}
