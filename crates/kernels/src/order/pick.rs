//! Sorting lines, and picking numbers of them by rank. Results are places along the line.

use super::key::{Ordered, line_keys};
use super::{GRAIN, Lines};
use crate::parallel;
use crate::scratch::Target;

/// What is picked of each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// All numbers in order, equal ones in the order they have in the line. NaN is greatest.
    Sorted {
        /// Whether the greatest comes first.
        descending: bool,
    },
    /// The first few numbers of the sorted line.
    First {
        /// How many.
        count: usize,
        /// Whether the greatest comes first.
        descending: bool,
    },
    /// The number with this rank (the smallest has 0). Which of several equal ones it is depends
    /// on the path of the selection.
    Rank(usize),
    /// The lower one of the two in the middle; the first NaN, if there is one.
    Median,
    /// The lower one of the two in the middle of those that are not NaN.
    NanMedian,
    /// The last one of those that occur most often; of several values the smallest.
    Mode,
    /// At each place, the last greatest number so far. NaN is greater than all.
    RunningMaximum,
    /// At each place, the last smallest number so far. NaN is smaller than all.
    RunningMinimum,
}

impl Pick {
    /// How many places are picked of a line of so many numbers.
    pub fn count(self, size: usize) -> usize {
        match self {
            Pick::Sorted { .. } | Pick::RunningMaximum | Pick::RunningMinimum => size,
            Pick::First { count, .. } => count,
            Pick::Rank(_) | Pick::Median | Pick::NanMedian | Pick::Mode => 1,
        }
    }
}

/// What is known of the keys of a type.
#[derive(Clone, Copy)]
struct Keys {
    top: u64,
    nan: Option<u64>,
}

impl Keys {
    /// Whether a key and a place fit one word together.
    fn packs(self, size: usize) -> bool {
        self.top < 1 << 32 && size < 1 << 32
    }
}

/// Memory that lines share.
#[derive(Default)]
struct Scratch {
    keys: Vec<u64>,
    packed: Vec<u64>,
    wide: Vec<(u64, u64)>,
    places: Vec<i64>,
}

impl Scratch {
    /// Puts the places of the first `count` numbers of the sorted line in `places`.
    fn first(&mut self, count: usize, known: Keys) {
        self.places.clear();
        if known.packs(self.keys.len()) {
            self.packed.clear();
            self.packed.extend(self.keys.iter().zip(0u64..).map(|(key, place)| key << 32 | place));
            sort_first(&mut self.packed, count);
            self.places.extend(self.packed[..count].iter().map(|packed| i64::from(*packed as u32)));
        } else {
            self.wide.clear();
            self.wide.extend(self.keys.iter().copied().zip(0u64..));
            sort_first(&mut self.wide, count);
            self.places.extend(self.wide[..count].iter().map(|(_, place)| *place as i64));
        }
    }

    /// Puts the place of the number with this rank in `places`: of equal ones, in their order.
    fn rank(&mut self, rank: usize, known: Keys) {
        self.places.clear();
        self.places.push(if known.packs(self.keys.len()) {
            self.packed.clear();
            self.packed.extend(self.keys.iter().zip(0u64..).map(|(key, place)| key << 32 | place));
            i64::from(*self.packed.select_nth_unstable(rank).1 as u32)
        } else {
            self.wide.clear();
            self.wide.extend(self.keys.iter().copied().zip(0u64..));
            self.wide.select_nth_unstable(rank).1.1 as i64
        });
    }

    fn run(&mut self, pick: Pick, known: Keys) {
        match pick {
            Pick::Sorted { descending } => self.directed(self.keys.len(), descending, known),
            Pick::First { count, descending } => self.directed(count, descending, known),
            Pick::Rank(rank) => {
                self.wide.clear();
                self.wide.extend(self.keys.iter().copied().zip(0u64..));
                quick_select(&mut self.wide, rank);
                self.places.clear();
                self.places.push(self.wide[rank].1 as i64);
            }
            Pick::Median => match self.keys.iter().position(|&key| Some(key) == known.nan) {
                Some(place) => {
                    self.places.clear();
                    self.places.push(place as i64);
                }
                None => self.rank((self.keys.len() - 1) / 2, known),
            },
            Pick::NanMedian => {
                let numbers = self.keys.iter().filter(|&&key| Some(key) != known.nan).count();
                self.rank(numbers.saturating_sub(1) / 2, known);
            }
            Pick::Mode => self.mode(known),
            Pick::RunningMaximum => self.extremes(),
            Pick::RunningMinimum => {
                for key in &mut self.keys {
                    *key = if Some(*key) == known.nan { known.top } else { known.top - *key };
                }
                self.extremes();
            }
        }
    }

    fn directed(&mut self, count: usize, descending: bool, known: Keys) {
        if descending {
            self.keys.iter_mut().for_each(|key| *key = known.top - *key);
        }
        self.first(count, known);
    }

    fn mode(&mut self, known: Keys) {
        self.first(self.keys.len(), known);
        let (mut best, mut most, mut start) = (0, 0, 0);
        for end in 1..=self.places.len() {
            let key = self.keys[self.places[end - 1] as usize];
            let ends =
                end == self.places.len() || self.keys[self.places[end] as usize] != key || Some(key) == known.nan;
            if ends {
                if end - start > most {
                    (best, most) = (self.places[end - 1], end - start);
                }
                start = end;
            }
        }
        self.places.clear();
        self.places.push(best);
    }

    fn extremes(&mut self) {
        self.places.clear();
        let mut best = 0;
        for (place, &key) in self.keys.iter().enumerate() {
            if key >= self.keys[best] {
                best = place;
            }
            self.places.push(best as i64);
        }
    }
}

fn sort_first<T: Ord>(items: &mut [T], count: usize) {
    if count < items.len() {
        if count == 0 {
            return;
        }
        items.select_nth_unstable(count - 1);
    }
    items[..count].sort_unstable();
}

/// Brings the item with this rank to its place, as Hoare's selection does with the median of the
/// first, the middle and the last item for a pivot. (C. A. R. Hoare, "Algorithm 65: Find", 1961.)
fn quick_select(items: &mut [(u64, u64)], rank: usize) {
    let (mut low, mut high) = (0, items.len() - 1);
    while high > low + 1 {
        items.swap(low + (high - low) / 2, low + 1);
        for (a, b) in [(low + 1, high), (low, high), (low + 1, low)] {
            if items[a].0 > items[b].0 {
                items.swap(a, b);
            }
        }
        // Now the item at `low` is the pivot, between one that is no greater and one no smaller.
        let pivot = items[low].0;
        let (mut left, mut right) = (low + 1, high);
        loop {
            left += 1;
            while items[left].0 < pivot {
                left += 1;
            }
            right -= 1;
            while items[right].0 > pivot {
                right -= 1;
            }
            if right < left {
                break;
            }
            items.swap(left, right);
        }
        items.swap(low, right);
        if right <= rank {
            low = left;
        }
        if right >= rank {
            high = right - 1;
        }
    }
    if high == low + 1 && items[low].0 > items[high].0 {
        items.swap(low, high);
    }
}

/// Picks places along every line of a dense array; the result's lines have [`Pick::count`] places.
///
/// # Panics
/// If the slices do not have the numbers that `lines` says, or a rank or count is beyond the line.
pub fn pick<T: Ordered>(pick: Pick, numbers: &[T], lines: Lines, places: &mut [i64]) {
    let count = pick.count(lines.size);
    let number = lines.outer * lines.inner;
    assert_eq!(numbers.len(), lines.len(), "numbers to pick from");
    assert_eq!(places.len(), number * count, "places to pick");
    assert!(count <= lines.size, "more picked than there are");
    assert!(!matches!(pick, Pick::Rank(rank) if rank >= lines.size), "a rank beyond the line");
    if places.is_empty() {
        return;
    }
    let known = Keys { top: T::TOP, nan: T::NAN };
    let per_task = (GRAIN / lines.size).max(1);
    let target = Target(places.as_mut_ptr());
    parallel::run(number.div_ceil(per_task), |task| {
        let mut scratch = Scratch::default();
        for line in task * per_task..((task + 1) * per_task).min(number) {
            line_keys(numbers, &lines, line, &mut scratch.keys);
            scratch.run(pick, known);
            let start = lines.start(line, count);
            for (i, &place) in scratch.places.iter().enumerate() {
                // SAFETY: the places of this line, which is this task's, inside the slice by the
                // length checked above.
                unsafe { target.at(start + i * lines.inner).write(place) };
            }
        }
    });
}
