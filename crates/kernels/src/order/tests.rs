use super::*;

fn places(what: Pick, numbers: &[f32]) -> Vec<i64> {
    let lines = Lines::new(&[numbers.len()], 0);
    let mut places = vec![-1; what.count(numbers.len())];
    pick(what, numbers, lines, &mut places);
    places
}

#[test]
fn keys_are_in_order() {
    let numbers = [f32::NEG_INFINITY, -2.0, -1e-45, 0.0, 1e-45, 1.0, f32::INFINITY, f32::NAN];
    assert!(keys(&numbers).is_sorted_by(|a, b| a < b));
    assert_eq!(keys(&[-0.0f64]), keys(&[0.0f64]));
    assert_eq!(Some((-f32::NAN).key()), <f32 as Ordered>::NAN);
    assert!(keys(&[i64::MIN, -1, 0, 1, i64::MAX]).is_sorted_by(|a, b| a < b));
    assert!(keys(&[i8::MIN, -1, 0, 1, i8::MAX]).is_sorted_by(|a, b| a < b));
}

#[test]
fn sorts_stably_with_nan_greatest() {
    let numbers = [1.0, f32::NAN, 0.0, 1.0, -0.0];
    assert_eq!(places(Pick::Sorted { descending: false }, &numbers), [2, 4, 0, 3, 1]);
    assert_eq!(places(Pick::Sorted { descending: true }, &numbers), [1, 0, 3, 2, 4]);
    assert_eq!(places(Pick::First { count: 2, descending: true }, &numbers), [1, 0]);
    assert_eq!(places(Pick::Median, &numbers), [1]);
    assert_eq!(places(Pick::NanMedian, &numbers), [4]);
    assert_eq!(places(Pick::Mode, &numbers), [4]);
}

#[test]
fn every_rank_is_found() {
    for n in 1..40usize {
        let numbers: Vec<f32> = (0..n).map(|i| (i * 7919 % 13) as f32).collect();
        let mut sorted = numbers.clone();
        sorted.sort_by(f32::total_cmp);
        for (rank, &expected) in sorted.iter().enumerate() {
            assert_eq!(numbers[places(Pick::Rank(rank), &numbers)[0] as usize], expected);
        }
    }
}

#[test]
fn lines_in_the_middle_and_many_of_them() {
    let shape = [37, 50, 61];
    let numbers: Vec<i64> = (0..37 * 50 * 61).map(|i| i * 7919 % 1013).collect();
    let lines = Lines::new(&shape, 1);
    let mut order = vec![0; numbers.len()];
    pick(Pick::Sorted { descending: true }, &numbers, lines, &mut order);
    let mut sums = vec![0; numbers.len()];
    running(Running::Sum, false, &numbers, lines, &mut sums);
    let at = |o: usize, k: usize, i: usize| (o * 50 + k) * 61 + i;
    for (o, i) in [(0, 0), (17, 60), (36, 3)] {
        let mut sum = 0;
        for k in 0..50 {
            sum += numbers[at(o, k, i)];
            assert_eq!(sums[at(o, k, i)], sum);
            if k > 0 {
                let value = |k: usize| numbers[at(o, order[at(o, k, i)] as usize, i)];
                assert!(value(k - 1) >= value(k));
            }
        }
    }
}

#[test]
fn groups_equal_rows() {
    let groups = distinct(&keys(&[3i32, 1, 3, 1, 1, 2]), 1, None, false);
    assert_eq!((groups.first, groups.counts), (vec![1, 5, 0], vec![3, 1, 2]));
    assert_eq!(groups.inverse, [2, 0, 2, 0, 0, 1]);
    let groups = distinct(&keys(&[1i32, 1, 2, 1]), 1, None, true);
    assert_eq!((groups.first, groups.counts, groups.inverse), (vec![0, 2, 3], vec![2, 1, 1], vec![0, 0, 1, 2]));
    let nan = f32::NAN;
    let groups = distinct(&keys(&[1.0, nan, 1.0, nan, 0.0, 1.0]), 2, <f32 as Ordered>::NAN, false);
    assert_eq!((groups.first, groups.counts), (vec![2, 0, 1], vec![1, 1, 1]));
}
