//! What is made of a tensor's numbers and kept with them until they change.
//!
//! A weight serves for many convolutions, and some of what they make of it (packed panels,
//! transformed filters, its numbers in another order) depends on it alone. It is kept in the weight's
//! storage, found again by whoever asks for the same form of the same array, and forgotten when an
//! operator gets the right to write to the storage. Where others know the address of the numbers, as
//! NumPy does of an array that it shares, they may change unnoticed: then what is kept is good only
//! for numbers with the same fingerprint.

use crate::{DType, Layout};
use flambeau_kernels::conv;
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// In which form numbers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As contiguous numbers of this type.
    Gathered(&'static str),
    /// As the plan of a convolution reads a weight.
    Convolution(conv::Form),
}

/// Whose numbers, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Of the storage's first byte: storages that share a lock share a slot.
    pub address: usize,
    pub array: (Layout, DType),
    pub form: Form,
}

/// More forms than these of one storage are not kept: a program that asks for so many gains nothing.
const MOST_ENTRIES: usize = 1024;

struct Entry {
    key: Key,
    fingerprint: Option<u64>,
    kept: Option<Arc<dyn Any + Send + Sync>>,
    /// Whether it has been tried to make it.
    made: bool,
}

/// What is kept of one storage.
#[derive(Default)]
pub(crate) struct Slot {
    entries: Mutex<Vec<Entry>>,
}

impl Slot {
    /// See [`crate::Access::kept`]. A fingerprint is that of the numbers as they are now, if they
    /// can change unnoticed.
    pub fn get<K: Any + Send + Sync>(
        &self,
        key: Key,
        fingerprint: Option<u64>,
        make: impl FnOnce() -> Option<K>,
    ) -> Option<Arc<K>> {
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            match entries.iter_mut().find(|entry| entry.key == key) {
                Some(entry) if entry.fingerprint == fingerprint => {
                    if entry.made {
                        return entry.kept.clone()?.downcast().ok();
                    }
                    entry.made = true;
                }
                Some(entry) => {
                    *entry = Entry { key, fingerprint, kept: None, made: false };
                    return None;
                }
                None => {
                    if entries.len() >= MOST_ENTRIES {
                        entries.clear();
                    }
                    entries.push(Entry { key, fingerprint, kept: None, made: false });
                    return None;
                }
            }
        }
        // Made without the lock: it takes time, and may use all threads.
        let kept = Arc::new(make()?);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key && entry.fingerprint == fingerprint) {
            entry.kept = Some(kept.clone());
        }
        Some(kept)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(form: &'static str) -> Key {
        Key { address: 64, array: (Layout::contiguous([2, 3]), DType::F32), form: Form::Gathered(form) }
    }

    #[test]
    fn the_second_who_asks_has_it_made_and_the_third_finds_it() {
        let slot = Slot::default();
        assert!(slot.get(key("a"), None, || -> Option<u8> { unreachable!("the first time") }).is_none());
        assert_eq!(slot.get(key("a"), None, || Some(1u8)).as_deref(), Some(&1));
        assert_eq!(slot.get(key("a"), None, || -> Option<u8> { unreachable!("kept") }).as_deref(), Some(&1));
        assert!(slot.get(key("b"), None, || Some(2u8)).is_none());
        slot.clear();
        assert!(slot.get(key("a"), None, || Some(3u8)).is_none());
    }

    #[test]
    fn another_fingerprint_forgets() {
        let slot = Slot::default();
        let ask = |print: u64, value: u8| slot.get(key("a"), Some(print), || Some(value)).as_deref().copied();
        assert_eq!([ask(1, 10), ask(1, 11), ask(1, 12)], [None, Some(11), Some(11)]);
        assert_eq!([ask(2, 20), ask(2, 21), ask(1, 13)], [None, Some(21), None]);
    }

    #[test]
    fn nothing_worth_keeping_is_not_tried_again() {
        let slot = Slot::default();
        assert!(slot.get(key("a"), None, || Some(1u8)).is_none());
        assert!(slot.get(key("a"), None, || None::<u8>).is_none());
        assert!(slot.get(key("a"), None, || -> Option<u8> { unreachable!("tried before") }).is_none());
    }
}
