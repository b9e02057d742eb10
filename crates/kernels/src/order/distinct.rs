//! Which rows are the same.

/// The groups of equal rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distinct {
    /// For each group, the number of its first row.
    pub first: Vec<i64>,
    /// For each row, the number of its group.
    pub inverse: Vec<i64>,
    /// For each group, how many rows it has.
    pub counts: Vec<i64>,
}

/// Groups rows of `width` keys each: equal ones anywhere, in ascending order of the groups, or only
/// neighbours (`consecutive`), in the order of the rows. A row with the key `nan` equals no other.
///
/// # Panics
/// If `width` is 0.
pub fn distinct(keys: &[u64], width: usize, nan: Option<u64>, consecutive: bool) -> Distinct {
    let rows: Vec<&[u64]> = keys.chunks_exact(width).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    if !consecutive {
        if width == 1 {
            let mut pairs: Vec<(u64, usize)> = keys.iter().copied().zip(0..).collect();
            pairs.sort_unstable();
            order = pairs.into_iter().map(|(_, row)| row).collect();
        } else {
            order.sort_by_key(|&row| rows[row]);
        }
    }
    let mut groups = Distinct { inverse: vec![0; rows.len()], ..Distinct::default() };
    for (i, &row) in order.iter().enumerate() {
        let same = i > 0 && rows[order[i - 1]] == rows[row] && !rows[row].iter().any(|&key| Some(key) == nan);
        match groups.counts.last_mut().filter(|_| same) {
            Some(count) => *count += 1,
            None => {
                groups.first.push(row as i64);
                groups.counts.push(1);
            }
        }
        groups.inverse[row] = groups.counts.len() as i64 - 1;
    }
    groups
}
