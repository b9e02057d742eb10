//! Rectangles that may show a face.

use flambeau_tensor::{Result, Tensor};

/// A rectangle, and what a network says to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Left, top, right, bottom, in pixels that count from 1.
    pub bounds: [f32; 4],
    /// How likely it shows a face.
    pub score: f32,
    /// How far each side should move, in widths and heights.
    pub offsets: [f32; 4],
    /// Five abscissas, then five ordinates: within the rectangle at first, then in pixels.
    pub landmarks: [f32; 10],
}

/// What the area that two rectangles share is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    /// The area of both together.
    Union,
    /// The area of the smaller one.
    Smaller,
}

impl Candidate {
    fn size(&self) -> [f32; 2] {
        let [left, top, right, bottom] = self.bounds;
        [right - left, bottom - top]
    }

    /// With its sides moved by its offsets; `border` is what a rectangle of one pixel is wide.
    pub fn moved(self, border: f32) -> Self {
        let [width, height] = self.size().map(|size| size + border);
        let sizes = [width, height, width, height];
        Self { bounds: std::array::from_fn(|side| self.bounds[side] + self.offsets[side] * sizes[side]), ..self }
    }

    /// The smallest square around it, about its centre.
    pub fn squared(self) -> Self {
        let [left, top, ..] = self.bounds;
        let [width, height] = self.size();
        let side = width.max(height);
        let (left, top) = (left + width * 0.5 - side * 0.5, top + height * 0.5 - side * 0.5);
        Self { bounds: [left, top, left + side, top + side], ..self }
    }

    /// With landmarks in pixels instead of shares of the rectangle.
    pub fn placed_landmarks(self) -> Self {
        let [left, top, ..] = self.bounds;
        let [width, height] = self.size().map(|size| size + 1.0);
        let landmarks = std::array::from_fn(|i| {
            let (from, size) = if i < 5 { (left, width) } else { (top, height) };
            size * self.landmarks[i] + from - 1.0
        });
        Self { landmarks, ..self }
    }

    /// The part of an image `(1, C, H, W)` that it shows; none if it lies beside the image.
    pub fn part(&self, image: &Tensor) -> Result<Option<Tensor>> {
        let shape = image.shape();
        let cut = |from: f32, to: f32, size: usize| {
            // Both ends belong to it, and pixels count from 1.
            let (first, last) = ((from.trunc() as isize).max(1), (to.trunc() as isize).min(size as isize));
            (first - 1, last - first + 1)
        };
        let [left, top, right, bottom] = self.bounds;
        let (x, width) = cut(left, right, shape[3]);
        let (y, height) = cut(top, bottom, shape[2]);
        if width <= 0 || height <= 0 {
            return Ok(None);
        }
        image.narrow(2, y, height as usize)?.narrow(3, x, width as usize).map(Some)
    }

    /// How much of one is in the other, from 0 to 1.
    fn overlap(&self, other: &Self, overlap: Overlap) -> f32 {
        let area = |bounds: [f32; 4]| {
            let side = |from: f32, to: f32| (to - from + 1.0).max(0.0);
            side(bounds[0], bounds[2]) * side(bounds[1], bounds[3])
        };
        let (a, b) = (self.bounds, other.bounds);
        let shared = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
        let whole = match overlap {
            Overlap::Union => area(a) + area(b) - shared,
            Overlap::Smaller => area(a).min(area(b)),
        };
        shared / whole
    }
}

/// The likeliest candidates, without those that overlap a likelier one by more than a limit.
pub(super) fn suppress(mut candidates: Vec<Candidate>, limit: f32, overlap: Overlap) -> Vec<Candidate> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|better| better.overlap(&candidate, overlap) <= limit) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use flambeau_tensor::DType;

    fn candidate(bounds: [f32; 4], score: f32) -> Candidate {
        Candidate { bounds, score, offsets: [0.1, -0.1, 0.0, 0.5], landmarks: [0.5; 10] }
    }

    #[test]
    fn the_likeliest_of_those_that_overlap_stays() {
        let candidates = vec![
            candidate([0.0, 0.0, 9.0, 9.0], 0.5),
            candidate([1.0, 0.0, 10.0, 9.0], 0.9),
            candidate([20.0, 0.0, 29.0, 9.0], 0.1),
            candidate([2.0, 1.0, 6.0, 5.0], 0.8),
        ];
        let scores = |kept: Vec<Candidate>| kept.iter().map(|c| c.score).collect::<Vec<_>>();
        assert_eq!(scores(suppress(candidates.clone(), 0.5, Overlap::Union)), [0.9, 0.8, 0.1]);
        // The small one lies within the likeliest.
        assert_eq!(scores(suppress(candidates, 0.5, Overlap::Smaller)), [0.9, 0.1]);
    }

    #[test]
    fn rectangles_move_and_become_squares() {
        let moved = candidate([10.0, 20.0, 29.0, 49.0], 1.0).moved(1.0);
        assert_eq!(moved.bounds, [12.0, 17.0, 29.0, 64.0]);
        assert_eq!(candidate([10.0, 20.0, 20.0, 40.0], 1.0).squared().bounds, [5.0, 20.0, 25.0, 40.0]);
        assert_eq!(candidate([10.0, 20.0, 19.0, 39.0], 1.0).placed_landmarks().landmarks[4..6], [14.0, 29.0]);
    }

    #[test]
    fn parts_end_at_the_image() {
        let image = Tensor::zeros([1, 3, 8, 10], DType::F32).expect("an image");
        let shape = |bounds| {
            let part = candidate(bounds, 1.0).part(&image).expect("a part");
            part.map(|part| part.shape()[2..].to_vec())
        };
        assert_eq!(shape([1.0, 1.0, 10.0, 8.0]), Some(vec![8, 10]));
        assert_eq!(shape([-5.0, 2.5, 3.9, 99.0]), Some(vec![7, 3]));
        assert_eq!(shape([11.0, 1.0, 20.0, 8.0]), None);
        assert_eq!(shape([1.0, -9.0, 5.0, 0.0]), None);
    }
}
