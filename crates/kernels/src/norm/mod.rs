//! Normalisation: sums over the numbers of a channel, and maps with coefficients for each channel.
//!
//! Batch, instance, group and layer normalisation differ in which numbers share a mean, and in
//! nothing else. [`Units`] says which numbers belong together in either memory layout;
//! [`sums`] adds up terms for each unit; [`map`] computes a number from each unit's
//! coefficients. Sums are made in blocks small enough for float32 and added up in float64, in an
//! order that only the sizes decide.

use crate::element::Element;
use crate::window::{Compute, TASK, split, widest};

/// Numbers that share a mean: those with the same sample and channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    /// Parts of the batch that are summed apart.
    pub samples: usize,
    /// Images in each sample.
    pub batch: usize,
    /// Channels of an image.
    pub channels: usize,
    /// Positions in an image.
    pub area: usize,
    /// Whether the channels of a position lie together, rather than the positions of a channel.
    pub channels_last: bool,
}

impl Units {
    /// How many units there are: unit `sample * channels + channel`.
    pub fn count(&self) -> usize {
        self.samples * self.channels
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.count() * self.unit_len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers each unit has.
    pub fn unit_len(&self) -> usize {
        self.batch * self.area
    }
}

/// Lanes of a sum along memory: two of the widest vectors, so that additions overlap.
const LANES: usize = 32;
/// Terms that are added in the type of arithmetic before the sum moves to float64.
const BLOCK: usize = 4096;
/// Rows of channels that are added before the sums move to float64.
const ROWS: usize = 128;

/// The sums of `term(unit, index)` over the numbers of each unit, for `K` kinds of terms at once.
/// `index` is the number's place in memory.
pub fn sums<W: Compute, const K: usize>(units: Units, term: impl Fn(usize, usize) -> [W; K] + Sync) -> Vec<[f64; K]> {
    let mut totals = vec![[0.0; K]; units.count()];
    if units.is_empty() {
        return totals;
    }
    if units.channels_last {
        channels_last_sums(units, &term, &mut totals);
    } else {
        split(&mut totals, 1, units.unit_len(), |unit, total| {
            let (sample, channel) = (unit / units.channels, unit % units.channels);
            for n in 0..units.batch {
                let start = ((sample * units.batch + n) * units.channels + channel) * units.area;
                let row = widest(|| row_sum(start, units.area, |index| term(unit, index)));
                (0..K).for_each(|k| total[0][k] += row[k]);
            }
        });
    }
    totals
}

#[inline(always)]
fn row_sum<W: Compute, const K: usize>(start: usize, len: usize, term: impl Fn(usize) -> [W; K]) -> [f64; K] {
    let mut total = [0.0; K];
    let mut at = start;
    let end = start + len;
    while at < end {
        let block_end = (at + BLOCK).min(end);
        let mut lanes = [[W::ZERO; LANES]; K];
        while at + LANES <= block_end {
            for lane in 0..LANES {
                let terms = term(at + lane);
                lanes.iter_mut().zip(terms).for_each(|(sums, term)| sums[lane] += term);
            }
            at += LANES;
        }
        for index in at..block_end {
            let terms = term(index);
            for k in 0..K {
                lanes[k][index - at] += terms[k];
            }
        }
        at = block_end;
        for k in 0..K {
            total[k] += lanes[k].iter().map(|lane| lane.to_f64()).sum::<f64>();
        }
    }
    total
}

fn channels_last_sums<W: Compute, const K: usize>(
    units: Units,
    term: &(impl Fn(usize, usize) -> [W; K] + Sync),
    totals: &mut [[f64; K]],
) {
    let (channels, rows) = (units.channels, units.unit_len());
    // Each task adds up a share of a sample's rows.
    let share = (4 * TASK).div_ceil(channels).next_multiple_of(ROWS);
    let shares = rows.div_ceil(share);
    let mut partial = vec![[0.0; K]; units.samples * shares * channels];
    split(&mut partial, channels, share * channels, |task, partial| {
        let (sample, first) = (task / shares, task % shares * share);
        let last = (first + share).min(rows);
        let mut block = vec![[W::ZERO; K]; channels];
        for start in (first..last).step_by(ROWS) {
            block.fill([W::ZERO; K]);
            widest(|| {
                for row in start..(start + ROWS).min(last) {
                    let base = (sample * rows + row) * channels;
                    for (channel, sum) in block.iter_mut().enumerate() {
                        let terms = term(sample * channels + channel, base + channel);
                        for k in 0..K {
                            sum[k] += terms[k];
                        }
                    }
                }
            });
            for (total, sum) in partial.iter_mut().zip(&block) {
                (0..K).for_each(|k| total[k] += sum[k].to_f64());
            }
        }
    });
    for (task, partial) in partial.chunks(channels).enumerate() {
        let totals = &mut totals[task / shares * channels..][..channels];
        for (total, partial) in totals.iter_mut().zip(partial) {
            (0..K).for_each(|k| total[k] += partial[k]);
        }
    }
}

/// `output[index] = value(unit, index)` for every number.
///
/// # Panics
/// If the output has another length than the units.
pub fn map<T: Element>(units: Units, output: &mut [T], value: impl Fn(usize, usize) -> T + Sync) {
    assert_eq!(output.len(), units.len(), "an output of another size");
    let (channels, area, batch) = (units.channels, units.area, units.batch);
    if units.is_empty() {
        return;
    }
    if units.channels_last {
        split(output, channels, channels, |row, output| {
            let first_unit = row / units.unit_len() * channels;
            widest(|| {
                for (channel, out) in output.iter_mut().enumerate() {
                    *out = value(first_unit + channel, row * channels + channel);
                }
            });
        });
    } else {
        split(output, area, area, |plane, output| {
            let unit = plane / (channels * batch) * channels + plane % channels;
            widest(|| {
                for (i, out) in output.iter_mut().enumerate() {
                    *out = value(unit, plane * area + i);
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_index(units: Units, mut visit: impl FnMut(usize, usize)) {
        let Units { samples, batch, channels, area, channels_last } = units;
        for s in 0..samples {
            for n in 0..batch {
                for c in 0..channels {
                    for p in 0..area {
                        let image = s * batch + n;
                        let index = if channels_last {
                            (image * area + p) * channels + c
                        } else {
                            (image * channels + c) * area + p
                        };
                        visit(s * channels + c, index);
                    }
                }
            }
        }
    }

    #[test]
    fn sums_and_maps_see_each_number_of_a_unit_once() {
        for channels_last in [false, true] {
            for (samples, batch, channels, area) in [(1, 3, 5, 7), (2, 2, 1, 9000), (3, 1, 70, 33), (1, 2, 3, 0)] {
                let units = Units { samples, batch, channels, area, channels_last };
                let value = |i: usize| (i as f64 * 0.7).sin();
                let mut expected = vec![[0.0; 2]; units.count()];
                let mut owner = vec![0u8; units.len()];
                each_index(units, |unit, i| {
                    expected[unit][0] += value(i);
                    expected[unit][1] += value(i) * value(i);
                    owner[i] = unit as u8;
                });
                let got = sums(units, |unit, i| {
                    assert_eq!(owner[i], unit as u8);
                    [value(i), value(i) * value(i)]
                });
                for (got, expected) in got.iter().zip(&expected) {
                    assert!((0..2).all(|k| (got[k] - expected[k]).abs() < 1e-9), "{units:?}");
                }
                let mut mapped = vec![99u8; units.len()];
                map(units, &mut mapped, |unit, i| {
                    assert_eq!(owner[i], unit as u8);
                    unit as u8
                });
                assert_eq!(mapped, owner);
            }
        }
    }

    #[test]
    fn float32_sums_of_many_equal_terms_are_accurate() {
        let units = Units { samples: 1, batch: 4, channels: 2, area: 300_000, channels_last: false };
        for channels_last in [false, true] {
            let total = sums(Units { channels_last, ..units }, |_, _| [0.1f32]);
            assert!(total.iter().all(|t| (t[0] / (1_200_000.0 * f64::from(0.1f32)) - 1.0).abs() < 1e-6));
        }
    }
}
