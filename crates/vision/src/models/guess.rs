//! Which network a state dict belongs to.

use super::{get_model, list_models};
use flambeau_nn::{Layer, StateDict};
use flambeau_tensor::{Error, Result};
use std::collections::BTreeSet;

/// Names of networks with the number of their tensors, and of the numbers in those whose first size is not the number of
/// classes. No two are alike.
const SIZES: &[(&str, usize, usize)] = &[
    ("alexnet", 16, 57_003_840),
    ("convnext_base", 344, 87_566_464),
    ("convnext_large", 344, 196_230_336),
    ("convnext_small", 344, 49_454_688),
    ("convnext_tiny", 182, 27_820_128),
    ("deeplabv3_mobilenet_v3_large", 352, 11_048_117),
    ("deeplabv3_resnet101", 668, 58_734_639),
    ("deeplabv3_resnet50", 362, 39_690_236),
    ("densenet121", 727, 7_037_625),
    ("densenet161", 967, 26_692_097),
    ("densenet169", 1015, 12_643_049),
    ("densenet201", 1207, 18_322_185),
    ("efficientnet_b0", 360, 4_049_613),
    ("efficientnet_b1", 508, 6_575_301),
    ("efficientnet_b2", 508, 7_768_631),
    ("efficientnet_b3", 574, 10_783_606),
    ("efficientnet_b4", 706, 17_673_912),
    ("efficientnet_b5", 854, 28_513_636),
    ("efficientnet_b6", 986, 40_960_270),
    ("efficientnet_b7", 1200, 64_097_843),
    ("efficientnet_lite0", 296, 3_413_073),
    ("efficientnet_lite1", 386, 4_189_408),
    ("efficientnet_lite2", 386, 4_869_232),
    ("efficientnet_lite3", 440, 6_992_841),
    ("efficientnet_lite4", 548, 11_838_027),
    ("efficientnet_v2_l", 1548, 117_747_065),
    ("efficientnet_v2_m", 1120, 53_150_545),
    ("efficientnet_v2_s", 782, 20_331_470),
    ("fcn_resnet101", 632, 52_044_841),
    ("fcn_resnet50", 326, 33_000_438),
    ("googlenet", 364, 9_945_019),
    ("inception_v3", 580, 24_379_584),
    ("lenet", 10, 60_856),
    ("mobilenet_v2", 314, 2_258_036),
    ("mobilenet_v3_large", 312, 4_226_478),
    ("mobilenet_v3_small", 244, 1_530_002),
    ("resnet101", 626, 42_605_608),
    ("resnet152", 932, 58_295_387),
    ("resnet18", 122, 11_186_132),
    ("resnet34", 218, 21_301_732),
    ("resnet50", 320, 23_561_205),
    ("resnext101_32x8d", 626, 86_945_320),
    ("resnext101_64x4d", 626, 81_609_256),
    ("resnext50_32x4d", 320, 23_048_181),
    ("shufflenet_v2_x0_5", 338, 349_800),
    ("shufflenet_v2_x1_0", 338, 1_269_840),
    ("shufflenet_v2_x1_5", 338, 2_502_120),
    ("shufflenet_v2_x2_0", 338, 5_378_768),
    ("squeezenet1_0", 52, 735_424),
    ("squeezenet1_1", 52, 722_496),
    ("unet", 118, 31_049_362),
    ("vgg11", 22, 128_766_336),
    ("vgg11_bn", 62, 128_777_352),
    ("vgg13", 26, 128_950_848),
    ("vgg13_bn", 76, 128_962_634),
    ("vgg16", 32, 134_260_544),
    ("vgg16_bn", 97, 134_277_453),
    ("vgg19", 38, 139_570_240),
    ("vgg19_bn", 118, 139_592_272),
    ("wide_resnet101_2", 626, 124_975_656),
    ("wide_resnet50_2", 320, 66_902_517),
];

/// A network that a state dict fits, and its number of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The network's name, for [`super::get_model`].
    pub name: &'static str,
    /// Its number of classes.
    pub num_classes: usize,
}

/// The network whose tensors have these sizes, in whatever order; none if there is none, or if the number of classes is
/// also the size of something else in it.
pub fn guess(state: &StateDict) -> Option<Guess> {
    let sizes: Vec<(usize, usize)> =
        state.tensors().map(|tensor| (tensor.shape().first().copied().unwrap_or(0), tensor.numel())).collect();
    let biases = state.iter().filter(|(name, tensor)| name.ends_with("bias") && tensor.ndim() == 1);
    let candidates: BTreeSet<usize> = biases.map(|(_, bias)| bias.numel()).collect();
    candidates.into_iter().find_map(|num_classes| {
        let numbers: usize = sizes.iter().filter(|(first, _)| *first != num_classes).map(|(_, numel)| numel).sum();
        let found = SIZES.iter().find(|&&(_, tensors, size)| (tensors, size) == (sizes.len(), numbers))?;
        Some(Guess { name: found.0, num_classes })
    })
}

/// A network with the weights of a state dict.
pub struct Loaded {
    /// The network's name.
    pub name: String,
    /// Its number of classes.
    pub num_classes: usize,
    /// The network, in evaluation mode.
    pub network: Box<dyn Layer>,
}

/// Makes the network that a state dict belongs to, or that of a given name, and loads it.
///
/// # Errors
/// If no network has tensors of these sizes and no name is given, there is no network of the name, or the state dict is
/// another's.
pub fn load(state: &StateDict, name: Option<&str>) -> Result<Loaded> {
    let guess = guess(state);
    let name = match (name, guess) {
        (Some(name), _) => name.to_lowercase(),
        (None, Some(guess)) => guess.name.to_owned(),
        (None, None) => {
            return Err(Error::value(format!(
                "no known network has tensors of these sizes; say which one it is: {}",
                list_models().join(", ")
            )));
        }
    };
    let num_classes = match guess.filter(|guess| guess.name == name) {
        Some(guess) => guess.num_classes,
        None => {
            // The last parameter of every network is the bias of its scores.
            let last = get_model(&name, 1000)?.named_parameters().pop();
            let bias = last.and_then(|(key, _)| state.get(&key).and_then(|bias| bias.shape().first().copied()));
            bias.unwrap_or(1000)
        }
    };
    let network = get_model(&name, num_classes)?;
    network.load_state_dict(state)?;
    network.eval();
    Ok(Loaded { name, num_classes, network })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_told_by_their_sizes() {
        for (name, num_classes) in
            [("lenet", 7), ("squeezenet1_1", 1000), ("shufflenet_v2_x0_5", 5), ("mobilenet_v3_small", 3)]
        {
            let state = get_model(name, num_classes).expect("a network").state_dict();
            assert_eq!(guess(&state), Some(Guess { name, num_classes }));
            let mut tensors: Vec<_> = state.iter().map(|(key, tensor)| (key.to_owned(), tensor.clone())).collect();
            tensors.sort_by(|a, b| a.0.cmp(&b.0));
            let loaded = load(&tensors.into(), None).expect("a network");
            assert_eq!((&*loaded.name, loaded.num_classes), (name, num_classes));
        }
        assert_eq!(guess(&StateDict::default()), None);
        assert!(load(&StateDict::default(), None).is_err());
        // 64 is also a width of the network, so that only a name helps.
        let state = get_model("squeezenet1_1", 64).expect("a network").state_dict();
        assert_eq!(guess(&state), None);
        assert_eq!(load(&state, Some("SqueezeNet1_1")).expect("a network").num_classes, 64);
        let sizes: std::collections::BTreeSet<_> = SIZES.iter().map(|&(_, tensors, size)| (tensors, size)).collect();
        assert_eq!(sizes.len(), SIZES.len());
        let names: Vec<&str> = SIZES.iter().map(|&(name, ..)| name).collect();
        assert!(list_models().iter().all(|name| names.contains(name)));
    }
}
