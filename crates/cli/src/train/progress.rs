//! What is seen of a training while it goes on.

use crate::interrupt;
use crate::numbers;
use flambeau::prelude::*;
use flambeau::train::{Callback, Flow, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a line is written of an epoch under way, where there is no terminal to draw a bar on.
const LINES: Duration = Duration::from_secs(15);

/// Shows a bar under a table with a line for each epoch; without a terminal, a line now and then.
pub struct Console {
    bar: Option<ProgressBar>,
    terminal: bool,
    spoken: Instant,
}

impl Console {
    /// For where the program writes to.
    pub fn new() -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        Self { bar: None, terminal, spoken: Instant::now() }
    }
}

/// What is known in the middle of an epoch.
fn state(progress: &Progress) -> String {
    let percent = 100.0 * progress.train.get("accuracy").unwrap_or(0.0);
    format!(
        "loss {:.4}, {percent:.1} % right, {:.0} images/s",
        progress.train.get("loss").unwrap_or(0.0),
        progress.samples_per_second()
    )
}

/// A time, short.
fn short(time: Option<Duration>) -> String {
    match time.map(|time| time.as_secs()) {
        None => "?".to_owned(),
        Some(seconds @ 0..60) => format!("{seconds} s"),
        Some(seconds @ 60..3600) => format!("{}:{:02} min", seconds / 60, seconds % 60),
        Some(seconds) => format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60),
    }
}

impl<M: ?Sized> Callback<M> for Console {
    fn train_begins(&mut self, _: &M, _: &Progress) -> Result<()> {
        let header = format!("{:>5}  {:>8}  {:>8}  {:>8}  {:>9}\n", "epoch", "loss", "accuracy", "time", "images/s");
        numbers::print(&mut std::io::stdout(), &header)
    }

    fn epoch_begins(&mut self, _: &M, progress: &Progress) -> Result<()> {
        self.spoken = Instant::now();
        if self.terminal {
            let bar = ProgressBar::new(progress.batches as u64);
            // The template is a constant with known keys; a wrong one would only cost the bar its looks.
            if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}  {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(format!("epoch {}/{}", progress.epoch, progress.epochs));
            self.bar = Some(bar);
        }
        Ok(())
    }

    fn step_ends(&mut self, _: &M, progress: &Progress) -> Result<Flow> {
        if !progress.loss.is_finite() {
            return Err(Error::runtime(format!(
                "the loss is {} in step {}: try a lower --lr, or --clip-norm",
                progress.loss, progress.step
            )));
        }
        match &self.bar {
            Some(bar) => {
                bar.set_position(progress.batch as u64);
                bar.set_message(format!("{}, {} left", state(progress), short(progress.time_left())));
            }
            None if self.spoken.elapsed() >= LINES => {
                self.spoken = Instant::now();
                let Progress { epoch, epochs, batch, batches, .. } = progress;
                let line = format!(
                    "epoch {epoch}/{epochs}, batch {batch}/{batches}: {}, {} left\n",
                    state(progress),
                    short(progress.time_left())
                );
                numbers::print(&mut std::io::stdout(), &line)?;
            }
            None => (),
        }
        if interrupt::asked() {
            if let Some(bar) = self.bar.take() {
                bar.finish_and_clear();
            }
            return Ok(Flow::Stop);
        }
        Ok(Flow::Continue)
    }

    fn epoch_ends(&mut self, _: &M, progress: &Progress) -> Result<Flow> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let line = format!(
            "{:>5}  {:>8.4}  {:>7.2}%  {:>7.2}s  {:>9.0}\n",
            progress.epoch,
            progress.train.get("loss").unwrap_or(f64::NAN),
            100.0 * progress.validation.get("accuracy").unwrap_or(f64::NAN),
            progress.elapsed.as_secs_f64(),
            progress.samples_per_second()
        );
        numbers::print(&mut std::io::stdout(), &line)?;
        Ok(if interrupt::asked() { Flow::Stop } else { Flow::Continue })
    }
}

impl Drop for Console {
    /// After an error too, the terminal is as it was.
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let texts = [None, Some(59), Some(61), Some(3600), Some(7260)].map(|s| short(s.map(Duration::from_secs)));
        assert_eq!(texts, ["?", "59 s", "1:01 min", "1:00 h", "2:01 h"]);
    }
}
