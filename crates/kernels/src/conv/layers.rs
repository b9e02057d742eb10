//! Convolution layers of well-known networks: what speed is measured on.

use super::Geometry;

/// A layer: a name and the sizes it has there.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The network, what is special about the layer, its channels, and the batch: `N16`.
    pub name: String,
    /// Its sizes.
    pub geometry: Geometry,
}

/// Name, batch, input `[channels, height, width]`, out channels, kernel, stride, padding, dilation,
/// groups.
struct Row(&'static str, usize, [usize; 3], usize, [usize; 2], usize, [usize; 2], usize, usize);

impl Row {
    fn layer(self) -> Layer {
        let Row(name, batch, [in_channels, height, width], out_channels, kernel, stride, padding, dilation, groups) =
            self;
        let flat = |[height, width]: [usize; 2], depth: usize| [depth, height, width];
        let geometry = Geometry {
            batch,
            in_channels,
            out_channels,
            groups,
            input: [1, height, width],
            kernel: flat(kernel, 1),
            stride: flat([stride; 2], 1),
            padding_begin: flat(padding, 0),
            padding_end: flat(padding, 0),
            dilation: flat([dilation; 2], 1),
        };
        Layer { name: format!("{name} N{batch}"), geometry }
    }
}

/// The layers, small batches first.
pub fn layers() -> Vec<Layer> {
    let mut layers = vec![Row("tutorial 3->64 3x3 28", 1, [3, 28, 28], 64, [3, 3], 1, [1, 1], 1, 1)];
    for n in [1, 16] {
        layers.extend([
            Row("resnet50 stem 7x7s2", n, [3, 224, 224], 64, [7, 7], 2, [3, 3], 1, 1),
            Row("resnet50 c2 1x1 64-64", n, [64, 56, 56], 64, [1, 1], 1, [0, 0], 1, 1),
            Row("resnet50 c2 3x3 64", n, [64, 56, 56], 64, [3, 3], 1, [1, 1], 1, 1),
            Row("resnet50 c2 1x1 64-256", n, [64, 56, 56], 256, [1, 1], 1, [0, 0], 1, 1),
            Row("resnet50 c3 3x3s2 128", n, [128, 56, 56], 128, [3, 3], 2, [1, 1], 1, 1),
            Row("resnet50 c3 3x3 128", n, [128, 28, 28], 128, [3, 3], 1, [1, 1], 1, 1),
            Row("resnet50 c3 1x1s2 256-512", n, [256, 56, 56], 512, [1, 1], 2, [0, 0], 1, 1),
            Row("resnet50 c4 3x3 256", n, [256, 14, 14], 256, [3, 3], 1, [1, 1], 1, 1),
            Row("resnet50 c4 1x1 1024-256", n, [1024, 14, 14], 256, [1, 1], 1, [0, 0], 1, 1),
            Row("resnet50 c5 3x3 512", n, [512, 7, 7], 512, [3, 3], 1, [1, 1], 1, 1),
            Row("resnet50 c5 1x1 512-2048", n, [512, 7, 7], 2048, [1, 1], 1, [0, 0], 1, 1),
            Row("vgg16 3x3 64 224", n, [64, 224, 224], 64, [3, 3], 1, [1, 1], 1, 1),
            Row("vgg16 3x3 256 56", n, [256, 56, 56], 256, [3, 3], 1, [1, 1], 1, 1),
            Row("mobilenetv2 dw3x3 144", n, [144, 56, 56], 144, [3, 3], 1, [1, 1], 1, 144),
            Row("mobilenetv2 dw3x3s2 144", n, [144, 56, 56], 144, [3, 3], 2, [1, 1], 1, 144),
            Row("mobilenetv2 1x1 96-576", n, [96, 14, 14], 576, [1, 1], 1, [0, 0], 1, 1),
            Row("convnext dw7x7 96", n, [96, 56, 56], 96, [7, 7], 1, [3, 3], 1, 96),
            Row("resnext 3x3 g32 128", n, [128, 56, 56], 128, [3, 3], 1, [1, 1], 1, 32),
            Row("deeplab 3x3 d2 512", n, [512, 28, 28], 512, [3, 3], 1, [2, 2], 2, 1),
            Row("unet 3x3 128-64 130", n, [128, 130, 130], 64, [3, 3], 1, [0, 0], 1, 1),
            Row("inception 1x7 192 17", n, [192, 17, 17], 192, [1, 7], 1, [0, 3], 1, 1),
        ]);
    }
    layers.extend([
        Row("mnist 1->32 3x3", 64, [1, 28, 28], 32, [3, 3], 1, [0, 0], 1, 1),
        Row("mnist 32->64 3x3", 64, [32, 26, 26], 64, [3, 3], 1, [0, 0], 1, 1),
        Row("lenet 6->16 5x5", 64, [6, 14, 14], 16, [5, 5], 1, [0, 0], 1, 1),
    ]);
    layers.into_iter().map(Row::layer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn layers_have_names_of_their_own_and_results() {
        let layers = layers();
        let names: HashSet<_> = layers.iter().map(|layer| &layer.name).collect();
        assert_eq!(names.len(), layers.len());
        assert!(layers.iter().all(|layer| layer.geometry.flops() > 0));
    }
}
