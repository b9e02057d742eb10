use super::*;

fn axis(size: usize, indexed: usize, table: usize, other: usize) -> Axis {
    Axis { size, indexed, table, other }
}

#[test]
fn gathers_rows_columns_and_points() {
    let from: Vec<u32> = (0..12).collect();
    let mut to = [0; 6];
    // Rows 2 and 0 of a 3x4 matrix, their first three columns.
    gather(&from, &[8, 0], &[axis(2, 0, 1, 3), axis(3, 1, 0, 1)], &mut to);
    assert_eq!(to, [8, 9, 10, 0, 1, 2]);
    // Columns 3 and 1 of all rows.
    gather(&from, &[3, 1], &[axis(3, 4, 0, 2), axis(2, 0, 1, 1)], &mut to);
    assert_eq!(to, [3, 1, 7, 5, 11, 9]);
}

#[test]
fn scatters_in_order_where_places_meet() {
    let mut to = [0u32; 4];
    // SAFETY: no loop leaves the table alone.
    unsafe { scatter(&mut to, &[1, 3, 1], &[axis(3, 0, 1, 1)], &[5, 6, 7], true, |_, new| new) };
    assert_eq!(to, [0, 7, 0, 6]);
    // SAFETY: as above.
    unsafe { scatter(&mut to, &[1, 3, 1], &[axis(3, 0, 1, 0)], &[10], true, |old, new| old + new) };
    assert_eq!(to, [0, 27, 0, 16]);
}

#[test]
fn threads_do_not_change_a_scatter() {
    let (rows, columns, count) = (50, 96, 900);
    let offsets: Vec<usize> = (0..count).map(|i| (i * 7919 % rows) * columns).collect();
    let values: Vec<f32> = (0..count * columns).map(|i| (i as f32 * 0.37).sin()).collect();
    let axes = [axis(count, 0, 1, columns), axis(columns, 1, 0, 1)];
    let mut expected = vec![0f32; rows * columns];
    for n in 0..count {
        for c in 0..columns {
            expected[offsets[n] + c] += values[n * columns + c];
        }
    }
    let mut to = vec![0f32; rows * columns];
    // SAFETY: columns of one row are different elements.
    unsafe { scatter(&mut to, &offsets, &axes, &values, true, |a, b| a + b) };
    assert_eq!(to, expected);
    let mut back = vec![0f32; count * columns];
    gather(&to, &offsets, &axes, &mut back);
    assert!((0..count * columns).all(|i| back[i] == expected[offsets[i / columns] + i % columns]));
}

#[test]
#[should_panic(expected = "indexed side")]
fn refuses_to_reach_beyond_the_slice() {
    gather(&[1, 2, 3], &[3], &[axis(1, 0, 1, 1)], &mut [0]);
}

#[test]
fn masks_and_nonzero() {
    let mut to = [1, 2, 3, 4, 5, 6];
    masked_fill(&mut to, &[1, 2], &[1, 0, 1], &[0, 1], &[2, 3], 0);
    assert_eq!(to, [0, 0, 3, 4, 0, 0]);
    let (count, indices) = nonzero(&[0.0, 1.0, f32::NAN, 0.0, -0.0, 2.0], &[2, 3], &[3, 1]);
    assert_eq!((count, indices), (3, vec![0, 1, 0, 2, 1, 2]));
    assert_eq!(nonzero(&[3], &[], &[]), (1, vec![]));
}

#[test]
fn triangles() {
    let mut matrix = [1; 6];
    zero_triangle(&mut matrix, 2, 3, 0, false, 0);
    assert_eq!(matrix, [1, 0, 0, 1, 1, 0]);
    let mut matrix = [1; 6];
    zero_triangle(&mut matrix, 2, 3, 1, true, 0);
    assert_eq!(matrix, [0, 1, 1, 0, 0, 1]);
}

#[test]
fn membership_ignores_nan() {
    let mut out = [9; 3];
    is_in(&[1.0, f64::NAN, 2.0], &[2.0, f64::NAN], &mut out, false);
    assert_eq!(out, [0, 0, 1]);
    is_in(&[1.0, f64::NAN, 2.0], &[2.0, f64::NAN], &mut out, true);
    assert_eq!(out, [1, 1, 0]);
}
