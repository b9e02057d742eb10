//! Training with validation, a schedule, early stopping and checkpoints, in a few lines. Interrupt it and start it again:
//! it goes on where it was, and ends with the same weights.
//!
//! `cargo run --release -p flambeau --example trainer`

use flambeau::data::{DataLoader, digits};
use flambeau::nn::lr_scheduler::OneCycleLr;
use flambeau::prelude::*;
use flambeau::train::{Checkpoint, EarlyStopping, Every, Goal, Outcome, Scores, Trainer, metrics::Accuracy};

const EPOCHS: u64 = 12;

fn network() -> Result<Sequential> {
    Ok(Sequential::new()
        .push(Conv2d::builder(1, 32, 3).padding(1).bias(false).build()?)
        .push(BatchNorm2d::new(32)?)
        .push(Relu::new())
        .push(MaxPool2d::new(2))
        .push(Flatten::new())
        .push(Dropout::new(0.2))
        .push(Linear::new(32 * 4 * 4, 10)?))
}

fn main() -> Result<()> {
    flambeau::manual_seed(0);
    let (train, test) = (digits::train()?, digits::test()?);
    let loader = DataLoader::builder(train).batch_size(64).shuffle(true).build()?;
    let folder = std::env::temp_dir().join("flambeau-trainer");
    std::fs::create_dir_all(&folder).map_err(|error| Error::file(format!("{}: {error}", folder.display())))?;

    let net = network()?;
    let mut optimizer = AdamW::builder(net.parameters()).build()?;
    let schedule = OneCycleLr::new(&mut optimizer, 0.01, EPOCHS * loader.len() as u64);
    let mut trainer = Trainer::builder(net, optimizer)
        .epochs(EPOCHS)
        .scheduler(schedule, Every::Step)
        .clip_norm(5.0)
        .validate(|net| {
            let scores = net.forward(test.inputs())?;
            let loss = functional::cross_entropy(&scores, test.targets())?.item()?.to_f64();
            Ok(Scores::new().with("loss", loss).with("accuracy", Accuracy::new().update(&scores, test.targets())?))
        })
        .watch("accuracy", Goal::Highest)
        .callback(EarlyStopping::new("loss", Goal::Lowest, 4))
        .checkpoints(&folder)
        .build()?;
    let last = folder.join("last.pt");
    if last.exists() {
        trainer.resume(&Checkpoint::load(&last)?)?;
    }

    let history = trainer.fit(&loader, |net, (images, labels)| {
        let scores = net.forward(images)?;
        let right = Accuracy::new().update(&scores, labels)?;
        Ok(Outcome::from(functional::cross_entropy(&scores, labels)?).with("accuracy", right))
    })?;
    for epoch in &history.epochs {
        let percent = |scores: &Scores| 100.0 * scores.get("accuracy").unwrap_or(0.0);
        println!(
            "epoch {:>2}  training {:.1} %  test {:.1} %",
            epoch.epoch,
            percent(&epoch.train),
            percent(&epoch.validation)
        );
    }
    if let Some(best) = trainer.best() {
        println!(
            "best: {:.2} % after epoch {}, in {}",
            100.0 * best.value,
            best.epoch,
            folder.join("best.pt").display()
        );
    }
    Ok(())
}
