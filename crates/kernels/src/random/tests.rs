use super::*;

fn drawn<T: crate::element::Element>(seed: u64, distribution: Distribution, count: usize) -> Vec<T> {
    let mut out = vec![T::default(); count];
    fill(distribution, &mut Generator::new(seed), true, &mut out);
    out
}

#[test]
fn words_are_those_of_the_reference_implementation() {
    // The reference implementation's first word, and its ten-thousandth as the C++ standard gives it.
    let mut generator = Generator::new(5489);
    assert_eq!(generator.random(), 3_499_211_612);
    let last = (1..10_000).map(|_| generator.random()).last();
    assert_eq!(last, Some(4_123_659_995));
}

#[test]
fn a_state_can_be_taken_and_put_back() {
    let mut generator = Generator::new(7);
    assert_eq!(&generator.to_bytes()[8..24], &[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut other = Generator::new(0);
    other.set_bytes(&generator.to_bytes()).unwrap();
    assert_eq!(other.random(), generator.random());
    let first = generator.normal_f64();
    other.set_bytes(&generator.to_bytes()).unwrap();
    assert_eq!(generator.normal_f64(), other.normal_f64());
    assert_ne!(first, generator.normal_f64());
    assert_eq!(other.set_bytes(&[0; 3]), Err(StateError::Size(3)));
    assert_eq!(other.set_bytes(&[0; STATE_BYTES]), Err(StateError::Invalid));
    // A state whose words are all used up.
    let mut generator = Generator::new(1);
    (0..624).for_each(|_| _ = generator.random());
    other.set_bytes(&generator.to_bytes()).unwrap();
    assert_eq!(other.random(), generator.random());
}

#[test]
fn samples_have_the_moments_of_their_distributions() {
    let cases: [(Distribution, f64, f64); 6] = [
        (Distribution::Uniform { from: -1.0, to: 3.0 }, 1.0, 16.0 / 12.0),
        (Distribution::Normal { mean: 2.0, std: 0.5 }, 2.0, 0.25),
        (Distribution::Bernoulli { p: 0.3 }, 0.3, 0.21),
        (Distribution::Exponential { lambda: 2.0 }, 0.5, 0.25),
        (Distribution::Geometric { p: 0.5 }, 2.0, 2.0),
        (Distribution::Integers { base: -2, range: 5 }, 0.0, 2.0),
    ];
    for (distribution, mean, variance) in cases {
        let samples: Vec<f64> = drawn(1, distribution, 40_000);
        let n = samples.len() as f64;
        let m = samples.iter().sum::<f64>() / n;
        let v = samples.iter().map(|x| (x - m).powi(2)).sum::<f64>() / n;
        assert!((m - mean).abs() < 0.03, "{distribution:?}: mean {m}");
        assert!((v / variance - 1.0).abs() < 0.05, "{distribution:?}: variance {v}");
    }
    for rate in [0.0, 0.7, 4.0, 35.0] {
        let mut generator = Generator::new(2);
        let mean = (0..20_000).map(|_| poisson(&mut generator, rate)).sum::<f64>() / 20_000.0;
        assert!((mean - rate).abs() < 0.03 * (1.0 + rate), "rate {rate}: mean {mean}");
    }
}

#[test]
fn a_permutation_has_each_number_once() {
    let mut out = vec![0; 1000];
    permutation(&mut Generator::new(3), &mut out);
    let mut sorted = out.clone();
    sorted.sort_unstable();
    assert!(sorted.iter().copied().eq(0..1000));
    assert_ne!(sorted, out);
}
