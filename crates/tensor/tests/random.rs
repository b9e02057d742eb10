//! Random numbers are PyTorch's: compared with `golden/random.txt`, which `golden/make_random.py` made.

use flambeau_tensor::{DType, Generator, Layout, Result, Tensor, ops};
use std::collections::HashMap;

/// Reads Python's `float.hex`.
fn from_hex(text: &str) -> f64 {
    let (sign, rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let (mantissa, exponent) = rest.strip_prefix("0x").and_then(|r| r.split_once('p')).expect("a hexadecimal float");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).expect("hexadecimal digits");
    let exponent: i32 = exponent.parse().expect("an exponent");
    sign * digits as f64 * 2f64.powi(exponent - 4 * fraction.len() as i32)
}

fn golden() -> HashMap<String, Vec<f64>> {
    let read = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let first = words.iter().position(|w| w.contains("0x")).expect("numbers");
        (words[..first].join(" "), words[first..].iter().map(|w| from_hex(w)).collect())
    };
    include_str!("golden/random.txt").lines().map(read).collect()
}

struct Comparison {
    golden: HashMap<String, Vec<f64>>,
    wrong: Vec<String>,
}

impl Comparison {
    /// `tolerance` is relative.
    fn check(&mut self, name: &str, tensor: &Tensor, tolerance: f64) -> Result<()> {
        let got = tensor.to_dtype(DType::F64)?.to_vec::<f64>()?;
        let want = &self.golden[name];
        let close = |g: f64, w: f64| (g - w).abs() <= tolerance * (w.abs() + 1.0);
        if got.len() != want.len() || !got.iter().zip(want).all(|(&g, &w)| close(g, w)) {
            self.wrong.push(format!("{name}\n   got {got:?}\n  want {want:?}"));
        }
        Ok(())
    }
}

#[test]
fn the_same_seed_gives_pytorchs_numbers() -> Result<()> {
    let mut c = Comparison { golden: golden(), wrong: Vec::new() };
    let empty = |shape: &[usize], dtype| Tensor::empty(shape, dtype);
    for seed in [0, 42, (1 << 40) + 7] {
        // Functions of float32 samples are within a few units of the last place.
        for (dtype, tolerance) in [(DType::F32, 4e-7), (DType::F64, 1e-14), (DType::F16, 1e-3), (DType::BF16, 8e-3)] {
            let name = dtype.name();
            c.check(&format!("rand {name} {seed}"), &Generator::seeded(seed).rand([20], dtype)?, 0.0)?;
            c.check(&format!("randn5 {name} {seed}"), &Generator::seeded(seed).randn([5], dtype)?, tolerance)?;
            c.check(&format!("randn40 {name} {seed}"), &Generator::seeded(seed).randn([40], dtype)?, tolerance)?;
        }
        let generator = Generator::seeded(seed);
        let g = Some(&generator);
        c.check(&format!("uniform {seed}"), &empty(&[9], DType::F32)?.uniform_(-0.3, 0.7, g)?, 0.0)?;
        c.check(&format!("randint {seed}"), &generator.randint(-3, 100, [9], None)?, 0.0)?;
        c.check(&format!("randint-wide {seed}"), &generator.randint(0, 1 << 40, [9], None)?, 0.0)?;
        c.check(&format!("randperm {seed}"), &generator.randperm(30, None)?, 0.0)?;
        c.check(&format!("bernoulli-number {seed}"), &empty(&[30], DType::F32)?.bernoulli_(0.3, g)?, 0.0)?;
        let p = Tensor::full([30], 0.4, DType::F32)?;
        c.check(&format!("bernoulli-tensor {seed}"), &p.bernoulli(g)?, 0.0)?;
        c.check(&format!("exponential {seed}"), &empty(&[9], DType::F64)?.exponential_(2.0, g)?, 1e-14)?;
        c.check(&format!("cauchy {seed}"), &empty(&[9], DType::F64)?.cauchy_(1.0, 2.0, g)?, 1e-12)?;
        c.check(&format!("geometric {seed}"), &empty(&[9], DType::F32)?.geometric_(0.3, g)?, 0.0)?;
        c.check(&format!("log_normal {seed}"), &empty(&[9], DType::F64)?.log_normal_(1.0, 0.5, g)?, 1e-14)?;
        let rates = Tensor::from_slice(&[0.0, 0.5, 3.0, 12.0, 50.0], [5])?;
        c.check(&format!("poisson {seed}"), &rates.poisson(g)?, 0.0)?;
        let weights = Tensor::from_slice(&[1.0f32, 2.0, 0.0, 4.0, 3.0, 1.0, 1.0, 1.0], [2, 4])?;
        c.check(&format!("multinomial {seed}"), &weights.multinomial(3, false, g)?, 0.0)?;
        c.check(&format!("multinomial-replaced {seed}"), &weights.multinomial(9, true, g)?, 0.0)?;
        c.check(&format!("random-int64 {seed}"), &empty(&[3], DType::I32)?.random_(None, None, g)?, 0.0)?;
        c.check(&format!("random-uint8 {seed}"), &empty(&[9], DType::U8)?.random_(None, None, g)?, 0.0)?;
        c.check(&format!("rand-transposed {seed}"), &empty(&[3, 4], DType::F32)?.t()?.uniform_(0.0, 1.0, g)?, 0.0)?;
        c.check(&format!("randn-transposed {seed}"), &empty(&[5, 4], DType::F32)?.t()?.normal_(0.0, 1.0, g)?, 4e-7)?;
        let gaps = empty(&[4, 6], DType::F32)?.as_strided(Layout::strided([4, 3], &[6, 2], 0))?;
        c.check(&format!("rand-gaps {seed}"), &gaps.uniform_(0.0, 1.0, g)?, 0.0)?;
        let (mean, std) = (Tensor::from_slice(&[0.0, 1.0, 2.0], [3])?, Tensor::from_slice(&[1.0, 2.0], [2, 1])?);
        c.check(&format!("normal-tensors {seed}"), &ops::normal(&mean, &std, g)?, 1e-14)?;
        c.check(&format!("words-afterwards {seed}"), &generator.randint(0, 1000, [3], None)?, 0.0)?;
        let state = Tensor::from_slice(&generator.get_state()?.to_vec::<u8>()?[..24], [24])?;
        c.check(&format!("state {seed}"), &state, 0.0)?;
    }
    assert!(c.wrong.is_empty(), "{} differ:\n{}", c.wrong.len(), c.wrong.join("\n"));
    Ok(())
}
