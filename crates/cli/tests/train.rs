//! `flambeau train` and `flambeau eval`, as they are called.

use flambeau::train::Checkpoint;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn command(line: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flambeau"));
    command.args(line.split_whitespace()).current_dir(folder);
    command
}

fn flambeau(line: &str, folder: &Path) -> std::io::Result<Output> {
    command(line, folder).output()
}

fn printed(line: &str, folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let output = flambeau(line, folder)?;
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn complaint(line: &str, folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let output = flambeau(line, folder)?;
    assert!(!output.status.success(), "{line} is a mistake");
    Ok(String::from_utf8(output.stderr)?)
}

fn files(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Whether a line tells of an epoch that has ended.
fn is_epoch(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(|word| word.parse::<u32>().is_ok()) && line.contains('%')
}

/// Runs until so many epochs have ended, and does something to the process then.
fn until(
    line: &str,
    folder: &Path,
    epochs: usize,
    end: impl FnOnce(&mut Child),
) -> Result<Output, Box<dyn std::error::Error>> {
    let mut child = command(line, folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    let mut seen = 0;
    while seen < epochs {
        let line = lines.next().ok_or("training has ended before it was interrupted")??;
        seen += usize::from(is_epoch(&line));
    }
    end(&mut child);
    // The pipe stays open until the process has ended, so that printing is no error for it.
    for line in lines {
        line?;
    }
    Ok(child.wait_with_output()?)
}

const SMALL: &str = "--epochs 4 --batch-size 48 --augment shift --ema 0.9 --checkpoint-every 7 --threads 2";

#[test]
fn digits_need_no_options() -> TestResult {
    let folder = tempfile::tempdir()?;
    let text = printed("train --epochs 6", folder.path())?;
    assert_eq!(files(folder.path())?, ["digits.pt", "digits.safetensors"].map(str::to_owned).into());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("1438 images to learn from, 359 to test with; 6090 parameters; "), "{text}");
    assert_eq!(lines[1], "epoch      loss  accuracy      time   images/s");
    assert_eq!(lines.iter().filter(|line| is_epoch(line)).count(), 6);
    assert_eq!(lines[lines.len() - 2..], ["wrote digits.safetensors", "wrote digits.pt"]);
    // The test says what training said, and that much can be expected of six epochs.
    let told = lines.iter().find_map(|line| line.split_once("test accuracy ")).ok_or("an accuracy")?.1;
    let json: serde_json::Value = serde_json::from_str(&printed("eval digits.pt --json", folder.path())?)?;
    let accuracy = json["accuracy"].as_f64().ok_or("a number")?;
    assert_eq!(format!("{:.2} %", 100.0 * accuracy), told);
    assert!(accuracy > 0.95, "{accuracy}");
    assert_eq!(json["classes"][3]["name"], "3");
    Ok(())
}

#[test]
fn a_killed_training_goes_on_bit_for_bit() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    printed(&format!("train --run whole {SMALL}"), path)?;
    let expected = std::fs::read(path.join("whole/model.safetensors"))?;
    for kills in [&[0][..], &[1], &[2, 1]] {
        let run = format!("killed-{kills:?}").replace([' ', ','], "");
        for (number, epochs) in kills.iter().enumerate() {
            let line = if number == 0 {
                format!("train --run {run} {SMALL}")
            } else {
                format!("train --resume {run} --threads 1")
            };
            let output = until(&line, path, *epochs, |child| drop(child.kill()))?;
            assert!(!output.status.success());
            // Whatever it was doing: a checkpoint that is there can be read.
            let last = path.join(&run).join("last.pt");
            if last.exists() {
                Checkpoint::load(&last)?;
            }
        }
        // If it was killed before it had a folder, there is nothing to go on with.
        let line = if path.join(&run).join("config.toml").exists() {
            format!("train --resume {run} --threads 1")
        } else {
            format!("train --run {run} {SMALL}")
        };
        printed(&line, path)?;
        assert!(std::fs::read(path.join(&run).join("model.safetensors"))? == expected, "killed after {kills:?}");
        // What is told of it is one story: each epoch once, with the same losses.
        let column = |run: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            let table = std::fs::read_to_string(path.join(run).join("metrics.csv"))?;
            Ok(table.lines().map(|line| line.split(',').take(6).collect::<Vec<_>>().join(",")).collect())
        };
        assert_eq!(column(&run)?, column("whole")?);
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn ctrl_c_finishes_the_step_and_says_how_to_go_on() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    let interrupt = |child: &mut Child| {
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    };
    let output = until("train --run run --epochs 500", path, 1, interrupt)?;
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8(output.stderr)?, "interrupted; to go on: flambeau train --resume run\n");
    let checkpoint = Checkpoint::load(path.join("run/last.pt"))?;
    assert!(checkpoint.step > 0 && !path.join("run/model.pt").exists());
    // One that is asked for fewer epochs than it has done is over.
    let text = printed(&format!("train --resume run --epochs {}", checkpoint.epoch + 1), path)?;
    assert!(text.contains(&format!("going on after step {} in epoch {}", checkpoint.step, checkpoint.epoch + 1)));
    assert!(path.join("run/report.html").exists());
    // Without a folder nothing is kept.
    let output = until("train --epochs 500 --out other", path, 1, interrupt)?;
    assert_eq!(String::from_utf8(output.stderr)?, "interrupted: no file was written\n");
    assert_eq!(files(path)?, ["run".to_owned()].into());
    Ok(())
}

/// Pictures of two classes: bright above, or bright below; of two sizes.
fn pictures(folder: &Path) -> TestResult {
    for part in 0..40u32 {
        let class = ["above", "below"][part as usize % 2];
        let side = 16 + 4 * (part % 3);
        let picture = image::RgbImage::from_fn(side, side, |_, y| {
            let bright = (y < side / 2) == (class == "above");
            image::Rgb(if bright { [200 + (part % 40) as u8, 180, 190] } else { [20, 10 + (part % 30) as u8, 15] })
        });
        std::fs::create_dir_all(folder.join(class))?;
        picture.save(folder.join(class).join(format!("{part}.png")))?;
    }
    Ok(())
}

#[test]
fn a_folder_of_pictures_and_a_network_of_ones_own() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    pictures(&path.join("halves"))?;
    let layers = "
        layers = [
            { type = \"conv2d\", channels = 4, kernel = 3, padding = 1 }, { type = \"batch_norm2d\" }, { type = \"relu\" },
            { type = \"avg_pool2d\", kernel = 4 }, { type = \"flatten\" }, { type = \"linear\" },
        ]";
    std::fs::write(path.join("mine.toml"), layers)?;
    std::fs::write(
        path.join("config.toml"),
        "data = \"halves\"\nsize = 16\nmodel = \"mine.toml\"\nepochs = 9\nlr = 0.5\n",
    )?;
    let line = "train --config config.toml --epochs 6 --optimizer adamw --lr 0.02 --scheduler cosine --batch-size 8 \
                --val-split 0.25 --mixup 0.2 --label-smoothing 0.1 --l1 1e-5 --clip-norm 5 --augment none --early-stop 6";
    printed(line, path)?;
    let run = path.join("runs/halves");
    let there = files(&run)?;
    for name in [
        "config.toml",
        "model.toml",
        "last.pt",
        "best.pt",
        "model.pt",
        "model.safetensors",
        "metrics.jsonl",
        "metrics.csv",
        "story.json",
        "report.html",
    ] {
        assert!(there.contains(name), "{name} is not among {there:?}");
    }
    let story: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(run.join("story.json"))?)?;
    let layers = story["model"]["layers"].as_array().ok_or("layers")?;
    assert!(layers.len() == 3 && layers.iter().all(|layer| layer["seconds"].as_f64() > Some(0.0)), "{layers:?}");
    assert!(there.iter().any(|name| name.starts_with("events.out.tfevents.")));
    let json: serde_json::Value = serde_json::from_str(&printed("eval runs/halves --json", path)?)?;
    assert_eq!((json["images"].as_u64(), json["accuracy"].as_f64()), (Some(8), Some(1.0)), "{json}");
    let text = printed("eval runs/halves --train", path)?;
    assert!(text.contains("above") && text.contains("precision"), "{text}");
    // Pictures of any size are read with all that the folder knows, and one that is none does not end it.
    let text = printed("predict runs/halves halves/above/0.png halves/below/21.png --top 1", path)?;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (4, "halves/above/0.png: above", "halves/below/21.png: below"));
    assert_eq!(printed("predict runs/halves/best.pt halves/below", path)?.matches(".png: below").count(), 20);
    let output = flambeau("predict runs/halves mine.toml halves/above/0.png", path)?;
    assert!(!output.status.success() && String::from_utf8(output.stdout)?.contains("0.png: above"));
    assert!(String::from_utf8(output.stderr)?.starts_with("error: mine.toml: not a picture"));
    // Another training begins where this one ended, and does not change its first layer.
    let line =
        "train --config config.toml --epochs 1 --init-from runs/halves/model.pt --freeze 0 --freeze 1 --run second";
    printed(line, path)?;
    let state = |run: &str| flambeau::store::load(path.join(run).join("model.safetensors"));
    let (first, second) = (state("runs/halves")?, state("second")?);
    for (name, tensor) in &first {
        let (_, other) = second.iter().find(|(known, _)| known == name).ok_or("a tensor")?;
        let same = tensor.to_bytes()? == other.to_bytes()?;
        assert_eq!(same, !name.starts_with("5."), "{name}");
    }
    Ok(())
}

#[test]
fn mixed_precision_learns_too() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    printed("train --epochs 6 --amp bf16 --device cpu --run run", path)?;
    printed("train --epochs 6 --run precise", path)?;
    let accuracy = |run: &str| -> Result<f64, Box<dyn std::error::Error>> {
        let json: serde_json::Value = serde_json::from_str(&printed(&format!("eval {run} --json"), path)?)?;
        Ok(json["accuracy"].as_f64().ok_or("a number")?)
    };
    let (narrow, precise) = (accuracy("run")?, accuracy("precise")?);
    assert!((narrow - precise).abs() < 0.03, "{narrow} and {precise}");
    let state = |run: &str| flambeau::store::load(path.join(run).join("model.safetensors"));
    let (narrow, precise) = (state("run")?, state("precise")?);
    assert!(narrow.iter().all(|(_, tensor)| tensor.dtype() != flambeau::DType::BF16));
    let differ =
        |(a, b): (&(String, flambeau::Tensor), &(String, flambeau::Tensor))| a.1.to_bytes().ok() != b.1.to_bytes().ok();
    assert!(narrow.iter().zip(&precise).any(differ));
    Ok(())
}

#[test]
fn learning_rates_are_tried() -> TestResult {
    let folder = tempfile::tempdir()?;
    let text = printed("train --find-lr", folder.path())?;
    assert!(text.contains("the loss falls fastest at "), "{text}");
    assert!(files(folder.path())?.is_empty());
    Ok(())
}

#[test]
fn mistakes_are_explained() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    pictures(&path.join("halves"))?;
    printed("train --run run --epochs 1", path)?;
    for (line, words) in [
        ("train --data nothing", "'nothing'"),
        ("train --data cifar10 --root nowhere", "cifar"),
        ("train --model resnet7", "there is no network 'resnet7'"),
        ("train --resume halves", "halves: no folder of a training"),
        ("train --run run", "run has a training in it"),
        ("train --resume run --model lenet", "lenet cannot read images of 1 x 8 x 8"),
        ("train --freeze encoder", "nothing in the network begins with 'encoder'"),
        ("train --device cuda", "there is no other device than cpu"),
        ("train --amp f16", "invalid value 'f16'"),
        ("predict run/model.pt none.png", "error: none.png: No such file"),
        ("predict halves none.png", "halves: no folder of a training"),
        ("train --lr 0", "a number above zero is needed"),
        ("train --val-split 1", "a share from 0 to less than 1"),
        ("train --data halves --val-split 0.0001", "too few"),
        ("train --epochs 1 --lr 1e30 --scheduler none --optimizer sgd", "try a lower --lr"),
        ("eval none.pt", "none.pt: No such file"),
        ("eval halves", "no folder of a training"),
    ] {
        let message = complaint(line, path)?;
        assert!(message.starts_with("error: ") && message.contains(words), "{line}: {message}");
    }
    Ok(())
}
