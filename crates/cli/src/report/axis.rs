//! Axes: from where to where, and which numbers stand beside them.

/// Above this quotient of the greatest and the least number, an axis is logarithmic.
const WIDE: f64 = 40.0;

/// One axis.
#[derive(Debug)]
pub struct Axis {
    ends: [f64; 2],
    ticks: Vec<f64>,
    /// Between two ticks; the least tick where the axis is logarithmic.
    step: f64,
    is_logarithmic: bool,
}

impl Axis {
    /// An axis of measured numbers, all finite. It ends at its first and last tick.
    pub fn new(values: impl Iterator<Item = f64> + Clone) -> Self {
        let [low, high] = range(values);
        if low > 1e-300 && high < 1e300 && high / low > WIDE {
            return Self::logarithmic(low, high);
        }
        let step = step((high - low) / 4.0);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let ticks = ticks(first, last, step);
        Self { ends: [first * step, last * step], ticks, step, is_logarithmic: false }
    }

    /// An axis of whole numbers that end where they end.
    pub fn counting(values: impl Iterator<Item = f64> + Clone) -> Self {
        let [low, high] = range(values);
        let step = step((high - low) / 6.0).max(1.0);
        let ticks = ticks((low / step).ceil(), (high / step).floor(), step);
        Self { ends: [low, high], ticks, step, is_logarithmic: false }
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let round = |digits: &[f64]| -> Vec<f64> {
            decades.clone().flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade))).collect()
        };
        let all = round(&[1.0, 2.0, 5.0]);
        let first = all.iter().copied().rfind(|&tick| tick <= low).unwrap_or(low);
        let last = all.iter().copied().find(|&tick| tick >= high).unwrap_or(high);
        let mut ticks = all;
        if (last / first).log10() > 2.5 {
            // Few enough that they do not touch.
            let every = ((last / first).log10() / 6.0).ceil().max(1.0) as i32;
            ticks = round(&[1.0]).into_iter().filter(|tick| tick.log10().round() as i32 % every == 0).collect();
        }
        ticks.retain(|tick| (first..=last).contains(tick));
        Self { ends: [first, last], ticks, step: first, is_logarithmic: true }
    }

    /// Numbers that stand beside the axis.
    pub fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// Whether equal distances are equal quotients.
    pub fn is_logarithmic(&self) -> bool {
        self.is_logarithmic
    }

    /// Where a number is on the axis, from 0 to 1.
    pub fn share(&self, value: f64) -> f64 {
        let [low, high] = if self.is_logarithmic { self.ends.map(f64::log10) } else { self.ends };
        let value = if self.is_logarithmic { value.log10() } else { value };
        // Halves: the difference of the ends need not overflow.
        ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0)
    }

    /// A tick in words.
    pub fn label(&self, tick: f64) -> String {
        let most = self.ends[0].abs().max(self.ends[1].abs());
        if tick == 0.0 {
            return "0".to_owned();
        }
        if most < 1e-3 || most >= 1e9 || (self.is_logarithmic && !(1e-3..1e6).contains(&tick)) {
            // 2.5 has a second digit, and what is left of sums in binary is rounded away.
            let digits = tick.abs() / 10f64.powf(tick.abs().log10().floor());
            let places = usize::from((digits - digits.round()).abs() > 1e-6);
            return format!("{tick:.places$e}");
        }
        let (divisor, unit) = match most {
            most if most >= 1e6 => (1e6, "M"),
            most if most >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
        let step = if self.is_logarithmic { tick } else { self.step } / divisor;
        let digits = (0..9).find(|&n| {
            let shifted = step * 10f64.powi(n);
            (shifted - shifted.round()).abs() < 1e-6 * shifted.abs()
        });
        format!("{:.*}{unit}", digits.unwrap_or(9) as usize, tick / divisor)
    }
}

/// The least and the greatest number, with some room where they are the same.
fn range(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if high > low {
        return [low, high];
    }
    let room = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
    [low - room, high + room]
}

/// The least of 1, 2, 2.5, 5 and 10 times a power of ten that is no less than `width`.
fn step(width: f64) -> f64 {
    let width = width.clamp(1e-300, 1e300);
    let power = 10f64.powf(width.log10().floor());
    let digit = [1.0, 2.0, 2.5, 5.0].into_iter().find(|digit| digit * power >= width * 0.999_999).unwrap_or(10.0);
    digit * power
}

fn ticks(first: f64, last: f64, step: f64) -> Vec<f64> {
    let count = (last - first).clamp(0.0, 20.0) as usize;
    (0..=count).map(|i| (first + i as f64) * step).filter(|tick| tick.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks().iter().map(|&tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round() {
        let of = |values: &[f64]| labels(&Axis::new(values.iter().copied()));
        assert_eq!(of(&[0.1, 0.93]), ["0.00", "0.25", "0.50", "0.75", "1.00"]);
        assert_eq!(
            of(&[0.0, 0.001]),
            ["0.00000", "0.00025", "0.00050", "0.00075", "0.00100"].map(|s| if s == "0.00000" { "0" } else { s })
        );
        assert_eq!(of(&[0.0, 8e-5]), ["0", "2e-5", "4e-5", "6e-5", "8e-5"]);
        assert_eq!(of(&[2.0, 2.0]), ["1.0", "1.5", "2.0", "2.5", "3.0"]);
        assert_eq!(of(&[1e-4, 1.0]), ["1e-4", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(of(&[0.03, 2.3]), ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"]);
    }

    #[test]
    fn counts_are_whole_numbers() {
        let of = |low: f64, high: f64| labels(&Axis::counting([low, high].into_iter()));
        assert_eq!(of(1.0, 5.0), ["1", "2", "3", "4", "5"]);
        assert_eq!(of(1.0, 1.0), ["1"]);
        assert_eq!(of(1.0, 90.0), ["20", "40", "60", "80"]);
        assert_eq!(of(1.0, 70_000.0), ["20k", "40k", "60k"]);
    }

    #[test]
    fn places_are_between_the_ends() {
        for values in [vec![1.0, 2.0], vec![1e-5, 1e5], vec![-1e300, 1e300], vec![0.0], vec![1e-320, 5e-324]] {
            let axis = Axis::new(values.iter().copied());
            for value in values {
                assert!((0.0..=1.0).contains(&axis.share(value)), "{value} on {axis:?}");
            }
            assert!(axis.ticks().len() >= 2 && axis.ticks().len() <= 20, "{axis:?}");
        }
    }
}
