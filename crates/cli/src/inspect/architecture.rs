//! Which network a checkpoint looks like, from the names and shapes of its tensors.
//!
//! Every rule asks for names that only one family of networks has, and then measures: how many
//! blocks there are, how wide they are. The names and numbers are torchvision's, but for the last
//! few families.

use flambeau::store::TensorInfo;
use std::collections::{BTreeSet, HashMap};

/// Where a network's parameters may be in a checkpoint, and what that says about it.
const PLACES: [(&str, &str); 9] = [
    ("", ""),
    ("module.", " (from DataParallel: names begin with `module.`)"),
    ("state_dict.", " (under the key `state_dict`)"),
    ("state_dict.module.", " (under the key `state_dict`, from DataParallel)"),
    ("model_state_dict.", " (under the key `model_state_dict`)"),
    ("model_state_dict.module.", " (under the key `model_state_dict`, from DataParallel)"),
    ("model.", " (under the key `model`)"),
    ("model.module.", " (under the key `model`, from DataParallel)"),
    ("net.", " (under the key `net`)"),
];

/// The network, in words; `None` if it is none that is known here.
pub fn guess(tensors: &[TensorInfo]) -> Option<String> {
    PLACES.iter().find_map(|(prefix, remark)| {
        let named = tensors.iter().filter_map(|t| Some((t.name.strip_prefix(prefix)?, &t.shape[..])));
        let network = Network(named.collect());
        let name = network.name()?;
        let classes = network.classes().map_or_else(String::new, |n| format!(", {n} classes"));
        Some(format!("{name}{classes}{remark}"))
    })
}

/// Names and shapes.
struct Network<'a>(HashMap<&'a str, &'a [usize]>);

impl Network<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).copied()
    }

    /// A size of a tensor, 0 if there is none.
    fn size(&self, name: &str, dim: usize) -> usize {
        self.shape(name).and_then(|shape| shape.get(dim)).copied().unwrap_or(0)
    }

    /// How many different parts follow `prefix` in names: `layer1.0`, `layer1.1` are two.
    fn count(&self, prefix: &str) -> usize {
        let parts = self.0.keys().filter_map(|name| name.strip_prefix(prefix)?.split('.').next());
        parts.collect::<BTreeSet<_>>().len()
    }

    fn name(&self) -> Option<String> {
        type Rule<'a> = fn(&Network<'a>) -> Option<String>;
        let rules: [Rule<'_>; 12] = [
            Self::segmentation,
            |n| n.resnet(""),
            Self::vgg_or_alexnet,
            Self::squeezenet,
            Self::densenet,
            Self::efficientnet,
            Self::convnext,
            Self::mobilenet,
            Self::shufflenet,
            Self::transformer,
            Self::by_a_name,
            Self::mtcnn,
        ];
        rules.iter().find_map(|rule| rule(self))
    }

    /// Rows of the last layer's weight.
    fn classes(&self) -> Option<usize> {
        const LAST: [&str; 9] = [
            "fc.weight",
            "classifier.6.weight",
            "classifier.4.weight",
            "classifier.3.weight",
            "classifier.2.weight",
            "classifier.1.weight",
            "classifier.weight",
            "heads.head.weight",
            "_fc.weight",
        ];
        LAST.iter().find_map(|name| self.shape(name)?.first().copied())
    }

    fn resnet(&self, prefix: &str) -> Option<String> {
        let at = |name: &str| format!("{prefix}{name}");
        if !self.has(&at("layer1.0.conv1.weight")) || !self.has(&at("layer4.0.conv1.weight")) {
            return None;
        }
        let blocks = [1, 2, 3, 4].map(|layer| self.count(&at(&format!("layer{layer}."))));
        let bottleneck = self.has(&at("layer1.0.conv3.weight"));
        let conv = at(if bottleneck { "layer1.0.conv2.weight" } else { "layer1.0.conv1.weight" });
        let (width, inputs) = (self.size(&conv, 0), self.size(&conv, 1).max(1));
        let depth = match (blocks, bottleneck) {
            ([2, 2, 2, 2], false) => 18,
            ([3, 4, 6, 3], false) => 34,
            ([3, 4, 6, 3], true) => 50,
            ([3, 4, 23, 3], true) => 101,
            ([3, 8, 36, 3], true) => 152,
            _ => return Some(format!("a ResNet of {blocks:?} blocks")),
        };
        Some(match (width, width / inputs) {
            (64, 1) => format!("torchvision resnet{depth}"),
            (128, 1) => format!("torchvision wide_resnet{depth}_2"),
            (_, groups) if groups > 1 => format!("torchvision resnext{depth}_{groups}x{inputs}d"),
            (width, _) => format!("a ResNet-{depth} of width {width}"),
        })
    }

    fn segmentation(&self) -> Option<String> {
        let backbone = self.resnet("backbone.").map(|name| name.replace("torchvision ", "")).or_else(|| {
            let mobile = self.has("backbone.16.0.weight") && self.has("backbone.1.block.0.0.weight");
            mobile.then(|| "mobilenet_v3_large".to_owned())
        })?;
        if self.has("classifier.0.convs.0.0.weight") {
            Some(format!("torchvision deeplabv3_{backbone}"))
        } else if self.has("classifier.cbr.0.weight") {
            Some(format!("torchvision lraspp_{backbone}"))
        } else if self.has("classifier.4.weight") {
            Some(format!("torchvision fcn_{backbone}"))
        } else {
            Some(format!("something with the backbone {backbone}"))
        }
    }

    fn vgg_or_alexnet(&self) -> Option<String> {
        match self.shape("features.0.weight")? {
            [64, 3, 11, 11] if self.has("classifier.6.weight") => Some("torchvision alexnet".to_owned()),
            [64, 3, 3, 3] if self.size("classifier.0.weight", 1) == 25088 => {
                let convolutions =
                    self.0.iter().filter(|(name, shape)| name.starts_with("features.") && shape.len() == 4).count();
                let norm = if self.has("features.1.running_mean") { "_bn" } else { "" };
                Some(format!("torchvision vgg{}{norm}", convolutions + 3))
            }
            _ => None,
        }
    }

    fn squeezenet(&self) -> Option<String> {
        match self.shape("features.3.squeeze.weight").and(self.shape("features.0.weight"))? {
            [96, ..] => Some("torchvision squeezenet1_0".to_owned()),
            _ => Some("torchvision squeezenet1_1".to_owned()),
        }
    }

    fn densenet(&self) -> Option<String> {
        let layers = [1, 2, 3, 4].map(|block| self.count(&format!("features.denseblock{block}.")));
        Some(match layers {
            [0, ..] => return None,
            [6, 12, 24, 16] => "torchvision densenet121".to_owned(),
            [6, 12, 36, 24] => "torchvision densenet161".to_owned(),
            [6, 12, 32, 32] => "torchvision densenet169".to_owned(),
            [6, 12, 48, 32] => "torchvision densenet201".to_owned(),
            _ => format!("a DenseNet of {layers:?} layers"),
        })
    }

    /// Blocks of stages: `features.2.0.block…`.
    fn blocks(&self) -> usize {
        (1..9)
            .map(|stage| {
                let blocks = self.count(&format!("features.{stage}."));
                if self.0.keys().any(|name| name.starts_with(&format!("features.{stage}.0.block."))) {
                    blocks
                } else {
                    0
                }
            })
            .sum()
    }

    fn efficientnet(&self) -> Option<String> {
        if !self.has("features.1.0.block.0.0.weight") || self.has("features.1.0.layer_scale") {
            return None;
        }
        let name = match (self.blocks(), self.size("classifier.1.weight", 1)) {
            (16, _) => "b0",
            (23, 1408) => "b2",
            (23, _) => "b1",
            (26, _) => "b3",
            (32, _) => "b4",
            (39, _) => "b5",
            (45, _) => "b6",
            (55, _) => "b7",
            (40, _) => "v2_s",
            (57, _) => "v2_m",
            (79, _) => "v2_l",
            (blocks, _) => return Some(format!("an EfficientNet of {blocks} blocks")),
        };
        Some(format!("torchvision efficientnet_{name}"))
    }

    fn convnext(&self) -> Option<String> {
        if !self.has("features.1.0.layer_scale") {
            return None;
        }
        Some(match (self.size("features.0.0.weight", 0), self.blocks()) {
            (96, 18) => "torchvision convnext_tiny".to_owned(),
            (96, 36) => "torchvision convnext_small".to_owned(),
            (128, 36) => "torchvision convnext_base".to_owned(),
            (192, 36) => "torchvision convnext_large".to_owned(),
            (width, blocks) => format!("a ConvNeXt of {blocks} blocks and width {width}"),
        })
    }

    fn mobilenet(&self) -> Option<String> {
        if self.has("features.1.conv.0.0.weight") && self.has("features.18.0.weight") {
            return Some("torchvision mobilenet_v2".to_owned());
        }
        if !self.has("features.1.block.0.0.weight") || !self.has("classifier.3.weight") {
            return None;
        }
        match self.count("features.") {
            13 => Some("torchvision mobilenet_v3_small".to_owned()),
            17 => Some("torchvision mobilenet_v3_large".to_owned()),
            _ => Some("a MobileNetV3".to_owned()),
        }
    }

    fn shufflenet(&self) -> Option<String> {
        let name = match self.shape("stage2.0.branch1.2.weight")?.first()? {
            24 => "x0_5",
            58 => "x1_0",
            88 => "x1_5",
            122 => "x2_0",
            width => return Some(format!("a ShuffleNetV2 of width {width}")),
        };
        Some(format!("torchvision shufflenet_v2_{name}"))
    }

    fn transformer(&self) -> Option<String> {
        let patch = self.shape("conv_proj.weight").filter(|_| self.has("encoder.pos_embedding"))?;
        let size = match patch.first()? {
            768 => "b",
            1024 => "l",
            1280 => "h",
            width => return Some(format!("a vision transformer of width {width}")),
        };
        Some(format!("torchvision vit_{size}_{}", patch.get(2)?))
    }

    /// Families that one name gives away.
    fn by_a_name(&self) -> Option<String> {
        const NAMES: [(&str, &str); 9] = [
            ("inception4a.branch1.conv.weight", "torchvision googlenet"),
            ("Mixed_5b.branch1x1.conv.weight", "torchvision inception_v3"),
            ("trunk_output.block1.block1-0.f.a.0.weight", "a RegNet (torchvision regnet_x or regnet_y)"),
            ("layers.8.0.layers.0.weight", "an MNASNet (torchvision mnasnet)"),
            ("features.1.0.attn.relative_position_bias_table", "a Swin transformer (torchvision swin)"),
            ("features.1.0.attn.cpb_mlp.0.weight", "a Swin transformer V2 (torchvision swin_v2)"),
            ("inc.double_conv.0.weight", "a U-Net"),
            ("_blocks.0._se_reduce.weight", "an EfficientNet (of the package efficientnet_pytorch)"),
            ("_blocks.0._depthwise_conv.weight", "an EfficientNet-Lite (of the package efficientnet_lite_pytorch)"),
        ];
        NAMES.iter().find(|(tensor, _)| self.has(tensor)).map(|(_, name)| (*name).to_owned())
    }

    fn mtcnn(&self) -> Option<String> {
        let name = if self.has("prelu3.weight") && self.has("conv4_2.weight") {
            "P-Net"
        } else if self.has("prelu4.weight") && self.has("dense5_2.weight") {
            "R-Net"
        } else if self.has("prelu5.weight") && self.has("dense6_3.weight") {
            "O-Net"
        } else {
            return None;
        };
        Some(format!("MTCNN's {name} (of the package facenet-pytorch)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(prefix: &str, tensors: &[(String, Vec<usize>)]) -> Option<String> {
        let places = tensors.iter().map(|(name, shape)| (name.as_str(), &shape[..]));
        let network = Network(places.filter_map(|(name, shape)| Some((name.strip_prefix(prefix)?, shape))).collect());
        network.name()
    }

    /// The convolutions of a residual network.
    fn resnet(blocks: [usize; 4], bottleneck: bool, width: usize, groups: usize) -> Vec<(String, Vec<usize>)> {
        let mut tensors = vec![("conv1.weight".to_owned(), vec![64, 3, 7, 7])];
        for (layer, &blocks) in blocks.iter().enumerate() {
            for block in 0..blocks {
                let name = |conv: usize| format!("layer{}.{block}.conv{conv}.weight", layer + 1);
                let width = width << layer;
                tensors.push((name(1), vec![width, 64, if bottleneck { 1 } else { 3 }, 1]));
                tensors.push((name(2), vec![width, width / groups, 3, 3]));
                if bottleneck {
                    tensors.push((name(3), vec![256 << layer, width, 1, 1]));
                }
            }
        }
        tensors
    }

    #[test]
    fn residual_networks_are_told_by_blocks_and_width() {
        for (blocks, bottleneck, width, groups, name) in [
            ([2, 2, 2, 2], false, 64, 1, "torchvision resnet18"),
            ([3, 4, 6, 3], false, 64, 1, "torchvision resnet34"),
            ([3, 4, 6, 3], true, 64, 1, "torchvision resnet50"),
            ([3, 4, 23, 3], true, 64, 1, "torchvision resnet101"),
            ([3, 8, 36, 3], true, 64, 1, "torchvision resnet152"),
            ([3, 4, 6, 3], true, 128, 1, "torchvision wide_resnet50_2"),
            ([3, 4, 6, 3], true, 128, 32, "torchvision resnext50_32x4d"),
            ([3, 4, 23, 3], true, 256, 32, "torchvision resnext101_32x8d"),
            ([1, 1, 1, 1], false, 64, 1, "a ResNet of [1, 1, 1, 1] blocks"),
        ] {
            assert_eq!(guessed("", &resnet(blocks, bottleneck, width, groups)).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_is_unknown_is_not_guessed() {
        assert_eq!(
            guessed("", &[("weight".to_owned(), vec![1]), ("features.0.weight".to_owned(), vec![8, 3, 3, 3])]),
            None
        );
        assert_eq!(guess(&[]), None);
    }
}
