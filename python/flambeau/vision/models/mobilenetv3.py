"""MobileNet v3 (A. Howard et al., "Searching for MobileNetV3", 2019)."""

from __future__ import annotations

import functools

import flambeau as torch
from flambeau import Tensor, nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ._api import builder
from ._utils import _make_divisible, initialize, kaiming_fan_out

__all__ = ["MobileNetV3", "mobilenet_v3_large", "mobilenet_v3_small"]

#: kernel, expanded channels, out channels, squeeze and excitation, hard swish, stride; and the channels before the scores
_LARGE = (
    (3, 16, 16, False, False, 1), (3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1), (3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1),
), 1280
_SMALL = (
    (3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1), (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1), (5, 288, 96, True, True, 2), (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
), 1024


class InvertedResidualConfig:
    """One block of the network, with its channels scaled by ``width_mult``."""

    def __init__(
        self, input_channels: int, kernel: int, expanded_channels: int, out_channels: int, use_se: bool,
        activation: str, stride: int, dilation: int, width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """To more channels, a depthwise convolution and squeeze and excitation there, and back to few."""

    def __init__(
        self, cnf: InvertedResidualConfig, norm_layer,
        se_layer=functools.partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid),
    ) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        make = functools.partial(Conv2dNormActivation, norm_layer=norm_layer)
        expanded = cnf.expanded_channels
        layers = []
        if expanded != cnf.input_channels:
            layers.append(make(cnf.input_channels, expanded, 1, activation_layer=activation))
        layers.append(
            make(
                expanded, expanded, cnf.kernel, 1 if cnf.dilation > 1 else cnf.stride, dilation=cnf.dilation,
                groups=expanded, activation_layer=activation,
            )
        )
        if cnf.use_se:
            layers.append(se_layer(expanded, _make_divisible(expanded // 4, 8)))
        layers.append(make(expanded, cnf.out_channels, 1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result += input
        return result


class MobileNetV3(nn.Module):
    """Images ``(N, 3, H, W)`` to scores ``(N, num_classes)``."""

    def __init__(
        self, inverted_residual_setting: list[InvertedResidualConfig], last_channel: int, num_classes: int = 1000,
        block=None, norm_layer=None, dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(s, InvertedResidualConfig) for s in inverted_residual_setting):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        block = block or InvertedResidual
        norm_layer = norm_layer or functools.partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        make = functools.partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.Hardswish)
        layers = [make(3, inverted_residual_setting[0].input_channels, 3, 2)]
        layers += [block(cnf, norm_layer) for cnf in inverted_residual_setting]
        channels = inverted_residual_setting[-1].out_channels
        layers.append(make(channels, 6 * channels, 1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * channels, last_channel), nn.Hardswish(inplace=True), nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        initialize(self, kaiming_fan_out, functools.partial(nn.init.normal_, std=0.01))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _mobilenet_v3(
    table, width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False, **options
) -> MobileNetV3:
    """``reduced_tail`` halves the channels of the last blocks; ``dilated`` keeps their images at the size before."""
    rows, last_channel = table
    setting, channels, tail = [], 16, len(rows) - 3
    for position, (kernel, expanded, out_channels, squeezes, hard, stride) in enumerate(rows):
        divisor = 2 if reduced_tail and position >= tail else 1
        # The first block of the tail still expands to what it did.
        expanded //= divisor if position > tail else 1
        out_channels //= divisor
        setting.append(
            InvertedResidualConfig(
                channels, kernel, expanded, out_channels, squeezes, "HS" if hard else "RE", stride,
                2 if dilated and position >= tail else 1, width_mult,
            )
        )
        channels = out_channels
    last_channel = InvertedResidualConfig.adjust_channels(last_channel // (2 if reduced_tail else 1), width_mult)
    return MobileNetV3(setting, last_channel, **options)


mobilenet_v3_large = builder(
    "mobilenet_v3_large", functools.partial(_mobilenet_v3, _LARGE), "MobileNet_V3_Large_Weights"
)
mobilenet_v3_small = builder(
    "mobilenet_v3_small", functools.partial(_mobilenet_v3, _SMALL), "MobileNet_V3_Small_Weights"
)
