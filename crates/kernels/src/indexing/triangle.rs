//! Triangles of matrices.

/// Sets to `zero` what lies above diagonal `k` of each matrix (`upper` false: a lower triangle
/// remains) or below it (`upper` true). The matrices lie densely one after the other.
///
/// # Panics
/// If the slice is not a whole number of matrices.
pub fn zero_triangle<T: Copy>(matrices: &mut [T], rows: usize, columns: usize, k: isize, upper: bool, zero: T) {
    if rows * columns == 0 {
        return;
    }
    assert_eq!(matrices.len() % (rows * columns), 0, "whole matrices");
    for matrix in matrices.chunks_exact_mut(rows * columns) {
        for (row, values) in matrix.chunks_exact_mut(columns).enumerate() {
            // The first column beyond the diagonal that belongs to the lower triangle.
            let edge = (row as isize).saturating_add(k).saturating_add(isize::from(!upper));
            let edge = edge.clamp(0, columns as isize) as usize;
            let cleared = if upper { &mut values[..edge] } else { &mut values[edge..] };
            cleared.fill(zero);
        }
    }
}
