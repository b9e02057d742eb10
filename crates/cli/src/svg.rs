//! Pictures as SVG: the few shapes that ours are made of.

use std::fmt::Write;

/// A picture that grows shape by shape.
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Where a text is relative to its point.
#[derive(Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How a shape is painted: attributes as text, such as `fill="none" stroke="#888"`.
pub type Paint<'a> = &'a str;

/// The colour of text.
pub const INK: &str = "#1f2933";

impl Svg {
    /// An empty picture on white.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// A rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, paint: Paint<'_>) {
        self.push(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" {paint}/>"#,
            width.max(0.0),
            height.max(0.0)
        ));
    }

    /// A line.
    pub fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], paint: Paint<'_>) {
        self.push(format_args!(r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" {paint}/>"#));
    }

    /// A line through points.
    pub fn path(&mut self, points: &[[f64; 2]], paint: Paint<'_>) {
        let points: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
        self.push(format_args!(r#"<polyline points="{}" {paint}/>"#, points.join(" ")));
    }

    /// A circle that tells something when a mouse is over it.
    pub fn dot(&mut self, [x, y]: [f64; 2], radius: f64, paint: Paint<'_>, tip: &str) {
        let tip = escape(tip);
        self.push(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" {paint}><title>{tip}</title></circle>"#
        ));
    }

    /// A rectangle that tells something when a mouse is over it.
    pub fn cell(&mut self, x: f64, y: f64, width: f64, height: f64, paint: Paint<'_>, tip: &str) {
        let tip = escape(tip);
        self.push(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" {paint}><title>{tip}</title></rect>"#
        ));
    }

    /// A line with an arrow head at each end, for a size.
    pub fn measure(&mut self, from: [f64; 2], to: [f64; 2], colour: &str) {
        self.arrow(from, to, colour, &[(from, 1.0), (to, -1.0)]);
    }

    /// A line with an arrow head at its beginning, for a size that goes on beyond what is drawn.
    pub fn measure_from(&mut self, from: [f64; 2], to: [f64; 2], colour: &str) {
        self.arrow(from, to, colour, &[(from, 1.0)]);
    }

    /// A line with arrow heads at points, each pointing back (1) or on (-1).
    fn arrow(&mut self, from: [f64; 2], to: [f64; 2], colour: &str, heads: &[([f64; 2], f64)]) {
        let paint = format!(r#"stroke="{colour}" stroke-width="1.2""#);
        self.line(from, to, &paint);
        let length = (to[0] - from[0]).hypot(to[1] - from[1]).max(1e-6);
        let (dx, dy) = ((to[0] - from[0]) / length, (to[1] - from[1]) / length);
        let head = (length / 3.0).min(5.0);
        for &([x, y], sign) in heads {
            for side in [1.0, -1.0] {
                let (along, across) = (sign * head, side * head * 0.6);
                self.line([x, y], [x + along * dx - across * dy, y + along * dy + across * dx], &paint);
            }
        }
    }

    /// A line of text.
    pub fn text(&mut self, [x, y]: [f64; 2], size: f64, anchor: Anchor, colour: &str, text: &str) {
        self.label([x, y], size, anchor, colour, "", text);
    }

    /// A line of text in bold.
    pub fn title(&mut self, at: [f64; 2], size: f64, text: &str) {
        self.label(at, size, Anchor::Start, INK, r#" font-weight="bold""#, text);
    }

    /// A line of text that reads upwards, centred at a point.
    pub fn upward(&mut self, [x, y]: [f64; 2], size: f64, colour: &str, text: &str) {
        let turn = format!(r#" transform="rotate(-90 {x:.1} {y:.1})""#);
        self.label([x, y], size, Anchor::Middle, colour, &turn, text);
    }

    /// A line of text that reads upwards and begins at a point.
    pub fn upwards_from(&mut self, [x, y]: [f64; 2], size: f64, colour: &str, text: &str) {
        let turn = format!(r#" transform="rotate(-90 {x:.1} {y:.1})""#);
        self.label([x, y], size, Anchor::Start, colour, &turn, text);
    }

    fn label(&mut self, [x, y]: [f64; 2], size: f64, anchor: Anchor, colour: &str, more: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.push(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{more}>{text}</text>"#
        ));
    }

    fn push(&mut self, shape: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.body, "{shape}");
    }

    /// An element of an HTML page, on the page's own background. `label` is for those who do not see it.
    pub fn finish_inline(self, label: &str) -> String {
        let Self { width, height, body } = self;
        let label = escape(label);
        format!(
            "<svg role=\"img\" aria-label=\"{label}\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\">\n{body}</svg>\n"
        )
    }

    /// The file's content.
    pub fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"Helvetica, Arial, sans-serif\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
        )
    }
}

/// Text that means itself in XML and HTML, attributes included.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_well_formed() {
        let mut svg = Svg::new(100.0, 50.0);
        svg.title([1.0, 2.0], 12.0, "a < b & c > \"d\"");
        svg.measure([0.0, 0.0], [0.0, 0.0], INK);
        svg.rect(0.0, 0.0, -1.0, 5.0, r#"fill="none""#);
        let text = svg.finish();
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        let label = document.descendants().find(|node| node.has_tag_name("text")).expect("a text");
        assert_eq!(label.text(), Some("a < b & c > \"d\""));
    }
}
