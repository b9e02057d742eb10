//! Slices cut into pieces that threads work on, each piece with one owner.

use crate::parallel;

/// Numbers worth a task of their own: below this, waking a thread costs more than the work.
pub const TASK: usize = 1 << 15;

#[derive(Clone, Copy)]
struct Base<T>(*mut T);
// SAFETY: the pointer is only used to make disjoint slices, one for each task.
unsafe impl<T: Send> Sync for Base<T> {}

impl<T> Base<T> {
    /// # Safety
    /// The range must lie in the slice this was made of and overlap no other piece in use.
    unsafe fn piece<'a>(&self, start: usize, len: usize) -> &'a mut [T] {
        // SAFETY: by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}

/// How many pieces make a task, given the work (in numbers touched) of one.
fn grain(work: usize) -> usize {
    TASK.div_ceil(work.max(1)).max(1)
}

/// Calls `f(i, piece)` for each `piece`-long part of `data`, in parallel. `work` estimates how
/// many numbers one call touches.
///
/// # Panics
/// If the length is not a multiple of `piece`.
pub fn split<T: Send>(data: &mut [T], piece: usize, work: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    split3(data, piece, &mut [] as &mut [u8], 0, &mut [] as &mut [u8], 0, work, |i, a, _, _| f(i, a));
}

/// As [`split`], but calls `f(first, pieces)` once for a task, with all of its pieces: for kernels
/// that do little for each.
///
/// # Panics
/// If the length is not a multiple of `piece`.
pub fn split_runs<T: Send>(data: &mut [T], piece: usize, work: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    split_runs2((data, piece), (&mut [] as &mut [u8], 0), work, |first, pieces, _| f(first, pieces));
}

/// As [`split_runs`] for two slices that have equally many pieces; those of the second may have length 0.
///
/// # Panics
/// If they have not, or a length is not a multiple of its piece.
pub fn split_runs2<A: Send, B: Send>(
    (a, a_piece): (&mut [A], usize),
    (b, b_piece): (&mut [B], usize),
    work: usize,
    f: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    if a.is_empty() {
        return;
    }
    assert!(a_piece > 0 && a.len().is_multiple_of(a_piece), "a slice that is not made of pieces");
    let pieces = a.len() / a_piece;
    assert!(b.len() == pieces * b_piece, "slices with different numbers of pieces");
    let grain = grain(work);
    let (a, b) = (Base(a.as_mut_ptr()), Base(b.as_mut_ptr()));
    parallel::run(pieces.div_ceil(grain), |task| {
        let first = task * grain;
        let count = grain.min(pieces - first);
        // SAFETY: the ranges lie in the slices (lengths checked above), and tasks have different ones.
        let (a, b) = unsafe { (a.piece(first * a_piece, count * a_piece), b.piece(first * b_piece, count * b_piece)) };
        f(first, a, b);
    });
}

/// As [`split2`], where the last piece of the first slice may be a shorter one.
///
/// # Panics
/// If the slices have different numbers of pieces.
pub fn split_chunks2<A: Send, B: Send>(
    (a, a_piece): (&mut [A], usize),
    (b, b_piece): (&mut [B], usize),
    work: usize,
    f: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    if a.is_empty() {
        return;
    }
    assert!(a_piece > 0, "a slice that is not made of pieces");
    let (len, pieces) = (a.len(), a.len().div_ceil(a_piece));
    assert!(b.len() == pieces * b_piece, "slices with different numbers of pieces");
    let grain = grain(work);
    let (a, b) = (Base(a.as_mut_ptr()), Base(b.as_mut_ptr()));
    parallel::run(pieces.div_ceil(grain), |task| {
        for i in task * grain..((task + 1) * grain).min(pieces) {
            // SAFETY: the ranges lie in the slices (lengths checked above), and each `i` belongs to one task.
            let (a, b) =
                unsafe { (a.piece(i * a_piece, a_piece.min(len - i * a_piece)), b.piece(i * b_piece, b_piece)) };
            f(i, a, b);
        }
    });
}

/// As [`split`] for two slices that have equally many pieces.
///
/// # Panics
/// If they have not, or a length is not a multiple of its piece.
pub fn split2<A: Send, B: Send>(
    (a, a_piece): (&mut [A], usize),
    (b, b_piece): (&mut [B], usize),
    work: usize,
    f: impl Fn(usize, &mut [A], &mut [B]) + Sync,
) {
    assert_eq!(a.len() * b_piece, b.len() * a_piece, "slices with different numbers of pieces");
    split3(a, a_piece, b, b_piece, &mut [] as &mut [u8], 0, work, |i, a, b, _| f(i, a, b));
}

/// As [`split`] for up to three slices; the second and third may have pieces of length 0.
///
/// # Panics
/// If a length does not fit the first slice's number of pieces.
#[expect(clippy::too_many_arguments, reason = "three slices with their piece lengths")]
pub fn split3<A: Send, B: Send, C: Send>(
    a: &mut [A],
    a_piece: usize,
    b: &mut [B],
    b_piece: usize,
    c: &mut [C],
    c_piece: usize,
    work: usize,
    f: impl Fn(usize, &mut [A], &mut [B], &mut [C]) + Sync,
) {
    if a.is_empty() {
        return;
    }
    assert!(a_piece > 0 && a.len().is_multiple_of(a_piece), "a slice that is not made of pieces");
    let pieces = a.len() / a_piece;
    assert!(b.len() == pieces * b_piece && c.len() == pieces * c_piece, "slices with different numbers of pieces");
    let grain = grain(work);
    let (a, b, c) = (Base(a.as_mut_ptr()), Base(b.as_mut_ptr()), Base(c.as_mut_ptr()));
    parallel::run(pieces.div_ceil(grain), |task| {
        for i in task * grain..((task + 1) * grain).min(pieces) {
            // SAFETY: `i < pieces`, so the ranges lie in the slices (lengths checked above); each
            // `i` belongs to one task, so no two pieces overlap.
            let (a, b, c) = unsafe {
                (a.piece(i * a_piece, a_piece), b.piece(i * b_piece, b_piece), c.piece(i * c_piece, c_piece))
            };
            f(i, a, b, c);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_visited_once_with_its_number() {
        let mut a = vec![0usize; 7 * 3];
        let mut b = vec![0usize; 7];
        split2((&mut a, 3), (&mut b, 1), TASK, |i, a, b| {
            a.iter_mut().for_each(|x| *x += i);
            b[0] += 10 * i;
        });
        assert!((0..7).all(|i| a[3 * i..3 * i + 3] == [i; 3] && b[i] == 10 * i));
    }

    #[test]
    fn a_run_is_what_its_pieces_are() {
        let mut a = vec![0usize; 9 * 3];
        let mut b = vec![0usize; 9];
        split_runs2((&mut a, 3), (&mut b, 1), TASK / 2, |first, a, b| {
            assert!(a.len() == 3 * b.len() && b.len() <= 2);
            a.chunks_mut(3).zip(b).zip(first..).for_each(|((a, b), i)| {
                a.iter_mut().for_each(|x| *x += i);
                *b += i + 1;
            });
        });
        assert!((0..9).all(|i| a[3 * i..3 * i + 3] == [i; 3] && b[i] == i + 1));
    }

    #[test]
    fn the_last_chunk_may_be_shorter() {
        let mut a = vec![0usize; 8];
        let mut b = vec![0usize; 3];
        split_chunks2((&mut a, 3), (&mut b, 1), TASK, |i, a, b| {
            a.iter_mut().for_each(|x| *x += i + 1);
            b[0] += a.len();
        });
        assert_eq!((a, b), (vec![1, 1, 1, 2, 2, 2, 3, 3], vec![3, 3, 2]));
    }

    #[test]
    #[should_panic(expected = "different numbers of pieces")]
    fn slices_must_match() {
        split2((&mut [0u8; 6], 3), (&mut [0u8; 3], 1), 1, |_, _, _| {});
    }
}
