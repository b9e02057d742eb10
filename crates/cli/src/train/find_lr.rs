//! `flambeau train --find-lr`.

use super::data::Data;
use super::freeze::Frozen;
use super::objective::Objective;
use super::options::Settings;
use crate::bars::bar;
use crate::numbers;
use flambeau::prelude::*;
use flambeau::train::{Curve, LrFinder, Trainer};
use std::process::ExitCode;

/// How many learning rates are shown.
const LINES: usize = 24;

/// Tries learning rates and shows how the loss takes them.
pub fn run(settings: &Settings, net: &dyn Layer, data: &Data) -> Result<ExitCode> {
    let (_, parameters) = Frozen::new(net, &settings.freeze)?;
    let mut trainer = Trainer::builder(net, super::optimizer(settings, parameters)?).build()?;
    let objective = Objective::new(settings);
    let compute = |net: &&dyn Layer, (images, labels): &(Tensor, Tensor)| objective.of(*net, images, labels);
    let curve = LrFinder::default().find(&mut trainer, &data.loader(settings)?, compute)?;
    numbers::print(&mut std::io::stdout(), &text(&curve))?;
    Ok(ExitCode::SUCCESS)
}

fn text(curve: &Curve) -> String {
    let most = curve.points.iter().map(|&(_, loss)| loss).fold(0.0, f64::max);
    let mut text = format!("{:>10}  {:>8}\n", "lr", "loss");
    for (lr, loss) in curve.points.iter().step_by(curve.points.len().div_ceil(LINES).max(1)) {
        text += &format!("{lr:>10.2e}  {loss:>8.4}  {}\n", bar(*loss, most, 40));
    }
    text += &match curve.suggestion() {
        Some(lr) => {
            format!("the loss falls fastest at {lr:.1e}: try --lr {lr:.1e}, or some times as much with onecycle\n")
        }
        None => "the loss falls at no learning rate\n".to_owned(),
    };
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn() {
        let points = (0..60).map(|i| (1e-6 * 1.3f64.powi(i), if i < 50 { 3.0 - 0.05 * f64::from(i) } else { 9.0 }));
        let text = text(&Curve { points: points.collect() });
        assert!(text.lines().count() <= LINES + 2 && text.contains("1.00e-6    3.0000  █"), "{text}");
        assert!(text.contains("the loss falls fastest at "));
        assert!(super::text(&Curve::default()).contains("falls at no learning rate"));
    }
}
