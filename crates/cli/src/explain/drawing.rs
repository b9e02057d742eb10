//! A convolution's geometry as a picture: where the kernel goes, and what one output pixel sees.

use super::corner::Axis;
use crate::svg::{Anchor, INK, Svg};
use flambeau_kernels::conv::Geometry;

const PADDING: &str = "#eceff2";
const IMAGE: &str = "#ffffff";
const GRID: &str = "#b8c2cc";
const FIRST: &str = "#2f6fbf";
const FIRST_TAP: &str = "#cfe0f5";
const NEXT: &str = "#7a5cc0";
const SEEN: &str = "#d9722a";
const SEEN_TAP: &str = "#f7c59f";
const QUIET: &str = "#66727f";
const MARGIN: f64 = 28.0;
/// Room for the labels to the left of and above a grid.
const LABELS: [f64; 2] = [58.0, 84.0];
/// Pixels that a grid may take, and how large a cell may be.
const MOST_GRID: f64 = 430.0;
const MOST_CELL: f64 = 30.0;
/// A kernel with its gaps is drawn up to so many cells.
const MOST_KERNEL: usize = 15;

/// A grid of cells at a place.
#[derive(Clone, Copy)]
struct Grid {
    x: f64,
    y: f64,
    cell: f64,
    rows: usize,
    columns: usize,
}

impl Grid {
    fn at(&self, row: usize, column: usize) -> [f64; 2] {
        [self.x + column as f64 * self.cell, self.y + row as f64 * self.cell]
    }

    fn width(&self) -> f64 {
        self.columns as f64 * self.cell
    }

    fn height(&self) -> f64 {
        self.rows as f64 * self.cell
    }

    fn fill(&self, svg: &mut Svg, row: usize, column: usize, colour: &str) {
        let [x, y] = self.at(row, column);
        let paint = format!(r#"fill="{colour}" stroke="{GRID}" stroke-width="0.8""#);
        svg.rect(x, y, self.cell, self.cell, &paint);
    }

    fn outline(&self, svg: &mut Svg, rows: [usize; 2], columns: [usize; 2], paint: &str) {
        let ([x, y], [right, bottom]) = (self.at(rows[0], columns[0]), self.at(rows[1], columns[1]));
        svg.rect(x, y, right - x, bottom - y, &format!(r#"fill="none" {paint}"#));
    }

    /// Fades out where an image goes on.
    fn tear(&self, svg: &mut Svg, right: bool, bottom: bool) {
        for step in 0..4 {
            let (from, opacity) = (self.cell * (0.25 * f64::from(step)), 0.22 * f64::from(step + 1));
            let paint = format!(r#"fill="white" fill-opacity="{opacity:.2}""#);
            let strip = self.cell * 0.25 + 1.0;
            if right {
                svg.rect(self.x + self.width() - self.cell + from, self.y - 1.0, strip, self.height() + 2.0, &paint);
            }
            if bottom {
                svg.rect(self.x - 1.0, self.y + self.height() - self.cell + from, self.width() + 2.0, strip, &paint);
            }
        }
    }
}

/// The picture of a two-dimensional convolution, as SVG.
pub fn draw(g: &Geometry) -> String {
    let [rows, columns] = [Axis::of(g, 1), Axis::of(g, 2)];
    let cell = (MOST_GRID / rows.drawn.max(columns.drawn).max(1) as f64).min(MOST_CELL);
    let top = MARGIN + 52.0 + LABELS[1];
    let input = Grid { x: MARGIN + LABELS[0], y: top, cell, rows: rows.drawn, columns: columns.drawn };
    let output_x = input.x + input.width() + 60.0 + LABELS[0];
    let output =
        Grid { x: output_x, y: top, cell: cell.max(14.0), rows: rows.drawn_output, columns: columns.drawn_output };
    let reach = |axis: &Axis| if axis.reach() <= MOST_KERNEL { axis.reach() } else { axis.kernel.min(MOST_KERNEL) };
    let kernel_top = output.y + output.height() + LABELS[1];
    let kernel =
        Grid { x: output_x, y: kernel_top, cell: cell.clamp(12.0, 22.0), rows: reach(&rows), columns: reach(&columns) };
    let legend_top = (input.y + input.height()).max(kernel.y + kernel.height() + 24.0) + 40.0;
    let right = (output.x + output.width()).max(kernel.x + kernel.width()).max(input.x + 640.0);
    let mut svg = Svg::new(right + MARGIN + 60.0, legend_top + 132.0);
    heading(&mut svg, g);
    draw_input(&mut svg, &input, &rows, &columns);
    draw_output(&mut svg, &output, &rows, &columns);
    rays(&mut svg, [&input, &output], &rows, &columns);
    draw_kernel(&mut svg, &kernel, &rows, &columns);
    legend(&mut svg, legend_top, g, &rows, &columns);
    svg.finish()
}

fn heading(svg: &mut Svg, g: &Geometry) {
    let ([_, height, width], [_, kernel_height, kernel_width], [_, rows, columns]) = (g.input, g.kernel, g.output());
    let title = format!(
        "conv2d: [{}, {}, {height}, {width}] * [{}, {}, {kernel_height}, {kernel_width}] \u{2192} [{}, {}, {rows}, {columns}]",
        g.batch,
        g.in_channels,
        g.out_channels,
        g.group_in_channels(),
        g.batch,
        g.out_channels,
    );
    svg.title([MARGIN, MARGIN + 8.0], 18.0, &title);
    let padding = if g.padding_begin == g.padding_end {
        format!("padding {}", pair(g.padding_begin))
    } else {
        format!("padding {} before, {} after", pair(g.padding_begin), pair(g.padding_end))
    };
    let options = format!("stride {}, {padding}, dilation {}, groups {}", pair(g.stride), pair(g.dilation), g.groups);
    svg.text([MARGIN, MARGIN + 30.0], 13.0, Anchor::Start, QUIET, &options);
}

/// Height and width: `3`, or `3 x 5` where they differ.
fn pair([_, height, width]: [usize; 3]) -> String {
    if height == width { height.to_string() } else { format!("{height} x {width}") }
}

fn draw_input(svg: &mut Svg, grid: &Grid, rows: &Axis, columns: &Axis) {
    for row in 0..grid.rows {
        for column in 0..grid.columns {
            let is_padding = rows.is_padding(row) || columns.is_padding(column);
            grid.fill(svg, row, column, if is_padding { PADDING } else { IMAGE });
        }
    }
    let example = [rows.example(), columns.example()];
    for (position, colour) in [([0, 0], FIRST_TAP), (example, SEEN_TAP)] {
        for row in rows.taps(position[0]) {
            for column in columns.taps(position[1]) {
                grid.fill(svg, row, column, colour);
            }
        }
    }
    // The edge of the image itself.
    let edge =
        |axis: &Axis, drawn: usize| [axis.padding_begin.min(drawn), (axis.padding_begin + axis.input).min(drawn)];
    grid.outline(svg, edge(rows, grid.rows), edge(columns, grid.columns), &stroke(INK, 1.6, ""));
    let next = |svg: &mut Svg, row: usize, column: usize| {
        if row < rows.drawn_output && column < columns.drawn_output {
            grid.outline(svg, rows.span(row), columns.span(column), &stroke(NEXT, 1.8, "5 3"));
        }
    };
    next(svg, 0, 1);
    next(svg, 1, 0);
    grid.outline(svg, rows.span(0), columns.span(0), &stroke(FIRST, 2.6, ""));
    grid.outline(svg, rows.span(example[0]), columns.span(example[1]), &stroke(SEEN, 2.6, ""));
    grid.tear(svg, !columns.is_whole(), !rows.is_whole());
    size_labels(svg, grid, ["input height", "input width"], rows, columns);
    stride_labels(svg, grid, rows, columns);
    let mut caption = "input".to_owned();
    if !rows.is_whole() || !columns.is_whole() {
        caption += ", its first corner";
    }
    svg.text([grid.x, grid.y + grid.height() + 20.0], 13.0, Anchor::Start, INK, &caption);
}

/// How long the image is along each axis, without its padding.
fn size_labels(svg: &mut Svg, grid: &Grid, names: [&str; 2], rows: &Axis, columns: &Axis) {
    let extent = |axis: &Axis| [axis.padding_begin.min(axis.drawn), (axis.padding_begin + axis.input).min(axis.drawn)];
    let [from, to] = extent(columns);
    let (y, x) = (grid.y - 46.0, grid.x - 40.0);
    let ends = [grid.at(0, from)[0], grid.at(0, to)[0]];
    size_line(svg, [ends[0], y], [ends[1], y], columns.is_whole());
    svg.text(
        [(ends[0] + ends[1]) / 2.0, y - 6.0],
        12.0,
        Anchor::Middle,
        QUIET,
        &format!("{} {}", names[1], columns.input),
    );
    let [from, to] = extent(rows);
    let ends = [grid.at(from, 0)[1], grid.at(to, 0)[1]];
    size_line(svg, [x, ends[0]], [x, ends[1]], rows.is_whole());
    svg.upward([x - 6.0, (ends[0] + ends[1]) / 2.0], 12.0, QUIET, &format!("{} {}", names[0], rows.input));
    if columns.padding_begin > 0 {
        let ends = [grid.x, grid.at(0, columns.padding_begin.min(columns.drawn))[0]];
        let text = format!("padding {}", columns.padding_begin);
        svg.measure([ends[0], y - 22.0], [ends[1], y - 22.0], QUIET);
        svg.text([ends[0], y - 28.0], 12.0, Anchor::Start, QUIET, &text);
    }
}

/// A size that is drawn whole, or goes on.
fn size_line(svg: &mut Svg, from: [f64; 2], to: [f64; 2], is_whole: bool) {
    if is_whole {
        svg.measure(from, to, QUIET);
    } else {
        svg.measure_from(from, to, QUIET);
    }
}

/// How far it is to the next position.
fn stride_labels(svg: &mut Svg, grid: &Grid, rows: &Axis, columns: &Axis) {
    if columns.drawn_output > 1 {
        let (y, to) = (grid.y - 10.0, grid.at(0, columns.stride)[0]);
        svg.measure([grid.x, y], [to, y], NEXT);
        svg.text([to + 6.0, y + 4.0], 12.0, Anchor::Start, NEXT, &format!("stride {}", columns.stride));
    }
    if rows.drawn_output > 1 {
        let (x, to) = (grid.x - 10.0, grid.at(rows.stride, 0)[1]);
        svg.measure([x, grid.y], [x, to], NEXT);
        svg.upward([x - 5.0, to + 30.0], 12.0, NEXT, &format!("stride {}", rows.stride));
    }
}

fn draw_output(svg: &mut Svg, grid: &Grid, rows: &Axis, columns: &Axis) {
    for row in 0..grid.rows {
        for column in 0..grid.columns {
            grid.fill(svg, row, column, IMAGE);
        }
    }
    let is_drawn = |row: usize, column: usize| row < grid.rows && column < grid.columns;
    let example = (rows.example(), columns.example());
    for (row, column, colour) in [(0, 0, FIRST_TAP), (example.0, example.1, SEEN)] {
        if is_drawn(row, column) {
            grid.fill(svg, row, column, colour);
        }
    }
    for (row, column) in [(0, 1), (1, 0)] {
        if is_drawn(row, column) && (row, column) != example {
            grid.outline(svg, [row, row + 1], [column, column + 1], &stroke(NEXT, 1.8, "5 3"));
        }
    }
    grid.outline(svg, [0, grid.rows], [0, grid.columns], &stroke(INK, 1.6, ""));
    let cut = [columns.drawn_output < columns.output, rows.drawn_output < rows.output];
    if grid.rows > 1 && grid.columns > 1 {
        grid.tear(svg, cut[0], cut[1]);
    }
    let (y, x) = (grid.y - 12.0, grid.x - 12.0);
    size_line(svg, [grid.x, y], [grid.x + grid.width(), y], !cut[0]);
    let middle = [grid.x + grid.width() / 2.0, grid.y + grid.height() / 2.0];
    svg.text([middle[0], y - 6.0], 12.0, Anchor::Middle, QUIET, &format!("output width {}", columns.output));
    size_line(svg, [x, grid.y], [x, grid.y + grid.height()], !cut[1]);
    svg.upward([x - 6.0, middle[1]], 12.0, QUIET, &format!("output height {}", rows.output));
    let caption = if cut.contains(&true) { "output, its first corner" } else { "output" };
    svg.text([grid.x, grid.y + grid.height() + 20.0], 13.0, Anchor::Start, INK, caption);
}

/// From what the output pixel sees to the pixel.
fn rays(svg: &mut Svg, [input, output]: [&Grid; 2], rows: &Axis, columns: &Axis) {
    let [row, column] = [rows.example(), columns.example()];
    let ([top, bottom], [_, right]) = (rows.span(row), columns.span(column));
    let paint = format!(r#"stroke="{SEEN}" stroke-width="1" stroke-dasharray="2 3""#);
    svg.line(input.at(top, right), output.at(row, column), &paint);
    svg.line(input.at(bottom, right), output.at(row + 1, column), &paint);
}

fn draw_kernel(svg: &mut Svg, grid: &Grid, rows: &Axis, columns: &Axis) {
    // Where the gaps of a dilated kernel find no room, they are left out.
    let step = |axis: &Axis| if axis.reach() <= MOST_KERNEL { axis.dilation.max(1) } else { 1 };
    let (row_step, column_step) = (step(rows), step(columns));
    for row in 0..grid.rows {
        for column in 0..grid.columns {
            let is_tap = row % row_step == 0 && column % column_step == 0;
            grid.fill(svg, row, column, if is_tap { SEEN_TAP } else { IMAGE });
        }
    }
    grid.outline(svg, [0, grid.rows], [0, grid.columns], &stroke(SEEN, 2.0, ""));
    let y = grid.y - 10.0;
    if column_step > 1 && grid.columns > column_step {
        let half = grid.cell / 2.0;
        let to = grid.at(0, column_step)[0] + half;
        svg.measure([grid.x + half, y], [to, y], QUIET);
        svg.text([to + 6.0, y + 4.0], 12.0, Anchor::Start, QUIET, &format!("dilation {}", columns.dilation));
    }
    let mut caption = format!("kernel {} x {}", rows.kernel, columns.kernel);
    if [rows.reach(), columns.reach()] != [rows.kernel, columns.kernel] {
        caption += &format!(", reaches {} x {}", rows.reach(), columns.reach());
    }
    svg.text([grid.x, grid.y + grid.height() + 20.0], 13.0, Anchor::Start, INK, &caption);
}

fn legend(svg: &mut Svg, top: f64, g: &Geometry, rows: &Axis, columns: &Axis) {
    let example = format!("what output pixel ({}, {}) sees", rows.example(), columns.example());
    let entries = [
        (FIRST_TAP, FIRST, "", "first position of the kernel"),
        (IMAGE, NEXT, "5 3", "next positions, one stride further"),
        (SEEN_TAP, SEEN, "", example.as_str()),
        (PADDING, GRID, "", "padding: zeros that are not in memory"),
    ];
    for (i, (fill, line, dash, text)) in entries.into_iter().enumerate() {
        let (x, y) = (MARGIN + 320.0 * (i % 2) as f64, top + 24.0 * (i / 2) as f64);
        svg.rect(x, y, 16.0, 16.0, &format!(r#"fill="{fill}" {}"#, stroke(line, 1.8, dash)));
        svg.text([x + 24.0, y + 13.0], 13.0, Anchor::Start, INK, text);
    }
    let [channels, filters] = [g.group_in_channels(), g.group_out_channels()];
    let products = channels.saturating_mul(rows.kernel).saturating_mul(columns.kernel);
    let groups = if g.groups == 1 {
        format!("Each of {} has its own kernel for each of {}:", counted(filters, "output"), counted(channels, "input"))
    } else {
        format!("In each of {} groups, {} from {}:", g.groups, counted(filters, "output"), counted(channels, "input"))
    };
    let sum =
        format!("an output pixel is a sum of {channels} x {} x {} = {products} products.", rows.kernel, columns.kernel);
    svg.text([MARGIN, top + 72.0], 13.0, Anchor::Start, INK, &groups);
    svg.text([MARGIN, top + 90.0], 13.0, Anchor::Start, INK, &sum);
}

/// `1 input channel`, `64 input channels`.
fn counted(channels: usize, of: &str) -> String {
    format!("{channels} {of} channel{}", if channels == 1 { "" } else { "s" })
}

fn stroke(colour: &str, width: f64, dash: &str) -> String {
    let dash = if dash.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dash}""#) };
    format!(r#"stroke="{colour}" stroke-width="{width}"{dash}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(input: [usize; 2], kernel: [usize; 2], stride: usize, padding: usize, dilation: usize) -> Geometry {
        Geometry {
            batch: 1,
            in_channels: 8,
            out_channels: 16,
            groups: 2,
            input: [1, input[0], input[1]],
            kernel: [1, kernel[0], kernel[1]],
            stride: [1, stride, stride],
            padding_begin: [0, padding, padding],
            padding_end: [0, padding, padding],
            dilation: [1, dilation, dilation],
        }
    }

    /// Texts and filled cells of a picture that is well-formed and whose shapes lie inside it.
    fn read(g: &Geometry) -> (Vec<String>, usize) {
        let picture = draw(g);
        let document = roxmltree::Document::parse(&picture).expect("well-formed");
        let number = |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name)?.parse::<f64>().ok();
        let root = document.root_element();
        let [width, height] = ["width", "height"].map(|name| number(root, name).expect("a size"));
        for rect in root.children().filter(|node| node.has_tag_name("rect")) {
            let (Some(x), Some(y)) = (number(rect, "x"), number(rect, "y")) else { continue };
            let [w, h] = ["width", "height"].map(|name| number(rect, name).expect("a size"));
            assert!(x >= 0.0 && y >= 0.0 && x + w <= width && y + h <= height, "{rect:?} of {width} x {height}");
        }
        let is_seen = |node: &roxmltree::Node<'_, '_>| node.attribute("fill") == Some(SEEN_TAP);
        let texts = root.children().filter_map(|node| node.text()).map(|text| text.trim().to_owned()).collect();
        (texts, root.children().filter(is_seen).count())
    }

    #[test]
    fn sizes_are_labelled_and_taps_are_coloured() {
        let (texts, seen) = read(&geometry([9, 11], [3, 3], 2, 1, 1));
        for label in ["input height 9", "input width 11", "output height 5", "output width 6", "stride 2", "padding 1"]
        {
            assert!(texts.iter().any(|text| text == label), "{label} in {texts:?}");
        }
        // Nine cells in the input, nine in the kernel, one in the legend.
        assert_eq!(seen, 19);
        assert!(texts.iter().any(|text| text.ends_with("4 x 3 x 3 = 36 products.")), "{texts:?}");
    }

    #[test]
    fn every_size_has_a_picture() {
        for (input, kernel, stride, padding, dilation) in [
            ([1, 1], [1, 1], 1, 0, 1),
            ([224, 224], [7, 7], 2, 3, 1),
            ([5000, 3], [3, 1], 1000, 0, 700),
            ([30, 30], [25, 25], 1, 12, 1),
            ([1, 1000], [1, 3], 1, 1, 1),
            ([64, 64], [3, 3], 1, 500, 300),
            ([12, 12], [2, 2], 5, 0, 1),
        ] {
            let (texts, _) = read(&geometry(input, kernel, stride, padding, dilation));
            assert!(texts.iter().any(|text| *text == format!("input width {}", input[1])));
        }
    }

    #[test]
    fn dilation_is_shown_in_the_kernel() {
        let (texts, seen) = read(&geometry([12, 12], [3, 3], 1, 0, 2));
        assert!(texts.iter().any(|text| text == "kernel 3 x 3, reaches 5 x 5"), "{texts:?}");
        assert!(texts.iter().any(|text| text == "dilation 2"));
        assert_eq!(seen, 19);
    }
}
