//! The loader and augmentation: order, seeds, workers, errors, going on in the middle.

use flambeau_data::{DataLoader, Dataset, EpochSeed, Erase, Images, Preparation, Prepared};
use flambeau_tensor::{Error, Generator, Result, Tensor};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn images(count: usize) -> Images {
    let bytes = (0..count * 36).map(|i| (i % 256) as u8).collect();
    let labels = (0..count as i64).map(|i| i % 3).collect();
    Images::packed(bytes, [1, 6, 6], labels, ["a", "b", "c"].map(str::to_owned).to_vec()).expect("images")
}

fn augmented() -> Prepared {
    let preparation = Preparation::new().crop(2).flip(0.5).normalize([0.5], [0.25]).erase(Erase::Cutout(3));
    preparation.apply(images(50)).expect("prepared")
}

/// All numbers of an epoch.
fn epoch(workers: usize, seed: u64) -> Vec<f32> {
    let loader = DataLoader::builder(augmented()).batch_size(7).shuffle(true).workers(workers);
    let loader = loader.generator(Generator::seeded(seed)).build().expect("a loader");
    let batches = loader.iter().expect("begun");
    batches.flat_map(|batch| batch.expect("a batch").0.to_vec::<f32>().expect("numbers")).collect()
}

#[test]
fn augmentation_does_not_depend_on_workers() {
    let alone = epoch(0, 3);
    assert_eq!(alone.len(), 50 * 36);
    for workers in [1, 2, 5] {
        assert_eq!(epoch(workers, 3), alone);
    }
    assert_ne!(epoch(0, 4), alone);
}

#[test]
fn epochs_differ_and_begin_again_from_their_seed() {
    let loader = DataLoader::builder(augmented()).batch_size(50).generator(Generator::seeded(1)).build().expect("one");
    let next = || loader.iter().expect("begun").next().expect("a batch").expect("a batch").0;
    let numbers = |batch: Tensor| batch.to_vec::<f32>().expect("numbers");
    assert_ne!(numbers(next()), numbers(next()), "in order both times, and augmented differently");
}

#[test]
fn an_epoch_goes_on_where_it_was_left() {
    for workers in [0, 3] {
        for position in [0, 1, 4, 7] {
            let loader = |seed| {
                let loader = DataLoader::builder(augmented()).batch_size(7).shuffle(true).workers(workers);
                loader.generator(Generator::seeded(seed)).build().expect("a loader")
            };
            let (first, second) = (loader(1), loader(2));
            let mut whole = first.iter().expect("begun");
            whole.by_ref().take(position).for_each(|batch| drop(batch.expect("a batch")));
            let rest = second.resume(&whole.state()).expect("resumed");
            assert_eq!(rest.len(), 8 - position);
            let numbers = |batch: Result<(Tensor, Tensor)>| batch.expect("a batch").0.to_vec::<f32>().expect("numbers");
            assert_eq!(whole.map(numbers).collect::<Vec<_>>(), rest.map(numbers).collect::<Vec<_>>());
            // The epoch after it is the same, too.
            let after = |loader: &DataLoader<Prepared>| loader.iter().expect("begun").next().map(numbers);
            assert_eq!(after(&first), after(&second));
        }
    }
    let other = DataLoader::builder(augmented()).batch_size(8).build().expect("a loader");
    let state =
        DataLoader::builder(augmented()).batch_size(7).build().expect("a loader").iter().expect("begun").state();
    assert!(other.resume(&state).is_err(), "other batches");
}

/// Counts how many of it there are, and fails at one sample.
struct Counted {
    living: Arc<AtomicUsize>,
    bad: usize,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.living.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Dataset for Counted {
    type Sample = i64;
    fn len(&self) -> usize {
        1000
    }
    fn get(&self, index: usize) -> Result<i64> {
        if index == self.bad { Err(Error::value("it is torn")) } else { Ok(index as i64) }
    }
    fn name(&self, index: usize) -> String {
        format!("page {index}")
    }
}

#[test]
fn a_dropped_epoch_leaves_no_worker_behind() {
    let living = Arc::new(AtomicUsize::new(1));
    let dataset = Counted { living: living.clone(), bad: usize::MAX };
    let loader = DataLoader::builder(dataset).batch_size(2).workers(4).build().expect("a loader");
    let mut batches = loader.iter().expect("begun");
    assert_eq!(batches.next().expect("a batch").expect("a batch").to_vec::<i64>().expect("numbers"), [0, 1]);
    drop(batches);
    drop(loader);
    // Workers hold the dataset as long as they live.
    assert_eq!(living.load(Ordering::SeqCst), 0);
}

#[test]
fn an_error_names_the_sample_and_others_follow() {
    for workers in [0, 2] {
        let dataset = Counted { living: Arc::new(AtomicUsize::new(1)), bad: 21 };
        let loader = DataLoader::builder(dataset).batch_size(10).workers(workers).build().expect("a loader");
        let batches: Vec<_> = loader.iter().expect("begun").collect();
        assert_eq!(batches.len(), 100);
        let failed: Vec<_> = batches.iter().filter_map(|batch| batch.as_ref().err()).collect();
        assert_eq!(failed, [&Error::value("page 21: it is torn")]);
    }
}

#[test]
fn one_sample_is_what_it_is_in_its_batch() {
    let dataset = augmented();
    let seed = EpochSeed(9);
    let batch = dataset.batch_in(&[4, 40, 4], seed).expect("a batch").0;
    for (place, index) in [4, 40, 4].into_iter().enumerate() {
        let alone = dataset.fetch(index, seed).expect("a sample").0;
        let there = batch.select(0, place as isize).expect("a row");
        assert_eq!(alone.to_vec::<f32>().expect("numbers"), there.to_vec::<f32>().expect("numbers"));
    }
    // Without an epoch nothing is random: the plain image, normalised.
    let plain = dataset.get(0).expect("a sample").0.to_vec::<f32>().expect("numbers");
    assert_eq!(plain[35], (35.0 / 255.0 - 0.5) / 0.25);
}

#[test]
fn options_out_of_range_are_errors() {
    let refused = |preparation: Preparation| preparation.apply(images(2)).expect_err("refused").to_string();
    assert!(refused(Preparation::new().flip(1.5)).contains("1.5"));
    assert!(refused(Preparation::new().normalize([0.1, 0.2], [1.0])).contains("2 means for images of 1 channels"));
    assert!(refused(Preparation::new().normalize([0.1], [0.0])).contains("std"));
    assert!(refused(Preparation::new().resize([0, 4])).contains("size 0"));
    assert!(refused(Preparation::new().erase(Erase::Random(-1.0))).contains("erase"));
}

#[test]
fn resizing_keeps_the_middle() {
    let bytes: Vec<u8> = (0..4 * 8).map(|i| if (2..6).contains(&(i % 8)) { 255 } else { 0 }).collect();
    let wide = Images::packed(bytes, [1, 4, 8], vec![0], vec!["wide".into()]).expect("images");
    let prepared = Preparation::new().resize([4, 4]).apply(wide).expect("prepared");
    assert_eq!(prepared.get(0).expect("a sample").0.to_vec::<f32>().expect("numbers"), [1.0; 16]);
}
