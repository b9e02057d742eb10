//! The page about one run.

use super::chart::{Chart, Curve};
use super::html::{self, Cell, Column};
use super::story::{Epoch, Story};
use super::{classes, pictures};
use flambeau::Result;
use flambeau_kernels::units;
use std::collections::BTreeSet;

/// One run's report.
pub fn page(story: &Story) -> Result<String> {
    let mut html = introduction(story);
    html += &html::section("How it learned", &curves(story));
    html += &html::section("What it tells right and wrong", &(classes::figures(story) + &pictures::mistakes(story)?));
    html += &html::section("What it sees", &(pictures::filters(story)? + &pictures::features(story)?));
    html += &html::section("The network", &layers(story));
    html += &html::section("How to do it again", &settings(story));
    html += &html::section("Numbers", &epochs(&story.epochs));
    let title = if story.title.is_empty() { "A training run" } else { &story.title };
    Ok(html::page(title, &html))
}

/// The epoch after which the validation images were told best: by accuracy, or by loss where there is none.
pub fn best(story: &Story) -> Option<usize> {
    let by = |value: &dyn Fn(&Epoch) -> Option<f64>| {
        let values = story.epochs.iter().enumerate().filter_map(|(at, epoch)| Some((at, value(epoch)?)));
        // Of equals the first, as a checkpoint of the best network would be kept.
        values.filter(|(_, value)| value.is_finite()).rev().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
    };
    by(&|epoch| epoch.validation_accuracy).or_else(|| by(&|epoch| epoch.validation_loss.map(|loss| -loss)))
}

fn introduction(story: &Story) -> String {
    let (dataset, model) = (&story.dataset, &story.model);
    let mut sentence = String::new();
    if !model.name.is_empty() {
        sentence += &format!("{} ({} parameters)", model.name, html::count(model.parameters));
        if dataset.train > 0 {
            sentence += &format!(" learned from {} images", html::count(dataset.train as u64));
            if !dataset.classes.is_empty() {
                sentence += &format!(" of {} classes", dataset.classes.len());
            }
            if !dataset.name.is_empty() {
                sentence += &format!(" in {}", dataset.name);
            }
        }
        sentence += ".";
        if dataset.validation > 0 {
            let count = html::count(dataset.validation as u64);
            sentence +=
                &format!(" {count} others, the validation images, it never learned from: they show what it can.");
        }
    }
    if story.began > 0 {
        sentence += &format!(" It began on {}.", html::date(story.began));
    }
    let paragraph =
        if sentence.is_empty() { String::new() } else { format!("<p>{}</p>\n", html::text(sentence.trim())) };
    paragraph + &html::tiles(&results(story))
}

/// What it came to, in a few numbers.
fn results(story: &Story) -> Vec<[String; 3]> {
    let Some(last) = story.epochs.last() else { return Vec::new() };
    let mut tiles = Vec::new();
    let mut tile = |name: &str, value: String, note: String| tiles.push([name.to_owned(), value, note]);
    if let Some(best) = best(story).and_then(|at| story.epochs.get(at)) {
        let note = format!("best, after epoch {} of {}", best.epoch, last.epoch);
        match (best.validation_accuracy, best.validation_loss) {
            (Some(accuracy), _) => tile("Validation accuracy", html::percent(accuracy), note),
            (None, Some(loss)) => tile("Validation loss", html::number(loss), note),
            (None, None) => {}
        }
    }
    if let Some(accuracy) = last.train_accuracy {
        tile("Training accuracy", html::percent(accuracy), "in the last epoch".to_owned());
    }
    let note = last.validation_loss.map_or(String::new(), |loss| format!("validation {}", html::number(loss)));
    tile("Last training loss", html::number(last.train_loss), note);
    let seconds: f64 = story.epochs.iter().map(|epoch| epoch.seconds).sum();
    tile("Time", html::duration(seconds), format!("{} epochs, {} steps", story.epochs.len(), html::count(last.step)));
    let speeds: Vec<f64> = story.epochs.iter().map(|epoch| epoch.images_per_second).filter(|v| v.is_finite()).collect();
    let speed = speeds.iter().sum::<f64>() / speeds.len().max(1) as f64;
    let threads = story.machine.threads;
    let note = format!("on {threads} thread{}", if threads == 1 { "" } else { "s" });
    tile("Images a second", html::count(speed.round() as u64), note);
    tiles
}

/// One curve over the epochs.
pub fn curve(story: &Story, name: &str, value: impl Fn(&Epoch) -> Option<f64>) -> Curve {
    let points = story.epochs.iter().filter_map(|epoch| Some([f64::from(epoch.epoch), value(epoch)?])).collect();
    Curve { name: name.to_owned(), points, ..Curve::default() }
}

/// Names of the numbers that only some runs have.
pub fn more<'a>(stories: impl IntoIterator<Item = &'a Story>) -> BTreeSet<&'a String> {
    stories.into_iter().flat_map(|story| &story.epochs).flat_map(|epoch| epoch.more.keys()).collect()
}

fn curves(story: &Story) -> String {
    let best = best(story);
    let both = |train: Curve, validation: Curve| {
        let marked = best.filter(|_| validation.points.len() == story.epochs.len());
        let curves = vec![train, Curve { colour: 1, marked, ..validation }];
        curves.into_iter().filter(|curve| !curve.points.is_empty()).collect::<Vec<_>>()
    };
    let ring = if best.is_some() { " The ring marks the best epoch." } else { "" };
    let mut charts = Chart {
        title: "Loss".to_owned(),
        caption: format!("What training makes small: how far answers are from the truth.{}{ring}", overfitting(story)),
        x: "epoch",
        curves: both(
            curve(story, "training images", |epoch| Some(epoch.train_loss)),
            curve(story, "validation images", |epoch| epoch.validation_loss),
        ),
        ..Chart::default()
    }
    .draw();
    charts += &Chart {
        title: "Accuracy".to_owned(),
        caption: format!("The share of images that are told right.{ring}"),
        x: "epoch",
        shares: true,
        curves: both(
            curve(story, "training images", |epoch| epoch.train_accuracy),
            curve(story, "validation images", |epoch| epoch.validation_accuracy),
        ),
    }
    .draw();
    for name in more([story]) {
        charts += &Chart {
            title: name.clone(),
            caption: "Measured at the end of each epoch.".to_owned(),
            x: "epoch",
            curves: vec![curve(story, name, |epoch| epoch.more.get(name).copied())],
            ..Chart::default()
        }
        .draw();
    }
    let steps = story.steps.points();
    let by_step = |value: &dyn Fn(usize) -> f64| {
        (0..steps.len()).map(|at| [steps[at].step as f64, value(at)]).collect::<Vec<_>>()
    };
    let loss = Curve { name: "loss".to_owned(), points: by_step(&|at| steps[at].loss), ..Curve::default() };
    charts += &Chart {
        title: "Loss of batches".to_owned(),
        caption: "The loss of each batch (of several together, in a long run): it jumps because batches differ; its \
                  trend is what counts."
            .to_owned(),
        x: "step",
        curves: vec![loss],
        ..Chart::default()
    }
    .draw();
    let points = by_step(&|at| steps[at].learning_rate);
    let rate = Curve { name: "learning rate".to_owned(), points, colour: 2, ..Curve::default() };
    charts += &Chart {
        title: "Learning rate".to_owned(),
        caption: "How far each step goes: large steps learn fast, small ones settle.".to_owned(),
        x: "step",
        curves: vec![rate],
        ..Chart::default()
    }
    .draw();
    if charts.is_empty() { charts } else { format!("<div class=\"charts\">\n{charts}</div>\n") }
}

/// What the two losses together say.
fn overfitting(story: &Story) -> String {
    if let Some(epoch) = story.epochs.iter().find(|epoch| !epoch.train_loss.is_finite()) {
        return format!(" From epoch {} on it is not a number: the learning rate may be too high.", epoch.epoch);
    }
    let losses: Vec<(u32, f64)> =
        story.epochs.iter().filter_map(|epoch| Some((epoch.epoch, epoch.validation_loss?))).collect();
    let least = losses.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    match (least, losses.last()) {
        // A tenth more is more than chance, in most runs.
        (Some((epoch, least)), Some(&(_, last))) if last > 1.1 * least => format!(
            " On validation images it was least after epoch {epoch} ({}) and has risen to {} since: from there on the \
             network learned its training images by heart.",
            html::number(least),
            html::number(last)
        ),
        (Some((epoch, least)), Some(_)) => {
            format!(" On validation images it was least after epoch {epoch}: {}.", html::number(least))
        }
        _ => String::new(),
    }
}

fn layers(story: &Story) -> String {
    let layers = &story.model.layers;
    if layers.is_empty() {
        return String::new();
    }
    let longest = layers.iter().filter_map(|layer| layer.seconds).fold(0.0, f64::max);
    let all: f64 = layers.iter().filter_map(|layer| layer.seconds).sum();
    let rows = layers.iter().map(|layer| {
        let output: Vec<String> = layer.output.iter().map(usize::to_string).collect();
        vec![
            layer.name.as_str().into(),
            layer.kind.as_str().into(),
            output.join(" x ").into(),
            html::count(layer.parameters).into(),
            layer.algorithm.as_str().into(),
            layer.seconds.map_or("–".to_owned(), units::time).into(),
            Cell::Bar(layer.seconds.unwrap_or(0.0) / longest.max(f64::MIN_POSITIVE)),
        ]
    });
    let head = [
        ("layer", Column::Text),
        ("kind", Column::Roomy),
        ("output", Column::Roomy),
        ("parameters", Column::Number),
        ("algorithm", Column::Roomy),
        ("time", Column::Number),
        ("", Column::Text),
    ];
    let timed = if longest > 0.0 {
        format!(" Bars show the time of one forward pass, {} in these layers together.", units::time(all))
    } else {
        String::new()
    };
    let caption = format!("Layers that learn, in the order in which they compute.{timed}");
    html::figure("Layers", &caption, &format!("<div class=\"tall\">{}</div>\n", html::table(&head, rows)))
}

fn settings(story: &Story) -> String {
    let mut html = String::new();
    if !story.command.is_empty() {
        html += &format!("<pre>{}</pre>\n", html::text(&html::command(&story.command)));
    }
    let machine = &story.machine;
    let threads = if machine.threads > 0 { machine.threads.to_string() } else { String::new() };
    let here = [
        ("processor", machine.processor.clone()),
        ("threads", threads),
        ("system", machine.system.clone()),
        ("flambeau", machine.version.clone()),
    ];
    let here = here.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, value.as_str()));
    let head = [("setting", Column::Text), ("value", Column::Text)];
    let pairs = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
        let rows: Vec<Vec<Cell>> = pairs.map(|(name, value)| vec![name.into(), value.into()]).collect();
        if rows.is_empty() { String::new() } else { html::table(&head, rows) }
    };
    let options = pairs(&mut story.configuration.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if !options.is_empty() {
        html += &html::figure("Configuration", "Every option, as it was given or by default.", &options);
    }
    let machine = pairs(&mut here.into_iter());
    if !machine.is_empty() {
        html += &html::figure("Machine", "Where it ran: times are this machine's.", &machine);
    }
    html
}

fn epochs(epochs: &[Epoch]) -> String {
    if epochs.is_empty() {
        return String::new();
    }
    let share = |value: Option<f64>| value.map_or("–".to_owned(), html::percent);
    let rows = epochs.iter().map(|epoch| {
        vec![
            epoch.epoch.to_string().into(),
            html::number(epoch.train_loss).into(),
            epoch.validation_loss.map_or("–".to_owned(), html::number).into(),
            share(epoch.train_accuracy).into(),
            share(epoch.validation_accuracy).into(),
            html::number(epoch.learning_rate).into(),
            html::number(epoch.images_per_second).into(),
            html::duration(epoch.seconds).into(),
        ]
    });
    let head = [
        ("epoch", Column::Number),
        ("training loss", Column::Number),
        ("validation loss", Column::Number),
        ("training accuracy", Column::Number),
        ("validation accuracy", Column::Number),
        ("learning rate", Column::Number),
        ("images/s", Column::Number),
        ("time", Column::Number),
    ];
    html::details("Every epoch in numbers", &html::table(&head, rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::picture::Picture;
    use crate::report::story::{Confusion, Features, Layer, Machine, Mistake};
    use flambeau::{DType, Tensor};
    use roxmltree::{Document, ParsingOptions};

    const HOSTILE: &str = "</style><script>alert('1')</script>\" onload=\"x\" &amp; \u{1}";

    fn told() -> Story {
        let text = || HOSTILE.to_owned();
        let picture = Picture::new(&Tensor::zeros([3, 2, 2], DType::U8).expect("zeros")).expect("a picture");
        let mut story = Story { title: text(), command: vec![text()], machine: Machine::here(), ..Story::default() };
        story.began = 1;
        story.configuration.push((text(), text()));
        (story.dataset.name, story.dataset.classes, story.dataset.train) = (text(), vec![text(), text()], 9);
        story.dataset.validation = 3;
        story.model.name = text();
        let layer = Layer { name: text(), kind: text(), algorithm: text(), seconds: Some(1e-3), ..Layer::default() };
        story.model.layers.push(layer);
        for (epoch, loss) in [(1, 0.5), (2, 0.25), (3, 0.5)] {
            story.epochs.push(Epoch {
                epoch,
                train_loss: 1.0 / f64::from(epoch),
                train_accuracy: Some(0.75),
                validation_loss: Some(loss),
                validation_accuracy: Some(1.0 - loss),
                more: [(text(), loss)].into(),
                ..Epoch::default()
            });
            story.steps.push(u64::from(epoch), loss, 0.1);
        }
        let mut confusion = Confusion::new(2);
        confusion.add(0, 1);
        story.confusion = Some(confusion);
        let source = Some(text());
        story.mistakes.push(Mistake { picture: picture.clone(), label: 0, answer: 7, probability: 0.5, source });
        story.filters.push(picture.clone());
        let layers = vec![(text(), vec![picture.clone()])];
        story.features = Some(Features { picture, caption: text(), layers });
        story
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        let page = page(&told()).expect("a page");
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&page, options).expect("well-formed");
        for node in document.descendants().filter(roxmltree::Node::is_element) {
            assert_ne!(node.tag_name().name(), "script");
            for attribute in node.attributes() {
                assert!(!attribute.name().starts_with("on"), "{attribute:?}");
                let asks = matches!(attribute.name(), "src" | "href") && !attribute.value().starts_with("data:");
                assert!(!asks, "{attribute:?} needs another file");
            }
        }
        let said = HOSTILE.replace('\u{1}', "\u{fffd}");
        let texts =
            document.descendants().filter(|node| node.is_text() && node.text().is_some_and(|t| t.contains(&said)));
        // Title, heading, introduction, legend and table of classes, pictures, layers, settings, at least.
        assert!(texts.count() > 10);
        assert!(!page.contains("url(") && !page.contains("@import"));
    }

    #[test]
    fn every_part_is_there_and_says_what_it_shows() {
        let page = page(&told()).expect("a page");
        for title in [
            "Loss",
            "Accuracy",
            "Loss of batches",
            "Learning rate",
            "Confusion matrix",
            "Frequent confusions",
            "Classes",
            "Worst mistakes",
            "Filters of the first convolution",
            "Feature maps",
            "Layers",
            "Configuration",
            "Machine",
        ] {
            assert!(page.contains(&format!("<figcaption><h3>{title}</h3><p>")), "{title}");
        }
        assert!(page.contains("it was least after epoch 2 (0.25) and has risen to 0.5 since"), "{page}");
        assert!(page.contains("best, after epoch 2 of 3"), "{page}");
    }

    #[test]
    fn a_story_of_which_little_is_known_is_told() {
        let page = page(&Story::default()).expect("a page");
        assert!(page.contains("<h1>A training run</h1>") && !page.contains("<figure"), "{page}");
        let mut story = Story::default();
        story.epochs.push(Epoch { epoch: 4, train_loss: f64::NAN, ..Epoch::default() });
        assert_eq!(best(&story), None);
        assert!(self::page(&story).expect("a page").contains("not a number"));
    }

    #[test]
    fn the_first_of_equal_epochs_is_the_best() {
        let mut story = told();
        story.epochs[0].validation_accuracy = Some(0.75);
        assert_eq!(best(&story), Some(0));
        for epoch in &mut story.epochs {
            epoch.validation_accuracy = None;
        }
        assert_eq!(best(&story), Some(1));
    }
}
