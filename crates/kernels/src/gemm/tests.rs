use super::operand::Sink;
use super::*;
use crate::buffer::Buffer;
use proptest::prelude::*;

/// How a matrix lies in memory, with room between its rows.
#[derive(Clone, Copy, Debug)]
enum Order {
    Rows,
    Columns,
    Apart,
}

fn strides(order: Order, rows: usize, columns: usize) -> (usize, usize) {
    match order {
        Order::Rows => (columns + 3, 1),
        Order::Columns => (1, rows + 2),
        Order::Apart => (2 * columns + 1, 2),
    }
}

/// A matrix whose slice ends with its last number.
fn numbers<T: Float>((rows, columns): (usize, usize), order: Order, seed: usize) -> (Vec<T>, (usize, usize)) {
    let (row, column) = strides(order, rows, columns);
    let len = span(rows, columns, row, column);
    let number = |i: usize| T::from_f64(((i + seed) * 7919 % 1009) as f64 / 504.5 - 1.0);
    ((0..len).map(number).collect(), (row, column))
}

fn check<T: Float>(
    sizes: [usize; 3],
    orders: [Order; 3],
    scales: [f64; 2],
    tolerance: f64,
) -> Result<(), TestCaseError> {
    let [rows, columns, depth] = sizes;
    let (a, (a_row, a_column)) = numbers::<T>((rows, depth), orders[0], 1);
    let (b, (b_row, b_column)) = numbers::<T>((depth, columns), orders[1], 2);
    let (before, (c_row, c_column)) = numbers::<T>((rows, columns), orders[2], 3);
    let [alpha, beta] = scales.map(T::from_f64);
    for isa in Isa::available() {
        let mut c = before.clone();
        if beta == T::ZERO {
            c.fill(T::from_f64(f64::NAN));
        }
        let left = MatrixRef { data: &a, rows, columns: depth, row_stride: a_row, column_stride: a_column };
        let right = MatrixRef { data: &b, rows: depth, columns, row_stride: b_row, column_stride: b_column };
        let mut to = MatrixMut { data: &mut c, rows, columns, row_stride: c_row, column_stride: c_column };
        gemm_with(isa, alpha, left, right, beta, &mut to);
        let mut places = vec![false; c.len()];
        for i in 0..rows {
            for j in 0..columns {
                let place = i * c_row + j * c_column;
                places[place] = true;
                let product = |k: usize| a[i * a_row + k * a_column].to_f64() * b[k * b_row + j * b_column].to_f64();
                let sum: f64 = (0..depth).map(product).sum();
                let size: f64 = (0..depth).map(|k| product(k).abs()).sum();
                let kept = if beta == T::ZERO { 0.0 } else { beta.to_f64() * before[place].to_f64() };
                let expected = alpha.to_f64() * sum + kept;
                let error = (c[place].to_f64() - expected).abs();
                // Rounding is in proportion to what was added, however it cancels.
                let bound = tolerance * (alpha.to_f64().abs() * size + kept.abs());
                prop_assert!(error <= bound, "({i}, {j}): {error} of {expected}, {} allows {bound}", isa.name());
            }
        }
        if beta != T::ZERO {
            let untouched = c.iter().zip(&before).zip(places).all(|((now, then), place)| place || now == then);
            prop_assert!(untouched, "numbers between the elements were written");
        }
    }
    Ok(())
}

fn any_order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Rows), Just(Order::Columns), Just(Order::Apart)]
}

fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0usize), Just(1), 2usize..20, 40usize..120]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn products_match_the_definition(
        sizes in [any_size(), any_size(), any_size()],
        orders in prop::array::uniform3(any_order()),
        scales in prop_oneof![Just([1.0, 0.0]), Just([1.0, 1.0]), Just([-0.5, 2.0]), Just([2.0, 0.0])],
    ) {
        check::<f32>(sizes, orders, scales, 1e-6)?;
        check::<f64>(sizes, orders, scales, 1e-15)?;
    }
}

#[test]
fn many_blocks_and_long_sums_match_the_definition() {
    for (sizes, orders) in [
        ([300, 270, 520], [Order::Rows; 3]),
        ([10, 20, 9000], [Order::Columns, Order::Rows, Order::Rows]),
        ([10, 20, 9000], [Order::Rows, Order::Columns, Order::Apart]),
        ([1, 5000, 100], [Order::Rows; 3]),
        ([5000, 1, 100], [Order::Rows; 3]),
    ] {
        check::<f32>(sizes, orders, [1.5, 1.0], 1e-6).expect("the definition's numbers");
    }
}

#[test]
fn integers_wrap() {
    let (a, b) = ([i32::MAX, 2, 3, 4], [2, 0, 1, 1]);
    let mut c = [0; 4];
    let (left, right) = (MatrixRef::row_major(&a, 2, 2), MatrixRef::row_major(&b, 2, 2));
    gemm_integers(left, right, &mut MatrixMut::row_major(&mut c, 2, 2));
    assert_eq!(c, [0, 2, 10, 4]);
}

#[test]
#[should_panic(expected = "columns of a and rows of b")]
fn sizes_must_match() {
    let numbers = [0.0f32; 6];
    let mut c = [0.0f32; 4];
    let (a, b) = (MatrixRef::row_major(&numbers, 2, 3), MatrixRef::row_major(&numbers, 2, 2));
    gemm(1.0, a, b, 0.0, &mut MatrixMut::row_major(&mut c, 2, 2));
}

/// A result that fills the caches is written past them, where its rows begin at whole lines.
#[test]
fn a_large_result_is_what_a_small_one_is() {
    let (rows, columns, depth) = (29, 9 << 13, 3);
    let whole = |row: usize, column: usize| ((row * 31 + column * 17) % 13) as f32 - 6.0;
    let a: Vec<f32> = (0..rows * depth).map(|i| whole(i / depth, i % depth)).collect();
    let b: Vec<f32> = (0..depth * columns).map(|i| whole(i / columns, i % columns)).collect();
    let len = rows * columns;
    for isa in Isa::available() {
        let buffer = Buffer::uninit(len * size_of::<f32>());
        let (place, sink) = (buffer.as_ptr().cast::<f32>(), |start| StridedSink::<f32> {
            start,
            item_stride: 0,
            row_stride: columns,
            column_stride: 1,
            accumulate: false,
        });
        assert!(sink(place).streams(len));
        // SAFETY: the buffer has room for so many, which are no references.
        let c = unsafe {
            place.write_bytes(0xff, len);
            std::slice::from_raw_parts_mut(place, len)
        };
        let mut to = MatrixMut::row_major(c, rows, columns);
        let (left, right) = (MatrixRef::row_major(&a, rows, depth), MatrixRef::row_major(&b, depth, columns));
        gemm_with(isa, 1.0, left, right, 0.0, &mut to);
        for (i, &sum) in c.iter().enumerate() {
            let (row, column) = (i / columns, i % columns);
            let expected: f32 = (0..depth).map(|k| whole(row, k) * whole(k, column)).sum();
            assert_eq!(sum, expected, "row {row}, column {column} by {isa:?}");
        }
    }
}
