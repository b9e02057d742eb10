//! `flambeau predict`.

use crate::digits::DigitNet;
use crate::picture;
use flambeau::autograd::no_grad;
use flambeau::prelude::*;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `flambeau predict`.
#[derive(clap::Args)]
pub struct Options {
    /// A model that `flambeau train` wrote (.pt or .safetensors).
    model: PathBuf,
    /// PNG pictures of one digit each, dark on light or light on dark, of any size.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
}

/// Reads every picture; goes on after one that cannot be read.
pub fn run(options: &Options) -> Result<ExitCode> {
    let net = DigitNet::new()?;
    net.load_state_dict(&flambeau::store::load(&options.model)?.into())?;
    net.eval();
    let mut code = ExitCode::SUCCESS;
    for path in &options.images {
        match read(&net, path) {
            Ok(probabilities) => show(path, &probabilities),
            Err(error) => {
                eprintln!("error: {}: {error}", path.display());
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn read(net: &DigitNet, path: &Path) -> Result<Vec<f32>> {
    let image = picture::digit(path)?;
    no_grad(|| net.forward(&image)?.softmax(1)?.to_vec::<f32>())
}

/// The digit, and a bar for each candidate that has a share worth seeing.
fn show(path: &Path, probabilities: &[f32]) {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    println!("{}: {}", path.display(), order[0]);
    for &digit in order.iter().take(3) {
        let share = probabilities[digit];
        println!("  {digit}  {:>5.1} %  {}", 100.0 * share, "█".repeat((share * 40.0).round() as usize));
    }
}
