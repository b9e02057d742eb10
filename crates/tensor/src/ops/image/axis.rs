//! Which pixels an output of a resized axis is made of, and how much of each.
//!
//! Positions are computed in the arithmetic that PyTorch uses for the dtype (float32 for all but
//! float64), because rounding decides which pixel is the nearest.

use flambeau_kernels::resample::AxisMap;

/// How the pixels between pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resize {
    /// The pixel in which the output's corner falls, as OpenCV has it.
    Nearest,
    /// The pixel in which the output's centre falls, as Pillow and scikit-image have it.
    NearestExact,
    /// A straight line between the two neighbours, along each axis.
    Linear,
    /// Keys' cubic convolution over four neighbours (`a = -0.75`, 1981), along each axis.
    Cubic,
    /// A triangle, widened when the image shrinks, so that every pixel counts.
    LinearAntialias,
    /// Keys' cubic (`a = -0.5`), widened when the image shrinks.
    CubicAntialias,
    /// Lanczos' windowed sinc of three lobes, widened when the image shrinks.
    LanczosAntialias,
}

/// One axis to be resized.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) input: usize,
    pub(super) output: usize,
    /// The factor that the user gave, if he gave one.
    pub(super) scale: Option<f64>,
    /// Whether the first and last pixels keep their places.
    pub(super) align_corners: bool,
    /// Whether to compute in float64.
    pub(super) double: bool,
    /// Whether PyTorch takes its kernel for channels-last and small images, in which the nearest
    /// pixel is found with a float32 factor, and without one where the size stays or doubles.
    pub(super) direct: bool,
}

impl Axis {
    /// Rounds to the arithmetic of the dtype.
    fn round(&self, x: f64) -> f64 {
        if self.double { x } else { x as f32 as f64 }
    }

    /// Input positions for each output position.
    fn scale(&self) -> f64 {
        match (self.align_corners, self.scale) {
            (true, _) if self.output > 1 => self.round((self.input as f64 - 1.0) / (self.output as f64 - 1.0)),
            (true, _) => 0.0,
            (false, Some(scale)) if scale > 0.0 => self.round(1.0 / scale),
            _ => self.round(self.input as f64 / self.output as f64),
        }
    }

    /// The position in the input of output `o`'s centre.
    fn source(&self, scale: f64, o: usize) -> f64 {
        if self.align_corners {
            return self.round(scale * o as f64);
        }
        self.round(self.round(scale * (o as f64 + 0.5)) - 0.5)
    }

    fn last(&self) -> usize {
        self.input - 1
    }

    /// The entries of one output.
    fn entries(&self, how: Resize, scale: f64, o: usize) -> Vec<(usize, f64)> {
        match how {
            Resize::Nearest if self.direct && self.output == self.input => vec![(o, 1.0)],
            Resize::Nearest if self.direct && self.output == 2 * self.input => vec![(o / 2, 1.0)],
            Resize::Nearest => vec![((self.round(o as f64 * scale) as usize).min(self.last()), 1.0)],
            Resize::NearestExact => {
                let at = if self.direct {
                    self.round((o as f64 + 0.5) * scale)
                } else {
                    self.round(self.source(scale, o).max(0.0) + 0.5)
                };
                vec![((at as usize).min(self.last()), 1.0)]
            }
            Resize::Linear => {
                if self.output == self.input {
                    return vec![(o, 1.0)];
                }
                let at = self.source(scale, o).max(0.0);
                let low = (at as usize).min(self.last());
                let weight = self.round(at - low as f64).clamp(0.0, 1.0);
                let high = (low + 1).min(self.last());
                if high == low {
                    return vec![(low, 1.0)];
                }
                vec![(low, self.round(1.0 - weight)), (high, weight)]
            }
            Resize::Cubic => {
                let at = self.source(scale, o);
                let low = at.floor().min(self.last() as f64);
                let t = self.round(at - low).clamp(0.0, 1.0);
                let entry = |(i, weight): (usize, f64)| {
                    let place = (low as isize).saturating_add(i as isize - 1).clamp(0, self.last() as isize);
                    (place as usize, self.round(weight))
                };
                cubic_weights(t, -0.75).into_iter().enumerate().map(entry).collect()
            }
            _ if self.output == self.input => vec![(o, 1.0)],
            Resize::LinearAntialias => self.filtered(scale, o, 1.0, |x| (1.0 - x.abs()).max(0.0)),
            Resize::CubicAntialias => self.filtered(scale, o, 2.0, |x| cubic(x.abs(), -0.5)),
            Resize::LanczosAntialias => {
                self.filtered(scale, o, 3.0, |x| if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 })
            }
        }
    }

    /// The pixels under a filter of some radius around output `o`, widened by the scale where the
    /// image shrinks; their weights sum to 1.
    fn filtered(&self, scale: f64, o: usize, radius: f64, filter: impl Fn(f64) -> f64) -> Vec<(usize, f64)> {
        let widened = scale.max(1.0);
        let support = self.round(radius * widened);
        let centre = self.round(scale * (o as f64 + 0.5));
        let first = (self.round(centre - support) + 0.5).max(0.0) as usize;
        let end = (self.round(centre + support) + 0.5).clamp(0.0, self.input as f64) as usize;
        let weight = |i: usize| filter((i as f64 - centre + 0.5) / widened);
        let mut entries: Vec<(usize, f64)> = (first..end).map(|i| (i, weight(i))).collect();
        let total: f64 = entries.iter().map(|&(_, w)| w).sum();
        if total != 0.0 {
            entries.iter_mut().for_each(|(_, w)| *w = self.round(*w / total));
        }
        entries
    }

    /// How many entries an output has at most, about.
    pub(super) fn taps(&self, how: Resize) -> usize {
        let radius = match how {
            Resize::Nearest | Resize::NearestExact => return 1,
            Resize::Linear => return 2,
            Resize::Cubic => return 4,
            Resize::LinearAntialias => 1.0,
            Resize::CubicAntialias => 2.0,
            Resize::LanczosAntialias => 3.0,
        };
        let width = 2.0 * radius * self.scale().max(1.0) + 2.0;
        (width.min(self.input as f64) as usize).max(1)
    }

    /// The entries of all outputs.
    pub(super) fn outputs(&self, how: Resize) -> impl Iterator<Item = Vec<(usize, f64)>> {
        let scale = self.scale();
        (0..self.output).map(move |o| self.entries(how, scale, o))
    }

    /// The whole axis.
    pub(super) fn map(&self, how: Resize) -> AxisMap {
        AxisMap::new(self.input, self.outputs(how))
    }
}

/// Keys' cubic convolution kernel at a distance.
fn cubic(x: f64, a: f64) -> f64 {
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

/// The weights of the four pixels around a position `t` between the second and the third.
fn cubic_weights(t: f64, a: f64) -> [f64; 4] {
    [cubic(t + 1.0, a), cubic(t, a), cubic(1.0 - t, a), cubic(2.0 - t, a)]
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = std::f64::consts::PI * x;
    x.sin() / x
}
