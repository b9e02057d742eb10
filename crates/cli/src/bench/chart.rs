//! The results as a picture: a bar for each row, and a mark where its limit is.

use super::Row;
use crate::svg::{Anchor, INK, Svg};
use flambeau_kernels::conv::planner::Pass;
use flambeau_kernels::machine::{self, Roofline};
use flambeau_kernels::{parallel, units};

const ROW: f64 = 17.0;
const LEFT: f64 = 230.0;
const WIDTH: f64 = 560.0;
const TOP: f64 = 92.0;
const QUIET: &str = "#66727f";

fn colour(pass: Pass) -> &'static str {
    match pass {
        Pass::Forward => "#2f6fbf",
        Pass::DataGradient => "#d9722a",
        Pass::WeightGradient => "#4f9d5d",
    }
}

/// Bars of GFLOP/s, as SVG.
pub fn draw(rows: &[Row], roofline: Roofline) -> String {
    let fastest = rows.iter().filter_map(|row| Some(row.outcome.as_ref()?.1.rate)).fold(roofline.peak, f64::max);
    let x = |rate: f64| LEFT + WIDTH * (rate / fastest).clamp(0.0, 1.0);
    let bottom = TOP + ROW * rows.len() as f64 + 8.0;
    let mut svg = Svg::new(LEFT + WIDTH + 210.0, bottom + 46.0);
    svg.title([24.0, 32.0], 18.0, "Convolution layers, GFLOP/s");
    let threads = parallel::threads();
    let plural = if threads == 1 { "" } else { "s" };
    let machine =
        format!("{}, {threads} thread{plural}; copies {}", machine::name(), units::si(roofline.bandwidth, "B/s"));
    svg.text([24.0, 52.0], 12.0, Anchor::Start, QUIET, &machine);
    let peak = x(roofline.peak);
    svg.line([peak, TOP - 8.0], [peak, bottom], r##"stroke="#e3a79f" stroke-width="1.2" stroke-dasharray="5 3""##);
    let label = format!("multiply-add peak: {}", units::digits(roofline.peak / 1e9));
    svg.text([peak, TOP - 14.0], 11.0, Anchor::Middle, "#c0392b", &label);
    for (i, row) in rows.iter().enumerate() {
        draw_row(&mut svg, TOP + ROW * i as f64, row, i == 0 || rows[i - 1].layer != row.layer, &x);
    }
    legend(&mut svg, bottom + 22.0, rows);
    svg.finish()
}

fn draw_row(svg: &mut Svg, y: f64, row: &Row, is_first: bool, x: &impl Fn(f64) -> f64) {
    if is_first {
        svg.text([LEFT - 8.0, y + 12.0], 11.0, Anchor::End, INK, &row.layer);
    }
    let Some((algorithm, m)) = &row.outcome else {
        svg.text([LEFT + 4.0, y + 12.0], 11.0, Anchor::Start, QUIET, "not timed");
        return;
    };
    let fill = format!(r#"fill="{}""#, colour(row.pass));
    svg.rect(LEFT, y + 2.0, x(m.rate) - LEFT, ROW - 4.0, &fill);
    if m.is_memory_bound() {
        svg.line([x(m.bound), y], [x(m.bound), y + ROW], r##"stroke="#1f2933" stroke-width="2""##);
    }
    let text = format!("{} · {} · {algorithm}", units::digits(m.rate / 1e9), units::time(m.seconds));
    let after = x(m.rate).max(if m.is_memory_bound() { x(m.bound) } else { LEFT });
    svg.text([after + 6.0, y + 12.0], 10.0, Anchor::Start, QUIET, &text);
}

fn legend(svg: &mut Svg, y: f64, rows: &[Row]) {
    let mut x = LEFT;
    for pass in Pass::ALL {
        if rows.iter().any(|row| row.pass == pass) {
            svg.rect(x, y - 10.0, 12.0, 12.0, &format!(r#"fill="{}""#, colour(pass)));
            svg.text([x + 18.0, y], 12.0, Anchor::Start, INK, &pass.to_string());
            x += 130.0;
        }
    }
    svg.line([x, y - 10.0], [x, y + 2.0], r##"stroke="#1f2933" stroke-width="2""##);
    svg.text([x + 8.0, y], 12.0, Anchor::Start, INK, "where memory limits a layer");
}
