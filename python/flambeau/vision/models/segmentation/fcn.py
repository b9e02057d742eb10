"""FCN (J. Long et al., "Fully convolutional networks for semantic segmentation", 2015) over a dilated ResNet."""

from __future__ import annotations

from flambeau import nn

from .._utils import IntermediateLayerGetter
from ..resnet import ResNet, resnet50, resnet101
from ._utils import _SimpleSegmentationModel, builder

__all__ = ["FCN", "fcn_resnet50", "fcn_resnet101"]


class FCN(_SimpleSegmentationModel):
    """A backbone and a head of two convolutions."""


class FCNHead(nn.Sequential):
    """A 3x3 convolution to a quarter of the channels, then scores."""

    def __init__(self, in_channels: int, channels: int) -> None:
        inner = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, inner, 3, padding=1, bias=False), nn.BatchNorm2d(inner), nn.ReLU(), nn.Dropout(0.1),
            nn.Conv2d(inner, channels, 1),
        )


def _fcn(backbone: ResNet, num_classes: int, aux: bool) -> FCN:
    """FCN over a ResNet; ``aux_loss`` adds a head over its third stage."""
    layers = {"layer4": "out", **({"layer3": "aux"} if aux else {})}
    auxiliary = FCNHead(1024, num_classes) if aux else None
    return FCN(IntermediateLayerGetter(backbone, layers), FCNHead(2048, num_classes), auxiliary)


_DILATED = {"replace_stride_with_dilation": [False, True, True]}
fcn_resnet50 = builder("fcn_resnet50", _fcn, "FCN_ResNet50_Weights", resnet50, **_DILATED)
fcn_resnet101 = builder("fcn_resnet101", _fcn, "FCN_ResNet101_Weights", resnet101, **_DILATED)
