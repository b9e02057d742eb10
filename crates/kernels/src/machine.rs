//! What this machine can do at most, measured: how fast it multiplies when nothing else is to be
//! done, and how fast it copies. Between these two lies every kernel (Williams, Waterman and
//! Patterson, "Roofline", 2009).

use crate::clock;
use crate::parallel;
use crate::simd::{Float, Isa, Kernel, Vectors, dispatch};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The processor and its cores, as text that tells one machine from another.
pub fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let plural = if cores == 1 { "" } else { "s" };
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let model = model.map_or(std::env::consts::ARCH, |(_, model)| model.trim());
        format!("{model}, {cores} core{plural}")
    })
}

/// Whether the processor is Intel's, for the few choices that a processor's inner make decides.
pub fn is_intel() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        static INTEL: OnceLock<bool> = OnceLock::new();
        *INTEL.get_or_init(|| {
            let leaf = std::arch::x86_64::__cpuid(0);
            [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
        })
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Bytes of memory that a program may still take, where the system tells.
pub fn available_memory() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let free = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let free: u64 = free.trim().strip_suffix("kB")?.trim().parse().ok()?;
    // A container may be allowed less than the machine has.
    let number = |path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let (most, used) = (number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current"));
    let allowed = most.map_or(u64::MAX, |most| most.saturating_sub(used.unwrap_or(0)));
    Some((free * 1024).min(allowed))
}

/// The two limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    /// Floating-point operations a second, of multiply-adds on registers.
    pub peak: f64,
    /// Bytes a second, read and written, of copying what no cache holds.
    pub bandwidth: f64,
}

impl Roofline {
    /// This machine's, for a number type, an instruction set and the number of threads that is
    /// set. Takes some 40 ms once, and is remembered.
    pub fn measured<T: Float>(isa: Isa) -> Self {
        static KNOWN: Mutex<Option<HashMap<Key, Roofline>>> = Mutex::new(None);
        type Key = (&'static str, Isa, usize);
        let key = (T::NAME, isa, parallel::threads());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if let Some(roofline) = known.get(&key) {
            return *roofline;
        }
        let same = |(_, _, threads): &Key| *threads == key.2;
        let copied = known.iter().find_map(|(key, roofline)| same(key).then_some(roofline.bandwidth));
        let roofline = Self { peak: peak::<T>(isa), bandwidth: copied.unwrap_or_else(bandwidth) };
        known.insert(key, roofline);
        roofline
    }

    /// The most operations a second that work of so many operations for each byte can reach.
    pub fn bound(&self, intensity: f64) -> f64 {
        self.peak.min(intensity * self.bandwidth)
    }

    /// Whether it is memory that limits work of so many operations for each byte.
    pub fn is_memory_bound(&self, intensity: f64) -> bool {
        intensity * self.bandwidth < self.peak
    }
}

/// How long each limit is measured.
const BUDGET: Duration = Duration::from_millis(20);

/// The shortest of the times that fit into the budget: what disturbs only ever takes longer.
fn shortest(mut work: impl FnMut()) -> f64 {
    work();
    let (mut shortest, start) = (Duration::MAX, Instant::now());
    while shortest == Duration::MAX || start.elapsed() < BUDGET {
        let before = clock::now();
        work();
        shortest = shortest.min(clock::now().saturating_sub(before));
    }
    shortest.as_secs_f64().max(1e-9)
}

/// More sums than a processor has multiply-adds in flight, and few enough for 16 registers.
const SUMS: usize = 12;
/// A millisecond, more or less.
const STEPS: usize = 1 << 18;

/// Multiply-adds on registers; gives how many operations that were.
struct MultiplyAdd;

impl<T: Float> Kernel<T> for MultiplyAdd {
    type Output = u64;

    #[inline(always)]
    fn run<S: Vectors<T>>(self, simd: S) -> u64 {
        // Halves: sums go to one, and neither to infinity nor to the slow numbers next to zero.
        let half = simd.splat(black_box(T::from_f64(0.5)));
        let mut sums = [simd.zero(); SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add(*sum, half, half);
            }
        }
        for sum in sums {
            black_box(simd.sum(sum));
        }
        (2 * SUMS * STEPS * S::LANES) as u64
    }
}

fn peak<T: Float>(isa: Isa) -> f64 {
    let threads = parallel::threads();
    let each = dispatch::<T, _>(isa, MultiplyAdd);
    let seconds = shortest(|| {
        parallel::run(threads, |_| {
            black_box(dispatch::<T, _>(isa, MultiplyAdd));
        });
    });
    (each * threads as u64) as f64 / seconds
}

/// Bytes that are copied at once: more than caches hold.
const COPIED: usize = 64 << 20;
/// Bytes that a thread copies at a time.
const PIECE: usize = 1 << 20;

fn bandwidth() -> f64 {
    let from = vec![1u8; COPIED];
    let mut to = vec![2u8; COPIED];
    let seconds = shortest(|| {
        crate::window::split(&mut to, PIECE, PIECE, |piece, to| {
            to.copy_from_slice(&from[piece * PIECE..][..to.len()]);
        });
        black_box(&mut to);
    });
    (2 * COPIED) as f64 / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_plausible_and_remembered() {
        let isa = Isa::detect();
        let roofline = Roofline::measured::<f32>(isa);
        assert!(roofline.peak > 1e8 && roofline.peak < 1e15, "{roofline:?}");
        assert!(roofline.bandwidth > 1e8 && roofline.bandwidth < 1e13, "{roofline:?}");
        assert_eq!(roofline, Roofline::measured::<f32>(isa));
    }

    #[test]
    fn the_bound_is_the_lower_limit() {
        let roofline = Roofline { peak: 400e9, bandwidth: 40e9 };
        assert_eq!(roofline.bound(2.0), 80e9);
        assert_eq!(roofline.bound(100.0), 400e9);
        assert!(roofline.is_memory_bound(9.0) && !roofline.is_memory_bound(11.0));
    }
}
