//! Data in: datasets and where they come from, samplers, loaders, and a real dataset that is always there.
//!
//! A [`Dataset`] gives samples by number; a [`DataLoader`] draws numbers from a [`Sampler`], collects
//! samples into batches ([`Collate`]) on worker threads, and hands the batches over in order.

mod collate;
mod dataset;
pub mod digits;
mod files;
mod images;
mod loader;
pub mod picture;
mod sampler;
pub mod sources;

pub use collate::Collate;
pub use dataset::{Concat, Dataset, Map, Subset, TensorDataset, random_split};
pub use images::Images;
pub use loader::{Batches, DataLoader, DataLoaderBuilder};
pub use sampler::{RandomSampler, Sampler, SequentialSampler};
