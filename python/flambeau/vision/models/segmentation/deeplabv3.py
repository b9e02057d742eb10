"""DeepLabV3 (L.-C. Chen et al., "Rethinking atrous convolution for semantic image segmentation", 2017)."""

from __future__ import annotations

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from .._utils import IntermediateLayerGetter
from ..mobilenetv3 import MobileNetV3, mobilenet_v3_large
from ..resnet import ResNet, resnet50, resnet101
from ._utils import _SimpleSegmentationModel, builder, strided_blocks
from .fcn import _DILATED, FCNHead

__all__ = ["DeepLabV3", "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50", "deeplabv3_resnet101"]


class DeepLabV3(_SimpleSegmentationModel):
    """A backbone and a head that sees with several dilations at once."""


def _convolution(in_channels: int, out_channels: int, kernel: int, **options) -> list[nn.Module]:
    return [nn.Conv2d(in_channels, out_channels, kernel, bias=False, **options), nn.BatchNorm2d(out_channels), nn.ReLU()]


class ASPPConv(nn.Sequential):
    """A dilated convolution."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(*_convolution(in_channels, out_channels, 3, padding=dilation, dilation=dilation))


class ASPPPooling(nn.Sequential):
    """What the whole image says, at every pixel."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *_convolution(in_channels, out_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(super().forward(x), size=x.shape[-2:], mode="bilinear", align_corners=False)


class ASPP(nn.Module):
    """Dilated convolutions, a 1x1 one and pooling side by side."""

    def __init__(self, in_channels: int, atrous_rates, out_channels: int = 256) -> None:
        super().__init__()
        self.convs = nn.ModuleList([
            nn.Sequential(*_convolution(in_channels, out_channels, 1)),
            *(ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates),
            ASPPPooling(in_channels, out_channels),
        ])
        self.project = nn.Sequential(
            *_convolution(len(self.convs) * out_channels, out_channels, 1), nn.Dropout(0.5)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.project(torch.cat([conv(x) for conv in self.convs], dim=1))


class DeepLabHead(nn.Sequential):
    """``ASPP``, a 3x3 convolution, then scores."""

    def __init__(self, in_channels: int, num_classes: int, atrous_rates=(12, 24, 36)) -> None:
        super().__init__(
            ASPP(in_channels, atrous_rates), *_convolution(256, 256, 3, padding=1), nn.Conv2d(256, num_classes, 1)
        )


def _over_resnet(backbone: ResNet, num_classes: int, aux: bool) -> DeepLabV3:
    """DeepLabV3 over a ResNet; ``aux_loss`` adds a head over its third stage."""
    layers = {"layer4": "out", **({"layer3": "aux"} if aux else {})}
    auxiliary = FCNHead(1024, num_classes) if aux else None
    return DeepLabV3(IntermediateLayerGetter(backbone, layers), DeepLabHead(2048, num_classes), auxiliary)


def _over_mobilenet(backbone: MobileNetV3, num_classes: int, aux: bool) -> DeepLabV3:
    """DeepLabV3 over a MobileNet v3; ``aux_loss`` adds a head over what is an eighth of the image."""
    features = backbone.features
    stages = strided_blocks(features)
    out, eighth = stages[-1], stages[-4]
    layers = {str(out): "out", **({str(eighth): "aux"} if aux else {})}
    auxiliary = FCNHead(features[eighth].out_channels, num_classes) if aux else None
    head = DeepLabHead(features[out].out_channels, num_classes)
    return DeepLabV3(IntermediateLayerGetter(features, layers), head, auxiliary)


deeplabv3_resnet50 = builder("deeplabv3_resnet50", _over_resnet, "DeepLabV3_ResNet50_Weights", resnet50, **_DILATED)
deeplabv3_resnet101 = builder("deeplabv3_resnet101", _over_resnet, "DeepLabV3_ResNet101_Weights", resnet101, **_DILATED)
deeplabv3_mobilenet_v3_large = builder(
    "deeplabv3_mobilenet_v3_large", _over_mobilenet, "DeepLabV3_MobileNet_V3_Large_Weights", mobilenet_v3_large,
    dilated=True,
)
