//! The page about several runs.

use super::chart::{Chart, Curve};
use super::html::{self, Cell, Column};
use super::page::{best, curve, more};
use super::story::{Epoch, Story};

/// Runs with their names side by side.
pub fn page(runs: &[(String, Story)]) -> String {
    let names = runs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    let mut html = format!("<p>{}</p>\n", html::text(&names));
    html += &html::section("Results", &results(runs));
    html += &html::section("How they learned", &curves(runs));
    html += &html::section("What they differ in", &differences(runs));
    html::page(&format!("{} training runs compared", runs.len()), &html)
}

/// A row of results: its name, each run's number, how it is written, and whether more of it is better, if it is a
/// question of better at all.
struct Measure {
    name: String,
    values: Vec<Option<f64>>,
    write: fn(f64) -> String,
    better: Option<Better>,
}

#[derive(Clone, Copy)]
enum Better {
    More,
    Less,
}

impl Measure {
    fn row(&self) -> Vec<Cell> {
        let finite = self.values.iter().copied().flatten().filter(|value| value.is_finite());
        let best = match self.better {
            Some(Better::More) => finite.max_by(f64::total_cmp),
            Some(Better::Less) => finite.min_by(f64::total_cmp),
            None => None,
        };
        let cell = |&value: &Option<f64>| match value {
            None => "–".into(),
            Some(value) if Some(value) == best => Cell::Best((self.write)(value)),
            Some(value) => (self.write)(value).into(),
        };
        [self.name.as_str().into()].into_iter().chain(self.values.iter().map(cell)).collect()
    }
}

fn results(runs: &[(String, Story)]) -> String {
    let measure = |name: &str,
                   write: fn(f64) -> String,
                   better: Option<Better>,
                   value: &dyn Fn(&Story) -> Option<f64>| {
        Measure { name: name.to_owned(), values: runs.iter().map(|(_, story)| value(story)).collect(), write, better }
    };
    let whole: fn(f64) -> String = |value| html::count(value.max(0.0).round() as u64);
    let (less, greater) = (Some(Better::Less), Some(Better::More));
    let at_best = |story: &Story, value: &dyn Fn(&Epoch) -> Option<f64>| value(story.epochs.get(best(story)?)?);
    let last = |story: &Story, value: &dyn Fn(&Epoch) -> Option<f64>| value(story.epochs.last()?);
    let measures = [
        measure("best validation accuracy", html::percent, greater, &|s| at_best(s, &|e| e.validation_accuracy)),
        measure("validation loss then", html::number, less, &|s| at_best(s, &|e| e.validation_loss)),
        measure("after epoch", whole, None, &|s| at_best(s, &|e| Some(f64::from(e.epoch)))),
        measure("last validation accuracy", html::percent, greater, &|s| last(s, &|e| e.validation_accuracy)),
        measure("last training accuracy", html::percent, greater, &|s| last(s, &|e| e.train_accuracy)),
        measure("last training loss", html::number, less, &|s| last(s, &|e| Some(e.train_loss))),
        measure("epochs", whole, None, &|s| Some(s.epochs.len() as f64)),
        measure("time", html::duration, less, &|s| Some(s.epochs.iter().map(|e| e.seconds).sum())),
        measure("images a second, last epoch", whole, greater, &|s| last(s, &|e| Some(e.images_per_second))),
        measure("parameters", whole, None, &|s| Some(s.model.parameters as f64).filter(|&count| count > 0.0)),
    ];
    let shown = measures.iter().filter(|measure| measure.values.iter().any(Option::is_some));
    let table = html::table(&head(runs, Column::Number), shown.map(Measure::row));
    html::figure("Results", "One column for each run; the best of each row is bold.", &table)
}

fn head(runs: &[(String, Story)], column: Column) -> Vec<(&str, Column)> {
    [("", Column::Text)].into_iter().chain(runs.iter().map(|(name, _)| (name.as_str(), column))).collect()
}

fn curves(runs: &[(String, Story)]) -> String {
    let chart = |title: &str, caption: &str, shares: bool, value: &dyn Fn(&Epoch) -> Option<f64>| {
        let one = |(colour, (name, story)): (usize, &(String, Story))| Curve { colour, ..curve(story, name, value) };
        let curves: Vec<Curve> = runs.iter().enumerate().map(one).filter(|curve| !curve.points.is_empty()).collect();
        Chart { title: title.to_owned(), caption: caption.to_owned(), x: "epoch", shares, curves }.draw()
    };
    let mut charts = chart(
        "Validation accuracy",
        "The share of validation images told right after each epoch: higher is better.",
        true,
        &|epoch| epoch.validation_accuracy,
    );
    charts += &chart(
        "Validation loss",
        "The loss of images that were not learned from: lower is better; where it rises again, a network learns its \
         training images by heart.",
        false,
        &|epoch| epoch.validation_loss,
    );
    charts += &chart("Training loss", "The loss of the images that were learned from.", false, &|epoch| {
        Some(epoch.train_loss)
    });
    charts +=
        &chart("Training accuracy", "The share of training images told right.", true, &|epoch| epoch.train_accuracy);
    charts += &chart("Learning rate", "How far each step goes, at the end of each epoch.", false, &|epoch| {
        Some(epoch.learning_rate)
    });
    for name in more(runs.iter().map(|(_, story)| story)) {
        charts += &chart(name, "Measured at the end of each epoch.", false, &|epoch| epoch.more.get(name).copied());
    }
    if charts.is_empty() { charts } else { format!("<div class=\"charts\">\n{charts}</div>\n") }
}

/// What a run was told and where it ran, by name.
fn facts(story: &Story) -> Vec<(&str, String)> {
    let (machine, dataset) = (&story.machine, &story.dataset);
    let mut facts = vec![
        ("network", story.model.name.clone()),
        ("dataset", dataset.name.clone()),
        ("training images", dataset.train.to_string()),
        ("validation images", dataset.validation.to_string()),
    ];
    facts.extend(story.configuration.iter().map(|(name, value)| (name.as_str(), value.clone())));
    facts.extend([
        ("processor", machine.processor.clone()),
        ("threads that computed", machine.threads.to_string()),
        ("flambeau", machine.version.clone()),
    ]);
    facts
}

fn differences(runs: &[(String, Story)]) -> String {
    let facts: Vec<Vec<(&str, String)>> = runs.iter().map(|(_, story)| facts(story)).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in facts.iter().flatten() {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let rows = names.iter().filter_map(|&name| {
        let of = |facts: &Vec<(&str, String)>| {
            facts.iter().find(|(other, _)| *other == name).map_or("–".to_owned(), |(_, value)| value.clone())
        };
        let values: Vec<String> = facts.iter().map(of).collect();
        let differ = values.windows(2).any(|pair| pair[0] != pair[1]);
        differ.then(|| [name.to_owned()].into_iter().chain(values).map(Cell::from).collect::<Vec<_>>())
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    if rows.is_empty() {
        return html::figure("Settings", "They have the same settings and ran on the same machine.", "");
    }
    let caption = "Options, data and machine, where they are not the same in all runs.";
    html::figure("Settings", caption, &html::table(&head(runs, Column::Text), rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, rate: &str, losses: &[f64]) -> (String, Story) {
        let mut story = Story { configuration: vec![("lr".to_owned(), rate.to_owned())], ..Story::default() };
        story.configuration.push(("batch size".to_owned(), "32".to_owned()));
        story.epochs =
            (1..).zip(losses).map(|(epoch, &train_loss)| Epoch { epoch, train_loss, ..Epoch::default() }).collect();
        (name.to_owned(), story)
    }

    #[test]
    fn what_differs_is_told_and_the_best_is_bold() {
        let page =
            page(&[run("a<b", "0.1", &[2.0, 1.0]), run("c", "0.2", &[3.0, 0.5, f64::NAN]), run("d", "0.3", &[0.5])]);
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
        let document = roxmltree::Document::parse_with_options(&page, options).expect("well-formed");
        assert!(
            page.contains("<th>lr</th><td>0.1</td><td>0.2</td><td>0.3</td>") && !page.contains("batch size"),
            "{page}"
        );
        let row = "<th>last training loss</th><td class=\"n\">1</td><td class=\"n\">not a number</td><td class=\"n best\">0.5</td>";
        assert!(page.contains(row), "{page}");
        // One run has a single epoch, which is a dot; the others are lines.
        let lines = document.descendants().filter(|node| node.has_tag_name("polyline"));
        // In the charts of training loss and of learning rate.
        assert_eq!(lines.count(), 2 * 2);
    }

    #[test]
    fn equal_runs_do_not_differ() {
        assert!(page(&[run("a", "1", &[1.0]), run("b", "1", &[1.0])]).contains("the same settings"));
    }
}
