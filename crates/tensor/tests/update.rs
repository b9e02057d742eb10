//! Steps of optimisers in one pass.

use flambeau_tensor::backend::{Adam, Sgd};
use flambeau_tensor::{DType, MemoryFormat, Result, Tensor};

const SGD: Sgd = Sgd { lr: 0.5, momentum: 0.5, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false };
const ADAM: Adam =
    Adam { lr: 0.1, betas: [0.5, 0.5], eps: 0.0, weight_decay: 0.0, decoupled: false, maximize: false, step: 1.0 };

fn numbers(shape: &[usize]) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product()).map(|i| i as f32).collect();
    Tensor::from_slice(&values, shape).unwrap()
}

#[test]
fn tensors_that_lie_alike_are_moved() -> Result<()> {
    for format in [MemoryFormat::Contiguous, MemoryFormat::ChannelsLast] {
        let [param, grad, buffer] =
            [0; 3].map(|_| numbers(&[2, 3, 2, 2]).contiguous_in(format).unwrap().copy().unwrap());
        let version = param.version()?;
        assert!(param.sgd_step_(&grad, Some(&buffer), &SGD)?);
        assert!(param.version()? > version, "an in-place write is counted");
        let want: Vec<f32> = (0..24).map(|i| i as f32 * 0.25).collect();
        assert_eq!(param.contiguous()?.to_vec::<f32>()?, want);
        let want: Vec<f32> = (0..24).map(|i| i as f32 * 1.5).collect();
        assert_eq!(buffer.contiguous()?.to_vec::<f32>()?, want);
    }
    let (param, grad) = (numbers(&[4]), Tensor::from_slice(&[1.0f32, -2.0, 4.0, 8.0], [4])?);
    let means = [param.zeros_like(DType::F32)?, param.zeros_like(DType::F32)?];
    assert!(param.adam_step_(&grad, [&means[0], &means[1]], &ADAM)?);
    for (got, want) in param.to_vec::<f32>()?.into_iter().zip([-0.1, 1.1, 1.9, 2.9]) {
        assert!((got - want).abs() < 1e-6, "{got} {want}");
    }
    Ok(())
}

#[test]
fn others_are_left_alone() -> Result<()> {
    let param = numbers(&[2, 3]);
    let transposed = numbers(&[3, 2]).transpose(0, 1)?;
    let double = param.to_dtype(DType::F64)?;
    let half = param.to_dtype(DType::F16)?;
    for grad in [&transposed, &double, &param] {
        assert!(!param.sgd_step_(grad, None, &SGD)?);
    }
    assert!(!half.sgd_step_(&half.copy()?, None, &SGD)?);
    assert!(!param.adam_step_(&numbers(&[2, 3]), [&transposed, &transposed], &ADAM)?);
    assert_eq!(param.to_vec::<f32>()?, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    Ok(())
}
