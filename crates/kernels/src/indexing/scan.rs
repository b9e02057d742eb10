//! Membership.

/// For each element, whether it is among `set`. A NaN is equal to nothing.
///
/// The set is sorted once, and searched in logarithmic time.
///
/// # Panics
/// If `out` is not as long as `elements`.
pub fn is_in<T: Copy + PartialOrd>(elements: &[T], set: &[T], out: &mut [u8], invert: bool) {
    assert_eq!(elements.len(), out.len(), "a result for each element");
    let mut set: Vec<T> = set.iter().copied().filter(|v| v.partial_cmp(v).is_some()).collect();
    set.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    for (value, out) in elements.iter().zip(out) {
        let at = set.partition_point(|x| x < value);
        let found = set.get(at).is_some_and(|x| x == value);
        *out = u8::from(found != invert);
    }
}
