//! Printing, against texts that PyTorch printed (`golden/print.py` writes them).

use flambeau_tensor::element::{Bool, Complex, bf16, f16};
use flambeau_tensor::{DType, PrintOptions, Result, Tensor};

fn tensor(dtype: DType, shape: &[usize], bits: &[u64]) -> Result<Tensor> {
    fn from<T: flambeau_tensor::Number>(bits: &[u64], shape: &[usize], f: impl Fn(u64) -> T) -> Result<Tensor> {
        Tensor::from_slice(&bits.iter().map(|&b| f(b)).collect::<Vec<T>>(), shape)
    }
    match dtype {
        DType::Bool => from(bits, shape, |b| Bool(b as u8)),
        DType::U8 => from(bits, shape, |b| b as u8),
        DType::I8 => from(bits, shape, |b| b as i8),
        DType::I16 => from(bits, shape, |b| b as i16),
        DType::I32 => from(bits, shape, |b| b as i32),
        DType::I64 => from(bits, shape, |b| b as i64),
        DType::F16 => from(bits, shape, |b| f16::from_bits(b as u16)),
        DType::BF16 => from(bits, shape, |b| bf16::from_bits(b as u16)),
        DType::F32 => from(bits, shape, |b| f32::from_bits(b as u32)),
        DType::F64 => from(bits, shape, f64::from_bits),
        // Both parts in one word.
        DType::C64 => {
            from(bits, shape, |b| Complex { re: f32::from_bits((b >> 32) as u32), im: f32::from_bits(b as u32) })
        }
        DType::C128 => from(bits, shape, |b| Complex { re: f64::from_bits(b), im: 0.0 }),
    }
}

#[test]
fn prints_as_pytorch_does() {
    let mut checked = 0;
    for case in include_str!("golden/print.txt").split("\n--\n").filter(|c| !c.is_empty()) {
        let mut parts = case.splitn(3, '\n');
        let head: Vec<&str> = parts.next().unwrap().split(' ').collect();
        let bits: Vec<u64> =
            parts.next().unwrap().split_whitespace().map(|b| u64::from_str_radix(b, 16).unwrap()).collect();
        let expected = parts.next().unwrap();
        let dtype = DType::ALL.into_iter().find(|d| d.name() == head[0]).unwrap();
        let shape: Vec<usize> =
            if head[1] == "-" { vec![] } else { head[1].split(',').map(|s| s.parse().unwrap()).collect() };
        let options = PrintOptions {
            precision: head[3].parse().unwrap(),
            threshold: head[4].parse().unwrap(),
            edgeitems: head[5].parse().unwrap(),
            linewidth: head[6].parse().unwrap(),
            sci_mode: match head[7] {
                "None" => None,
                word => Some(word == "True"),
            },
        };
        let tensor = tensor(dtype, &shape, &bits).unwrap();
        tensor.requires_grad_(head[2] == "1").unwrap();
        let text = tensor.to_text("tensor", None, None, &options).unwrap();
        assert_eq!(text, expected, "{}", head.join(" "));
        checked += 1;
    }
    assert!(checked >= 100, "{checked} cases");
}

#[test]
fn prints_views_and_what_made_them() {
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.5], [2, 2]).unwrap();
    assert_eq!(x.t().unwrap().to_string(), "tensor([[1.0000, 3.0000],\n        [2.0000, 4.5000]])");
    x.requires_grad_(true).unwrap();
    let text = x.select(0, 1).unwrap().to_string();
    assert_eq!(text, "tensor([3.0000, 4.5000], grad_fn=<SelectBackward0>)");
}
