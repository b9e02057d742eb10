"""MobileNet v2 (M. Sandler et al., "Inverted residuals and linear bottlenecks", 2018)."""

from __future__ import annotations

import functools

import flambeau as torch
from flambeau import Tensor, nn

from ..ops.misc import Conv2dNormActivation
from ._api import builder
from ._utils import _make_divisible, initialize, kaiming_fan_out

__all__ = ["MobileNetV2", "mobilenet_v2"]

#: expansion, channels, blocks, stride of the first block
_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """To more channels, a depthwise convolution there, and back to few, beside a shortcut where the shapes agree."""

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: float, norm_layer=None) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm_layer = norm_layer or nn.BatchNorm2d
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        hidden = int(round(inp * expand_ratio))
        layers = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(inp, hidden, 1, norm_layer=norm_layer, activation_layer=nn.ReLU6))
        layers += [
            Conv2dNormActivation(
                hidden, hidden, stride=stride, groups=hidden, norm_layer=norm_layer, activation_layer=nn.ReLU6
            ),
            nn.Conv2d(hidden, oup, 1, bias=False),
            norm_layer(oup),
        ]
        self.conv = nn.Sequential(*layers)
        self.out_channels = oup
        self._is_cn = stride > 1

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Images ``(N, 3, H, W)`` to scores ``(N, num_classes)``."""

    def __init__(
        self, num_classes: int = 1000, width_mult: float = 1.0, inverted_residual_setting=None, round_nearest: int = 8,
        block=None, norm_layer=None, dropout: float = 0.2,
    ) -> None:
        super().__init__()
        block = block or InvertedResidual
        norm_layer = norm_layer or nn.BatchNorm2d
        setting = _STAGES if inverted_residual_setting is None else inverted_residual_setting
        if len(setting) == 0 or len(setting[0]) != 4:
            raise ValueError(f"inverted_residual_setting should be non-empty or a 4-element list, got {setting}")
        channels = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features = [Conv2dNormActivation(3, channels, stride=2, norm_layer=norm_layer, activation_layer=nn.ReLU6)]
        for expansion, width, blocks, stride in setting:
            out_channels = _make_divisible(width * width_mult, round_nearest)
            for position in range(blocks):
                features.append(
                    block(
                        channels, out_channels, stride if position == 0 else 1, expand_ratio=expansion,
                        norm_layer=norm_layer,
                    )
                )
                channels = out_channels
        features.append(
            Conv2dNormActivation(channels, self.last_channel, 1, norm_layer=norm_layer, activation_layer=nn.ReLU6)
        )
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        initialize(self, kaiming_fan_out, functools.partial(nn.init.normal_, std=0.01))

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


mobilenet_v2 = builder("mobilenet_v2", MobileNetV2, "MobileNet_V2_Weights")
