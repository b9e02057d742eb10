//! Mixed precision: what is computed narrowly, and what stays as it was.

use flambeau::data::digits;
use flambeau::prelude::*;
use flambeau::tensor::autocast;
use flambeau::train::Trainer;

#[test]
fn products_are_narrow_and_weights_are_not() -> Result<()> {
    let data = digits::train()?;
    let batches: Vec<(Tensor, Tensor)> = (0..8)
        .map(|at| Ok((data.inputs().narrow(0, 64 * at, 64)?, data.targets().narrow(0, 64 * at, 64)?)))
        .collect::<Result<_>>()?;
    let train = |amp: bool| -> Result<(Vec<f64>, flambeau::nn::StateDict)> {
        flambeau::manual_seed(1);
        let net = Sequential::new()
            .push(Conv2d::builder(1, 8, 3).padding(1).build()?)
            .push(BatchNorm2d::new(8)?)
            .push(Relu::new())
            .push(Flatten::new())
            .push(Linear::new(8 * 64, 10)?);
        let mut builder = Trainer::builder(&net, Adam::builder(net.parameters()).build()?).epochs(4);
        if amp {
            builder = builder.amp(DType::BF16);
        }
        let history = builder.build()?.fit(&batches[..], |net, (images, labels)| {
            let scores = net.forward(images)?;
            assert_eq!(scores.dtype(), if amp { DType::BF16 } else { DType::F32 });
            let loss = functional::cross_entropy(&scores, labels)?;
            assert_eq!(loss.dtype(), DType::F32);
            Ok(loss)
        })?;
        assert!(!autocast::state().enabled);
        let losses = history.epochs.iter().filter_map(|epoch| epoch.train.get("loss")).collect();
        Ok((losses, net.state_dict()))
    };
    let ((precise, _), (narrow, state)) = (train(false)?, train(true)?);
    assert!(state.tensors().all(|tensor| tensor.dtype() != DType::BF16));
    assert!(narrow != precise);
    for (narrow, precise) in narrow.iter().zip(&precise) {
        // Eight bits of each factor, so that a step goes elsewhere by less than a hundredth.
        assert!((narrow - precise).abs() < 0.05 * precise, "{narrow} and {precise}");
    }
    Ok(())
}

#[test]
fn another_dtype_is_refused() -> Result<()> {
    let net = Linear::new(1, 1)?;
    let built = Trainer::builder(&net, Adam::builder(net.parameters()).build()?).amp(DType::F16).build();
    let message = built.err().map(|error| error.message().to_owned());
    assert_eq!(message.as_deref(), Some("mixed precision trains with bfloat16, but got float16"));
    Ok(())
}
