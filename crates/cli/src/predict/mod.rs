//! `flambeau predict`.

mod trained;

use crate::bars::bar;
use crate::classify::pictures;
use crate::digits::DigitNet;
use crate::numbers::{self, positive};
use crate::picture;
use flambeau::autograd::no_grad;
use flambeau::prelude::*;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use trained::Trained;

pub const ABOUT: &str = "\
Say what pictures show, with a network that `flambeau train` trained.

Of the folder of a training, or a checkpoint in one, all is known: the network,
its classes, and how its pictures are prepared. A checkpoint alone is one of the
network that reads digits; `flambeau classify` knows those of published networks.

Pictures for sets of grey images are made grey, and inverted where their border is
light, because those sets show light things on black.";

pub const EXAMPLES: &str = "Examples:
  flambeau predict digits.pt seven.png
  flambeau predict runs/flowers garden.jpg
  flambeau predict runs/fashion-mnist/best.pt --top 2 shirts/";

/// Options of `flambeau predict`.
#[derive(clap::Args)]
pub struct Options {
    /// The folder of a training, or a checkpoint (.pt or .safetensors).
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// Pictures (JPEG, PNG, WebP, BMP, GIF) of any size, or folders of them.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// How many of the likeliest classes to show.
    #[arg(long, default_value_t = 3, value_parser = positive)]
    top: usize,
    /// Threads that compute [default: all cores].
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<usize>,
}

/// Looks at every picture; goes on after one that cannot be read.
pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(threads) = options.threads {
        flambeau::set_num_threads(threads);
    }
    let network = Network::open(&options.model)?;
    let mut code = ExitCode::SUCCESS;
    for given in &options.images {
        let read = |path: &Path| -> Result<()> {
            let text = text(path, &network.shares(path)?, network.names(), options.top);
            numbers::print(&mut std::io::stdout(), &text)
        };
        let mut complain = |path: &Path, error: &Error| {
            // Errors of files name them.
            let path = path.display().to_string();
            let message = error.message();
            let message = message.strip_prefix(&format!("{path}: ")).unwrap_or(message);
            eprintln!("error: {path}: {message}");
            code = ExitCode::FAILURE;
        };
        match pictures(given) {
            Ok(paths) => paths.iter().for_each(|path| read(path).unwrap_or_else(|error| complain(path, &error))),
            Err(error) => complain(given, &error),
        }
    }
    Ok(code)
}

/// A network that tells pictures apart.
enum Network {
    Digits { net: Box<DigitNet>, names: Vec<String> },
    Trained(Box<Trained>),
}

impl Network {
    fn open(model: &Path) -> Result<Self> {
        if let Some(trained) = Trained::open(model)? {
            return Ok(Self::Trained(Box::new(trained)));
        }
        let net = DigitNet::new()?;
        net.load_state_dict(&flambeau::store::load(model)?.into()).map_err(|error| {
            error.context(format!(
                "{} is not in the folder of a training, and not of the network that reads digits",
                model.display()
            ))
        })?;
        net.eval();
        Ok(Self::Digits { net: Box::new(net), names: (0..10).map(|digit| digit.to_string()).collect() })
    }

    fn names(&self) -> &[String] {
        match self {
            Self::Digits { names, .. } => names,
            Self::Trained(trained) => trained.classes(),
        }
    }

    /// The share of each class.
    fn shares(&self, path: &Path) -> Result<Vec<f32>> {
        no_grad(|| {
            let scores = match self {
                Self::Digits { net, .. } => net.forward(&picture::digit(path)?)?,
                Self::Trained(trained) => trained.scores(path)?,
            };
            scores.softmax(1)?.to_vec::<f32>()
        })
    }
}

/// The likeliest class, and a bar for each of the likeliest.
fn text(path: &Path, shares: &[f32], names: &[String], top: usize) -> String {
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| shares[b].total_cmp(&shares[a]));
    order.truncate(top);
    let name = |class: usize| names.get(class).map_or("", String::as_str);
    let width = order.iter().map(|&class| name(class).chars().count()).max().unwrap_or(0);
    let mut text = format!("{}: {}\n", path.display(), order.first().map_or("", |&class| name(class)));
    for &class in &order {
        let share = f64::from(shares[class]);
        let line = format!("  {:width$}  {:>5.1} %  {}", name(class), 100.0 * share, bar(share, 1.0, 40));
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first() {
        let names = ["coat", "bag", "ankle boot"].map(str::to_owned);
        let text = text(Path::new("a.png"), &[0.25, 0.0, 0.75], &names, 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "a.png: ankle boot");
        assert_eq!(lines[1], format!("  ankle boot   75.0 %  {}", "█".repeat(30)));
        assert_eq!(lines[2], format!("  coat         25.0 %  {}", "█".repeat(10)));
    }
}
