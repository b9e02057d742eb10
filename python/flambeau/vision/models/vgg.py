"""VGG (K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015)."""

from __future__ import annotations

import functools

import flambeau as torch
from flambeau import Tensor, nn

from ._api import builder
from ._utils import initialize, kaiming_fan_out

__all__ = ["VGG", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]

#: channels of the five stages; pooling follows each
_CHANNELS = (64, 128, 256, 512, 512)
#: convolutions in each stage, by the number of layers that learn
_DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


class VGG(nn.Module):
    """``features``, then three linear layers: images ``(N, 3, H, W)`` to scores ``(N, num_classes)``."""

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(p=dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            initialize(self, kaiming_fan_out, functools.partial(nn.init.normal_, std=0.01))

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


def _features(depth: int, batch_norm: bool) -> nn.Sequential:
    layers, channels = [], 3
    for out_channels, convolutions in zip(_CHANNELS, _DEPTHS[depth]):
        for _ in range(convolutions):
            layers.append(nn.Conv2d(channels, out_channels, kernel_size=3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(out_channels))
            layers.append(nn.ReLU(inplace=True))
            channels = out_channels
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


def _vgg(depth: int, batch_norm: bool, **options) -> VGG:
    """VGG of so many layers; options are those of ``VGG``."""
    return VGG(_features(depth, batch_norm), **options)


def _builder(depth: int, batch_norm: bool):
    suffix = "_bn" if batch_norm else ""
    return builder(
        f"vgg{depth}{suffix}", functools.partial(_vgg, depth, batch_norm), f"VGG{depth}{suffix.upper()}_Weights"
    )


vgg11, vgg13, vgg16, vgg19 = (_builder(depth, False) for depth in _DEPTHS)
vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn = (_builder(depth, True) for depth in _DEPTHS)
