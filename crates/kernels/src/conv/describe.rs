//! A plan in words and numbers, for a person who asks what a convolution will do.

use super::planner::{Origin, Pass, Plan, Problem};
use super::{ConvElement, Settings};
use crate::{simd, units};
use std::fmt;

/// What a plan is: the work by the definition, the algorithm, and what it expects of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What is solved.
    pub problem: Problem,
    /// The number type, as PyTorch writes it.
    pub dtype: &'static str,
    /// The algorithm's name.
    pub algorithm: &'static str,
    /// What is good about this algorithm here, in one sentence.
    pub why: &'static str,
    /// Why this algorithm and no other.
    pub origin: Origin,
    /// Floating-point operations by the definition.
    pub flops: u64,
    /// Bytes that must be read and written at least: input, weight and output once each.
    pub bytes: u64,
    /// Scratch memory in bytes, for one thread more or less.
    pub scratch: usize,
    /// The expected rate as a share of the multiply-add peak. Operations are those of the
    /// definition, so that an algorithm which needs fewer may exceed 1.
    pub expected: f64,
    /// The other algorithms that apply, the fastest expected first.
    pub others: Vec<Candidate>,
    /// How many spatial dimensions [shapes](Self::output_shape) have, from 1 to 3.
    pub spatial: usize,
}

/// An algorithm that could solve a problem but will not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The algorithm's name.
    pub algorithm: &'static str,
    /// What is good about it, in one sentence.
    pub why: &'static str,
    /// The rate it expects, as a share of the multiply-add peak.
    pub expected: f64,
    /// Scratch memory in bytes.
    pub scratch: usize,
    /// Whether the process's settings let the planner choose it.
    pub allowed: bool,
}

impl<T: ConvElement> Plan<T> {
    /// The plan in words and numbers.
    pub fn describe(&self) -> Description {
        let (problem, cost, settings) = (*self.problem(), self.cost(), Settings::current());
        let g = &problem.geometry;
        let numbers = [g.input_len(), g.weight_len(), g.output_len()].map(|len| len as u64);
        let candidate = |plan: Self| Candidate {
            algorithm: plan.algorithm(),
            why: plan.cost().why,
            expected: plan.cost().speed,
            scratch: plan.cost().scratch,
            allowed: settings.allows(plan.algorithm()),
        };
        Description {
            problem,
            dtype: <T as simd::Float>::NAME,
            algorithm: self.algorithm(),
            why: cost.why,
            origin: self.origin(),
            flops: g.flops(),
            bytes: numbers.iter().fold(0, |sum: u64, &n| sum.saturating_add(n.saturating_mul(size_of::<T>() as u64))),
            scratch: cost.scratch,
            expected: cost.speed,
            others: Self::all(problem)
                .into_iter()
                .filter(|plan| plan.algorithm() != self.algorithm())
                .map(candidate)
                .collect(),
            spatial: if [g.input[0], g.kernel[0]] == [1; 2] { 2 } else { 3 },
        }
    }
}

impl Description {
    /// Operations for each byte that must move; zero where nothing moves.
    pub fn intensity(&self) -> f64 {
        if self.bytes == 0 { 0.0 } else { self.flops as f64 / self.bytes as f64 }
    }

    /// `(batch, in_channels, spatial…)`
    pub fn input_shape(&self) -> Vec<usize> {
        let g = &self.problem.geometry;
        self.shape([g.batch, g.in_channels], g.input)
    }

    /// `(out_channels, in_channels / groups, kernel…)`
    pub fn weight_shape(&self) -> Vec<usize> {
        let g = &self.problem.geometry;
        self.shape([g.out_channels, g.group_in_channels()], g.kernel)
    }

    /// `(batch, out_channels, spatial…)`
    pub fn output_shape(&self) -> Vec<usize> {
        let g = &self.problem.geometry;
        self.shape([g.batch, g.out_channels], g.output())
    }

    /// The shape of what the pass computes: output, gradient of the input or of the weight.
    pub fn result_shape(&self) -> Vec<usize> {
        match self.problem.pass {
            Pass::Forward => self.output_shape(),
            Pass::DataGradient => self.input_shape(),
            Pass::WeightGradient => self.weight_shape(),
        }
    }

    fn shape(&self, lead: [usize; 2], size: [usize; 3]) -> Vec<usize> {
        lead.into_iter().chain(size[3 - self.spatial.clamp(1, 3)..].iter().copied()).collect()
    }

    /// Seconds that the plan expects to take where the peak is so many operations a second.
    pub fn expected_seconds(&self, peak: f64) -> f64 {
        self.flops as f64 / (self.expected * peak)
    }

    /// Why the planner chose as it did.
    pub fn reason(&self) -> String {
        let best = self.others.first().filter(|other| !other.allowed && other.expected > self.expected);
        match self.origin {
            Origin::Name => "asked for by name".to_owned(),
            Origin::Measured => "the fastest when the candidates were timed".to_owned(),
            Origin::Estimate if self.others.is_empty() => "the only one that applies".to_owned(),
            Origin::Estimate => {
                let among = 1 + self.others.iter().filter(|other| other.allowed).count();
                let but = best.map_or(String::new(), |best| format!("; {} is not allowed", best.algorithm));
                format!("expects to be the fastest of {among}{but}")
            }
        }
    }

    /// The facts one by one, each with its name.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("algorithm", format!("{}: {}", self.algorithm, self.why)),
            ("chosen", self.reason()),
            ("work", format!("{} by the definition", units::si(self.flops as f64, "FLOP"))),
            ("memory", format!("{} must move at least", units::si(self.bytes as f64, "B"))),
            ("intensity", format!("{} FLOP/B", units::digits(self.intensity()))),
            ("scratch", units::memory(self.scratch)),
            ("expected", format!("{} of peak", units::percent(self.expected))),
        ]
    }

    /// What is convolved with what, in two lines.
    pub fn headline(&self) -> String {
        let g = &self.problem.geometry;
        let from = 3 - self.spatial.clamp(1, 3);
        let option = |name: &str, axes: [usize; 3]| format!("{name} {}", axes_text(&axes[from..]));
        let padding = if g.padding_begin == g.padding_end {
            option("padding", g.padding_begin)
        } else {
            format!(
                "padding {} before and {} after",
                axes_text(&g.padding_begin[from..]),
                axes_text(&g.padding_end[from..])
            )
        };
        format!(
            "input {:?} * weight {:?} -> output {:?}\n{}, {padding}, {}, groups {}; {}, {}, {}",
            self.input_shape(),
            self.weight_shape(),
            self.output_shape(),
            option("stride", g.stride),
            option("dilation", g.dilation),
            g.groups,
            self.dtype,
            match self.problem.layout {
                super::ImageLayout::ChannelsFirst => "channels first",
                super::ImageLayout::ChannelsLast => "channels last",
            },
            self.problem.isa.name(),
        )
    }
}

/// `3`, or `3 x 5` where the axes differ.
fn axes_text(axes: &[usize]) -> String {
    if axes.iter().all(|size| *size == axes[0]) {
        return axes[0].to_string();
    }
    axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        write!(f, "{}", self.problem.pass)?;
        for (name, value) in self.facts() {
            write!(f, "\n  {name:<10} {value}")?;
        }
        for (i, other) in self.others.iter().enumerate() {
            let (name, note) = (if i == 0 { "others" } else { "" }, if other.allowed { "" } else { ", not allowed" });
            let expected = units::percent(other.expected);
            write!(f, "\n  {name:<10} {}: {expected} of peak expected{note}", other.algorithm)?;
        }
        Ok(())
    }
}

impl<T: ConvElement> fmt::Display for Plan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Geometry, ImageLayout};
    use super::*;
    use crate::simd::Isa;

    /// A strided layer: `(1, 64, 56, 56)` with `(128, 64, 3, 3)` to `(1, 128, 28, 28)`.
    fn problem(pass: Pass) -> Problem {
        let geometry = Geometry {
            batch: 1,
            in_channels: 64,
            out_channels: 128,
            groups: 1,
            input: [1, 56, 56],
            kernel: [1, 3, 3],
            stride: [1, 2, 2],
            padding_begin: [0, 1, 1],
            padding_end: [0, 1, 1],
            dilation: [1; 3],
        };
        Problem { geometry, layout: ImageLayout::ChannelsFirst, pass, isa: Isa::detect(), constant_weight: false }
    }

    #[test]
    fn numbers_by_hand() {
        let description = Plan::<f32>::new(problem(Pass::Forward)).describe();
        // 28 · 28 · 128 results of 64 · 9 multiplications and additions each.
        assert_eq!(description.flops, 2 * 28 * 28 * 128 * 64 * 9);
        // 64 · 56 · 56 + 128 · 64 · 9 + 128 · 28 · 28 numbers of four bytes.
        assert_eq!(description.bytes, 4 * (200_704 + 73_728 + 100_352));
        assert!((description.intensity() - 115_605_504.0 / 1_499_136.0).abs() < 1e-9);
        assert_eq!(description.output_shape(), [1, 128, 28, 28]);
        assert_eq!(description.dtype, "float32");
        let double = Plan::<f64>::new(problem(Pass::Forward)).describe();
        assert_eq!((double.flops, double.bytes), (description.flops, 2 * description.bytes));
        // Half a second at this peak, if all of it were reached.
        let seconds = description.expected_seconds(description.flops as f64 * 2.0);
        assert!((seconds - 0.5 / description.expected).abs() < 1e-12);
    }

    #[test]
    fn results_of_the_passes() {
        let shape = |pass| Plan::<f32>::new(problem(pass)).describe().result_shape();
        assert_eq!(shape(Pass::DataGradient), [1, 64, 56, 56]);
        assert_eq!(shape(Pass::WeightGradient), [128, 64, 3, 3]);
    }

    #[test]
    fn the_text_says_it_all() {
        let text = Plan::<f32>::new(problem(Pass::Forward)).to_string();
        for part in ["[1, 64, 56, 56]", "stride 2, padding 1", "116 MFLOP", "1.50 MB", "77.1 FLOP/B", "reference"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn reasons() {
        let named = Plan::<f32>::by_name(problem(Pass::Forward), "reference").expect("applies to everything");
        let description = named.describe();
        assert_eq!(description.reason(), "asked for by name");
        assert!(description.others.iter().all(|other| other.algorithm != "reference"));
        assert!(description.others.iter().any(|other| other.algorithm == "dense" && other.allowed));
    }
}
