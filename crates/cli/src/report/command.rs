//! `flambeau report`.

use super::{compare, folder, write};
use crate::numbers;
use flambeau::Result;
use std::path::PathBuf;
use std::process::ExitCode;

pub const ABOUT: &str = "\
Write the report of a training run again from its folder, or compare several runs on
one page.

The report is one HTML file that needs no network: curves of loss and accuracy,
which classes are confused, the worst mistakes as pictures, filters, feature maps,
the layers and their times, and how to do it again. A comparison lays the curves of
several runs over each other and says in what the runs differ.";

pub const EXAMPLES: &str = "Examples:
  flambeau report runs/flowers                     write runs/flowers/report.html
  flambeau report runs/sgd runs/adam runs/adamw    write comparison.html
  flambeau report runs/* --out all.html            the same, elsewhere";

/// Options of `flambeau report`.
#[derive(clap::Args)]
pub struct Options {
    /// Folders that `flambeau train` wrote.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// The page [default: report.html in the run's folder; comparison.html for several runs].
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
}

/// Reads the runs and writes the page.
pub fn run(options: &Options) -> Result<ExitCode> {
    let path = match options.runs.as_slice() {
        [run] => {
            let path = options.out.clone().unwrap_or_else(|| run.join("report.html"));
            write(&folder::load(run)?, &path)?;
            path
        }
        runs => {
            let path = options.out.clone().unwrap_or_else(|| PathBuf::from("comparison.html"));
            let stories: Result<Vec<_>> =
                runs.iter().zip(names(runs)).map(|(run, name)| Ok((name, folder::load(run)?))).collect();
            numbers::write(&path, &compare::page(&stories?))?;
            path
        }
    };
    numbers::print(&mut std::io::stdout(), &format!("wrote {}\n", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The folders' own names, or whole paths where those do not tell them apart.
fn names(runs: &[PathBuf]) -> Vec<String> {
    let own = |run: &PathBuf| run.file_name().map(|name| name.to_string_lossy().into_owned());
    let is_unique = |name: &String| runs.iter().filter(|run| own(run).as_ref() == Some(name)).count() == 1;
    let name = |run: &PathBuf| own(run).filter(is_unique).unwrap_or_else(|| run.display().to_string());
    runs.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Story, save};
    use crate::testing::{options, parse};

    #[test]
    fn one_run_has_a_report_and_several_a_comparison() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = ["a", "b"].map(|name| folder.path().join(name));
        for run in &runs {
            std::fs::create_dir(run).expect("a folder");
            save(&Story::default(), run).expect("written");
        }
        run(&options(&runs[0].display().to_string())).expect("a report");
        let read = |path: PathBuf| std::fs::read_to_string(path).expect("a page");
        assert!(read(runs[0].join("report.html")).contains("<h1>A training run</h1>"));
        let out = folder.path().join("both.html");
        let line = format!("{} {} --out {}", runs[0].display(), runs[1].display(), out.display());
        run(&options(&line)).expect("a comparison");
        assert!(read(out).contains("<h1>2 training runs compared</h1>"));
        let error = run(&options(&folder.path().display().to_string())).expect_err("no run");
        assert!(error.message().contains("story.json"), "{error}");
        assert!(parse::<Options>(&[]).is_err());
    }

    #[test]
    fn runs_are_told_apart() {
        assert_eq!(names(&["x/a", "x/b"].map(PathBuf::from)), ["a", "b"]);
        assert_eq!(names(&["x/a", "y/a", "b/"].map(PathBuf::from)), ["x/a", "y/a", "b"]);
    }
}
