//! `flambeau eval`.

use crate::numbers::{self, positive};
use crate::train::{Data, Evaluation, Options as Training, Run, Settings, evaluate, make};
use flambeau::data::{Dataset, Prepared};
use flambeau::nn::StateDict;
use flambeau::prelude::*;
use flambeau::vision::models;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub const ABOUT: &str = "\
Say how well a trained network tells images apart.

Of the folder of a training all is known. Of a checkpoint alone the data must be
named; which network it is, is seen from its tensors, or said by --model.";

pub const EXAMPLES: &str = "Examples:
  flambeau eval digits.pt
  flambeau eval runs/fashion-mnist
  flambeau eval runs/flowers --data other-flowers/
  flambeau eval resnet18.pth --data flowers/ --size 128 --json";

/// Options of `flambeau eval`.
#[derive(clap::Args)]
pub struct Options {
    /// The folder of a training, or a checkpoint.
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// What to test with [default: the training's data; of a checkpoint, digits].
    #[arg(long, value_name = "NAME|FOLDER")]
    data: Option<String>,
    /// Where files of the named sets lie.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Height and width that images are brought to.
    #[arg(long, value_name = "PIXELS", value_parser = positive)]
    size: Option<usize>,
    /// The network of a checkpoint, as `flambeau train` names it.
    #[arg(long = "model", id = "network", value_name = "NAME|FILE")]
    network: Option<String>,
    /// Show the training images instead of the test images.
    #[arg(long)]
    train: bool,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Shows the images to the network, and what came of it.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let (settings, weights) = settings(options)?;
    let data = Data::open(&settings)?;
    let network = make(&settings.model, data.test.shape(), data.classes().len())?;
    let state = StateDict::from(flambeau::store::load(&weights)?).strip_prefix("module.");
    network.load_state_dict(&state).map_err(|error| error.context(weights.display()))?;
    let images = if options.train { &data.train } else { &data.test };
    let evaluation = evaluate(&*network, images, true)?;
    let text = if options.json { json(&evaluation, images) } else { text(&evaluation, images) };
    numbers::print(&mut std::io::stdout(), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// What the training's settings were, or would have been, and where the weights are.
fn settings(options: &Options) -> Result<(Settings, PathBuf)> {
    let asked = Training {
        data: options.data.clone(),
        root: options.root.clone(),
        size: options.size,
        model: options.network.clone(),
        augment: Some(crate::train::Augment::None),
        val_split: Some(0.0),
        ..Training::default()
    };
    if options.model.is_dir() {
        let run = Run::open(&options.model)?;
        return Ok((asked.over(run.options()?).settle(), run.weights()?));
    }
    let known = match &options.network {
        Some(_) => Training::default(),
        None => Training { model: Some(recognised(&options.model)?), ..Training::default() },
    };
    Ok((asked.over(known).settle(), options.model.clone()))
}

/// The network that a checkpoint is of.
fn recognised(path: &Path) -> Result<String> {
    let state = StateDict::from(flambeau::store::load(path)?).strip_prefix("module.");
    if let Some(guess) = models::guess(&state) {
        return Ok(guess.name.to_owned());
    }
    let has = |names: &[&str]| names.iter().all(|name| state.get(name).is_some());
    // The two that `cnn` means.
    if has(&["conv1.weight", "conv2.weight", "linear.weight"]) || has(&["features.0.weight", "classifier.weight"]) {
        return Ok("cnn".to_owned());
    }
    Err(Error::value(format!("{}: it is not seen which network this is of: say it by --model", path.display())))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.2} %", 100.0 * share))
}

fn text(evaluation: &Evaluation, images: &Prepared) -> String {
    let classes = images.images().classes();
    let mut text = format!(
        "{} images, accuracy {}, loss {:.4}",
        images.len(),
        percent(Some(evaluation.accuracy)),
        evaluation.loss
    );
    if let Some(share) = evaluation.top_5 {
        text += &format!(", top-5 accuracy {}", percent(Some(share)));
    }
    let width = classes.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
    text += &format!(
        "\n\n{:width$}  {:>6}  {:>9}  {:>9}  {:>9}  taken for\n",
        "class", "images", "precision", "recall", "F1"
    );
    for (class, name) in classes.iter().enumerate() {
        let score = evaluation.confusion.class(class);
        let others = (0..classes.len()).filter(|&answer| answer != class);
        let worst = others.max_by_key(|&answer| (evaluation.confusion.count(class, answer), std::cmp::Reverse(answer)));
        let worst = worst.map(|answer| (answer, evaluation.confusion.count(class, answer))).filter(|&(_, n)| n > 0);
        let worst = worst.map_or(String::new(), |(answer, n)| format!("{} ({n})", classes[answer]));
        text += &format!(
            "{name:width$}  {:>6}  {:>9}  {:>9}  {:>9}  {worst}\n",
            score.support,
            percent(score.precision),
            percent(score.recall),
            percent(score.f1)
        );
    }
    text
}

fn json(evaluation: &Evaluation, images: &Prepared) -> String {
    let classes: Vec<serde_json::Value> = images
        .images()
        .classes()
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let score = evaluation.confusion.class(class);
            let row: Vec<u64> =
                (0..evaluation.confusion.classes()).map(|answer| evaluation.confusion.count(class, answer)).collect();
            serde_json::json!({
                "name": name, "images": score.support, "precision": score.precision, "recall": score.recall,
                "f1": score.f1, "taken_for": row,
            })
        })
        .collect();
    let value = serde_json::json!({
        "images": images.len(), "accuracy": evaluation.accuracy, "loss": evaluation.loss,
        "top_5_accuracy": evaluation.top_5, "macro_f1": evaluation.confusion.macro_f1(), "classes": classes,
    });
    format!("{value:#}\n")
}
