//! Data in: datasets and where they come from, samplers, loaders, and a real dataset that is always there.
//!
//! [`sources::open`] reads published sets, folders and files; a [`Preparation`] crops, flips and normalises their images.
//! A [`Dataset`] gives samples by number; a [`DataLoader`] draws numbers from a [`Sampler`], collects
//! samples into batches ([`Collate`]) on worker threads, and hands the batches over in order.

mod augment;
mod collate;
mod dataset;
pub mod digits;
mod draws;
mod files;
mod images;
mod loader;
pub mod picture;
mod sampler;
pub mod sources;

pub use augment::{Erase, Preparation, Prepared};
pub use collate::Collate;
pub use dataset::{Concat, Dataset, Map, Subset, TensorDataset, random_split};
pub use draws::{Draws, EpochSeed};
pub use images::Images;
pub use loader::{Batches, DataLoader, DataLoaderBuilder, EpochState, OnCorrupt, Skipped};
pub use sampler::{RandomSampler, Sampler, SequentialSampler};
