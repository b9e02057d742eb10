//! Curves with their axes.

use super::axis::Axis;
use super::html::{self, text};
use crate::svg::{Anchor, Svg};

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 240.0;
const SIZE: f64 = 12.0;
/// About what a digit is wide.
const DIGIT: f64 = 6.8;
/// How many colours the page's style has.
const COLOURS: usize = 8;
/// With more points than these, a curve's points are shown only under the mouse.
const DOTS: usize = 40;

/// Several curves with common axes.
#[derive(Debug, Default)]
pub struct Chart {
    /// What is above it.
    pub title: String,
    /// What it shows, in a sentence or two.
    pub caption: String,
    /// What the horizontal axis counts.
    pub x: &'static str,
    /// Whether the numbers are shares, to be shown in per cent.
    pub shares: bool,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// One curve.
#[derive(Debug, Default)]
pub struct Curve {
    /// Its name in the legend.
    pub name: String,
    /// From left to right. Where a number is not finite, there is a gap.
    pub points: Vec<[f64; 2]>,
    /// The number of its colour; there are eight, which then repeat.
    pub colour: usize,
    /// Drawn faintly, as what matters less.
    pub faint: bool,
    /// A point to mark.
    pub marked: Option<usize>,
}

impl Curve {
    fn paint(&self) -> String {
        // Where colours repeat, dashes tell curves apart.
        let dash = ["", r#" stroke-dasharray="7 3""#, r#" stroke-dasharray="2 3""#][self.colour / COLOURS % 3];
        let (width, opacity) = if self.faint { (1.3, 0.55) } else { (2.0, 1.0) };
        let colour = self.colour % COLOURS;
        format!(
            r#"fill="none" stroke="var(--c{colour})" stroke-width="{width}" stroke-opacity="{opacity}" stroke-linejoin="round"{dash}"#
        )
    }
}

impl Chart {
    /// The figure, or nothing, if there is no number to draw.
    pub fn draw(&self) -> String {
        let finite = |curve: &'_ Curve| -> Vec<[f64; 2]> {
            curve.points.iter().copied().filter(|point| point.iter().all(|v| v.is_finite())).collect()
        };
        let points: Vec<[f64; 2]> = self.curves.iter().flat_map(finite).collect();
        if points.is_empty() {
            return String::new();
        }
        let factor = if self.shares { 100.0 } else { 1.0 };
        let x = Axis::counting(points.iter().map(|p| p[0]));
        let y = Axis::new(points.iter().map(|p| factor * p[1]));
        let label = |value: f64| if self.shares { format!("{} %", y.label(value)) } else { y.label(value) };
        let longest = y.ticks().iter().map(|&tick| label(tick).chars().count()).max().unwrap_or(0);
        let (left, right) = (10.0 + DIGIT * longest as f64, WIDTH - 12.0);
        let (top, bottom) = (10.0, HEIGHT - 40.0);
        let place = |[at_x, at_y]: [f64; 2]| {
            [left + (right - left) * x.share(at_x), bottom - (bottom - top) * y.share(factor * at_y)]
        };

        let mut svg = Svg::new(WIDTH, HEIGHT);
        for &tick in y.ticks() {
            let [_, at] = place([0.0, tick / factor]);
            svg.line([left, at], [right, at], r#"stroke="var(--grid)""#);
            svg.text([left - 6.0, at + 4.0], SIZE, Anchor::End, "var(--quiet)", &label(tick));
        }
        for &tick in x.ticks() {
            let [at, _] = place([tick, 0.0]);
            svg.line([at, bottom], [at, bottom + 4.0], r#"stroke="var(--quiet)""#);
            svg.text([at, bottom + 18.0], SIZE, Anchor::Middle, "var(--quiet)", &x.label(tick));
        }
        svg.line([left, bottom], [right, bottom], r#"stroke="var(--quiet)""#);
        svg.text([(left + right) / 2.0, HEIGHT - 4.0], SIZE, Anchor::Middle, "var(--quiet)", self.x);
        // What matters most is drawn last, above the rest.
        let mut curves: Vec<&Curve> = self.curves.iter().collect();
        curves.sort_by_key(|curve| !curve.faint);
        for curve in curves {
            let tip = |[at_x, at_y]: [f64; 2]| {
                let value = if self.shares { html::percent(at_y) } else { html::number(at_y) };
                format!("{}: {value} ({} {at_x})", curve.name, self.x)
            };
            draw_curve(&mut svg, curve, &place, &tip);
        }
        let note = if y.is_logarithmic() { " The vertical axis is logarithmic." } else { "" };
        let picture = self.legend() + &svg.finish_inline(&self.title);
        html::figure(&self.title, &format!("{}{note}", self.caption), &picture)
    }

    /// Names beside pieces of their lines; a single curve is named by the title.
    fn legend(&self) -> String {
        if self.curves.len() < 2 {
            return String::new();
        }
        let mut legend = "<ul class=\"legend\">".to_owned();
        for curve in &self.curves {
            let mut line = Svg::new(22.0, 8.0);
            line.line([1.0, 4.0], [21.0, 4.0], &curve.paint());
            legend += &format!("<li>{}{}</li>", line.finish_inline(""), text(&curve.name));
        }
        legend + "</ul>\n"
    }
}

fn draw_curve(svg: &mut Svg, curve: &Curve, place: &impl Fn([f64; 2]) -> [f64; 2], tip: &impl Fn([f64; 2]) -> String) {
    let is_finite = |point: &[f64; 2]| point.iter().all(|value| value.is_finite());
    for piece in curve.points.split(|point| !is_finite(point)).filter(|piece| piece.len() > 1) {
        let placed: Vec<[f64; 2]> = piece.iter().map(|&point| place(point)).collect();
        svg.path(&placed, &curve.paint());
    }
    let colour = curve.colour % COLOURS;
    let (radius, class) = if curve.points.len() <= DOTS { (2.2, "dot") } else { (4.0, "dot hidden") };
    let paint = format!(r#"class="{class}" fill="var(--c{colour})""#);
    for &point in curve.points.iter().step_by(curve.points.len().div_ceil(2 * DOTS).max(1)) {
        if is_finite(&point) {
            svg.dot(place(point), radius, &paint, &tip(point));
        }
    }
    if let Some(&point) = curve.marked.and_then(|at| curve.points.get(at)).filter(|point| is_finite(point)) {
        let paint = format!(r#"fill="var(--page)" stroke="var(--c{colour})" stroke-width="2.2""#);
        svg.dot(place(point), 4.5, &paint, &tip(point));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[f64]) -> String {
        let points = values.iter().enumerate().map(|(i, &v)| [i as f64 + 1.0, v]).collect();
        let curve = Curve { name: "a <curve>".to_owned(), points, marked: Some(0), ..Curve::default() };
        Chart { title: "Loss & \"more\"".to_owned(), x: "epoch", curves: vec![curve], ..Chart::default() }.draw()
    }

    /// Places of lines and dots, which lie inside the picture.
    fn places(figure: &str) -> Vec<[f64; 2]> {
        let document = roxmltree::Document::parse(figure).expect("well-formed");
        let lines = document.descendants().filter_map(|node| node.attribute("points"));
        let pair = |pair: &str| {
            let (x, y) = pair.split_once(',').expect("a pair");
            [x, y].map(|v| v.parse::<f64>().expect("a number"))
        };
        let dots = document.descendants().filter_map(|node| Some([node.attribute("cx")?, node.attribute("cy")?]));
        let dots = dots.map(|at| at.map(|v| v.parse::<f64>().expect("a number")));
        let places: Vec<[f64; 2]> = lines.flat_map(|points| points.split(' ').map(pair)).chain(dots).collect();
        assert!(places.iter().all(|[x, y]| (0.0..=WIDTH).contains(x) && (0.0..=HEIGHT).contains(y)), "{places:?}");
        places
    }

    #[test]
    fn lower_numbers_are_lower() {
        let figure = chart(&[3.0, 2.0, 1.0]);
        let places = places(&figure);
        // Three points of the line, three dots, one mark.
        assert_eq!(places.len(), 7);
        assert!(places[0][1] < places[1][1] && places[1][1] < places[2][1] && places[0][0] < places[1][0]);
        assert!(figure.contains("a &lt;curve&gt;: 3 (epoch 1)"), "{figure}");
    }

    #[test]
    fn gaps_single_points_and_constants_are_drawn() {
        assert_eq!(places(&chart(&[1.0, 2.0, f64::NAN, 4.0])).len(), 2 + 3 + 1);
        assert_eq!(places(&chart(&[0.5])).len(), 2);
        assert_eq!(places(&chart(&[0.0, 0.0])).len(), 5);
        places(&chart(&[1e-30, 1e30, -1e30]));
        places(&chart(&[1e4, 1.0, 1e-4]));
        assert_eq!(chart(&[f64::NAN, f64::INFINITY]), "");
        assert_eq!(chart(&[]), "");
    }
}
