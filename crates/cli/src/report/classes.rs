//! How well classes are told from each other.

use super::html::{self, Cell, Column};
use super::story::{Confusion, Story};
use crate::svg::{Anchor, Svg};

/// With more classes, numbers no longer fit into the cells of the matrix.
const NUMBERED: usize = 40;
/// With more classes, the matrix is a page too large to be looked at.
const DRAWN: usize = 120;
/// How many pairs of classes are listed.
const PAIRS: usize = 10;

/// The name of a class, or its number where it has none.
pub fn name(story: &Story, class: usize) -> String {
    story.dataset.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
}

/// Confusion matrix, frequent confusions, scores of classes.
pub fn figures(story: &Story) -> String {
    let Some(confusion) = story.confusion.as_ref().filter(|confusion| confusion.classes() > 0) else {
        return String::new();
    };
    let names: Vec<String> = (0..confusion.classes()).map(|class| name(story, class)).collect();
    let mut html = String::new();
    if names.len() <= DRAWN {
        html += &html::figure(
            "Confusion matrix",
            "Each row is a true class, each column an answer of the network. Blue cells are right answers, orange ones \
             mistakes; the stronger the colour, the larger the share of the row.",
            &format!("<div class=\"wide\">{}</div>\n", matrix(confusion, &names)),
        );
    }
    html + &frequent(confusion, &names) + &scores(confusion, &names)
}

fn matrix(confusion: &Confusion, names: &[String]) -> String {
    let numbered = names.len() <= NUMBERED;
    let most = (0..names.len()).flat_map(|class| confusion.row(class)).max().copied().unwrap_or(0);
    let digits = most.to_string().len();
    let cell = if numbered { (12.0 + 7.0 * digits as f64).max(28.0) } else { 10.0 };
    let size = if numbered { 12.0 } else { 9.0 };
    let longest = names.iter().map(|name| short(name).chars().count()).max().unwrap_or(0) as f64;
    let room = 16.0 + 0.58 * size * longest;
    let (left, top) = (room + 18.0, room + 18.0);
    let side = cell * names.len() as f64;
    let mut svg = Svg::new(left + side + 4.0, top + side + 4.0);
    svg.text([left + side / 2.0, 12.0], 12.0, Anchor::Middle, "var(--quiet)", "answer");
    svg.upward([12.0, top + side / 2.0], 12.0, "var(--quiet)", "true class");
    for (class, name) in names.iter().enumerate() {
        let middle = cell * (class as f64 + 0.5) + size * 0.35;
        svg.text([left - 6.0, top + middle], size, Anchor::End, "var(--ink)", &short(name));
        svg.upwards_from([left + middle, top - 6.0], size, "var(--ink)", &short(name));
        draw_row(&mut svg, confusion, class, names, [left, top + cell * class as f64, cell], numbered);
    }
    svg.rect(left, top, side, side, r#"fill="none" stroke="var(--grid)""#);
    svg.finish_inline("confusion matrix")
}

fn draw_row(
    svg: &mut Svg,
    confusion: &Confusion,
    class: usize,
    names: &[String],
    [left, y, cell]: [f64; 3],
    numbered: bool,
) {
    let row = confusion.row(class);
    let all: u64 = row.iter().sum();
    for (answer, &count) in row.iter().enumerate().filter(|&(_, &count)| count > 0) {
        let x = left + cell * answer as f64;
        let share = count as f64 / all as f64;
        let colour = if answer == class { "right" } else { "wrong" };
        // A root: few mistakes among many right answers are to be seen.
        let opacity = 0.08 + 0.92 * share.sqrt();
        let tip =
            format!("{} taken for {}: {} of {} ({})", names[class], names[answer], count, all, html::percent(share));
        let paint = format!(r#"fill="var(--{colour})" fill-opacity="{opacity:.2}""#);
        svg.cell(x, y, cell, cell, &paint, &tip);
        if numbered {
            let ink = if opacity > 0.6 { "#ffffff" } else { "var(--ink)" };
            svg.text([x + cell / 2.0, y + cell / 2.0 + 4.0], 12.0, Anchor::Middle, ink, &count.to_string());
        }
    }
}

/// A name that finds room beside a matrix.
fn short(name: &str) -> String {
    const MOST: usize = 18;
    if name.chars().count() <= MOST { name.to_owned() } else { name.chars().take(MOST - 1).chain(['…']).collect() }
}

fn frequent(confusion: &Confusion, names: &[String]) -> String {
    let mut pairs: Vec<(usize, usize, u64)> = (0..names.len())
        .flat_map(|class| confusion.row(class).iter().enumerate().map(move |(answer, &count)| (class, answer, count)))
        .filter(|&(class, answer, count)| class != answer && count > 0)
        .collect();
    if pairs.is_empty() {
        return html::figure("Frequent confusions", "The network made no mistake on these images.", "");
    }
    pairs.sort_by_key(|&(class, answer, count)| (std::cmp::Reverse(count), class, answer));
    let row = |&(class, answer, count): &(usize, usize, u64)| {
        let all: u64 = confusion.row(class).iter().sum();
        let share = count as f64 / all as f64;
        vec![
            names[class].as_str().into(),
            names[answer].as_str().into(),
            html::count(count).into(),
            html::percent(share).into(),
        ]
    };
    let head = [
        ("true class", Column::Text),
        ("taken for", Column::Text),
        ("images", Column::Number),
        ("of the class", Column::Number),
    ];
    let caption = if pairs.len() > PAIRS {
        format!("Which class was taken for which most often; the first {PAIRS} of {} such pairs.", pairs.len())
    } else {
        "Which class was taken for which, the most frequent first.".to_owned()
    };
    html::figure("Frequent confusions", &caption, &html::table(&head, pairs.iter().take(PAIRS).map(row)))
}

fn scores(confusion: &Confusion, names: &[String]) -> String {
    let share = |value: Option<f64>| value.map_or("–".to_owned(), html::percent);
    let rows = names.iter().enumerate().map(|(class, name)| {
        let score = confusion.class(class);
        vec![
            name.as_str().into(),
            share(score.precision).into(),
            share(score.recall).into(),
            share(score.f1).into(),
            html::count(score.support).into(),
            Cell::Bar(score.f1.unwrap_or(0.0)),
        ]
    });
    let head = [
        ("class", Column::Text),
        ("precision", Column::Number),
        ("recall", Column::Number),
        ("F1", Column::Number),
        ("images", Column::Number),
        ("", Column::Text),
    ];
    html::figure(
        "Classes",
        "Precision: of the answers with this class, how many are right. Recall: of its images, how many are found. F1 \
         is their harmonic mean, which the bars show.",
        &format!("<div class=\"tall\">{}</div>\n", html::table(&head, rows)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(classes: usize) -> Story {
        let mut confusion = Confusion::new(classes);
        for class in 0..classes {
            confusion.add(class, class);
            confusion.add(class, (class + 1) % classes);
        }
        let mut story = Story { confusion: Some(confusion), ..Story::default() };
        story.dataset.classes = vec!["<b>&\"'".to_owned(), "a name that is much longer than its room".to_owned()];
        story
    }

    #[test]
    fn few_and_many_classes_have_figures() {
        for (classes, cells) in [(2, 4), (50, 100), (121, 0)] {
            let html = format!("<div>{}</div>", figures(&story(classes)));
            let document = roxmltree::Document::parse(&html).expect("well-formed");
            let count = document.descendants().filter(|node| node.has_tag_name("rect") && node.has_children()).count();
            assert_eq!(count, cells, "{classes} classes");
            assert!(document.descendants().any(|node| node.has_tag_name("th") && node.text() == Some("<b>&\"'")));
        }
        assert_eq!(figures(&Story::default()), "");
    }

    #[test]
    fn a_network_without_mistakes_is_praised() {
        let mut confusion = Confusion::new(2);
        confusion.add(0, 0);
        let html = figures(&Story { confusion: Some(confusion), ..Story::default() });
        assert!(html.contains("made no mistake"), "{html}");
    }
}
