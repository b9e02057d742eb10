"""EfficientNet (M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019) and its
second version ("EfficientNetV2: smaller models and faster training", 2021).
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import math

import flambeau as torch
from flambeau import Tensor, nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ..ops.stochastic_depth import StochasticDepth
from ._api import builder
from ._utils import _make_divisible, initialize, kaiming_fan_out

__all__ = [
    "EfficientNet", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4",
    "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_s", "efficientnet_v2_m",
    "efficientnet_v2_l",
]

#: expansion, kernel, stride, channels in and out, blocks of the stages of B0
_B0 = (
    (1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3), (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1),
)
#: the same of version 2; the first three stages are fused blocks
_V2 = {
    "s": (
        (1, 3, 1, 24, 24, 2), (4, 3, 2, 24, 48, 4), (4, 3, 2, 48, 64, 4), (4, 3, 2, 64, 128, 6),
        (6, 3, 1, 128, 160, 9), (6, 3, 2, 160, 256, 15),
    ),
    "m": (
        (1, 3, 1, 24, 24, 3), (4, 3, 2, 24, 48, 5), (4, 3, 2, 48, 80, 5), (4, 3, 2, 80, 160, 7),
        (6, 3, 1, 160, 176, 14), (6, 3, 2, 176, 304, 18), (6, 3, 1, 304, 512, 5),
    ),
    "l": (
        (1, 3, 1, 32, 32, 4), (4, 3, 2, 32, 64, 7), (4, 3, 2, 64, 96, 7), (4, 3, 2, 96, 192, 10),
        (6, 3, 1, 192, 224, 19), (6, 3, 2, 224, 384, 25), (6, 3, 1, 384, 640, 7),
    ),
}


@dataclasses.dataclass
class _MBConvConfig:
    """A stage: blocks of one kind, the first of which changes the channels and may halve the image."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: type[nn.Module]

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        return _make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of depthwise blocks, its channels and its depth scaled."""

    def __init__(
        self, expand_ratio, kernel, stride, input_channels, out_channels, num_layers, width_mult=1.0, depth_mult=1.0,
        block=None,
    ) -> None:
        super().__init__(
            expand_ratio, kernel, stride, self.adjust_channels(input_channels, width_mult),
            self.adjust_channels(out_channels, width_mult), self.adjust_depth(num_layers, depth_mult), block or MBConv,
        )

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        return int(math.ceil(num_layers * depth_mult))


class FusedMBConvConfig(_MBConvConfig):
    """A stage of blocks whose expansion is a full convolution."""

    def __init__(self, expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block=None) -> None:
        super().__init__(
            expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block or FusedMBConv
        )


class _Residual(nn.Module):
    """``block`` beside a shortcut where the shapes agree."""

    def __init__(self, cnf: _MBConvConfig, stochastic_depth_prob: float, layers: list[nn.Module]) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result = self.stochastic_depth(result)
            result += input
        return result


class MBConv(_Residual):
    """To more channels, a depthwise convolution and squeeze and excitation there, and back to few."""

    def __init__(self, cnf: MBConvConfig, stochastic_depth_prob, norm_layer, se_layer=SqueezeExcitation) -> None:
        make = functools.partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        expanded = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        layers = []
        if expanded != cnf.input_channels:
            layers.append(make(cnf.input_channels, expanded, 1))
        layers.append(make(expanded, expanded, cnf.kernel, cnf.stride, groups=expanded))
        squeezed = max(1, cnf.input_channels // 4)
        layers.append(se_layer(expanded, squeezed, activation=functools.partial(nn.SiLU, inplace=True)))
        layers.append(make(expanded, cnf.out_channels, 1, activation_layer=None))
        super().__init__(cnf, stochastic_depth_prob, layers)


class FusedMBConv(_Residual):
    """A full convolution to more channels, and back to few."""

    def __init__(self, cnf: FusedMBConvConfig, stochastic_depth_prob, norm_layer) -> None:
        make = functools.partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        expanded = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        if expanded != cnf.input_channels:
            layers = [
                make(cnf.input_channels, expanded, cnf.kernel, cnf.stride),
                make(expanded, cnf.out_channels, 1, activation_layer=None),
            ]
        else:
            layers = [make(cnf.input_channels, cnf.out_channels, cnf.kernel, cnf.stride)]
        super().__init__(cnf, stochastic_depth_prob, layers)


class EfficientNet(nn.Module):
    """Images ``(N, 3, H, W)`` to scores ``(N, num_classes)``.

    The probability of leaving out a block grows from 0 to ``stochastic_depth_prob``.
    """

    def __init__(
        self, inverted_residual_setting: list[_MBConvConfig], dropout: float, stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000, norm_layer=None, last_channel: int | None = None,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(s, _MBConvConfig) for s in inverted_residual_setting):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm_layer = norm_layer or nn.BatchNorm2d
        make = functools.partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        layers: list[nn.Module] = [make(3, inverted_residual_setting[0].input_channels, 3, 2)]
        blocks, number = sum(cnf.num_layers for cnf in inverted_residual_setting), 0
        for cnf in inverted_residual_setting:
            stage = []
            for _ in range(cnf.num_layers):
                cnf = copy.copy(cnf)
                if stage:
                    cnf.input_channels, cnf.stride = cnf.out_channels, 1
                stage.append(cnf.block(cnf, stochastic_depth_prob * float(number) / blocks, norm_layer))
                number += 1
            layers.append(nn.Sequential(*stage))
        channels = inverted_residual_setting[-1].out_channels
        last_channel = 4 * channels if last_channel is None else last_channel
        layers.append(make(channels, last_channel, 1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(last_channel, num_classes))
        bound = 1.0 / math.sqrt(num_classes)
        initialize(self, kaiming_fan_out, functools.partial(nn.init.uniform_, a=-bound, b=bound))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _scaled(width_mult: float, depth_mult: float, dropout: float, **options) -> EfficientNet:
    """EfficientNet B0 with its channels and depth scaled; options are those of ``EfficientNet``."""
    setting = [MBConvConfig(*stage, width_mult=width_mult, depth_mult=depth_mult) for stage in _B0]
    return EfficientNet(setting, dropout, **options)


def _second(size: str, dropout: float, **options) -> EfficientNet:
    """EfficientNet of version 2; options are those of ``EfficientNet``."""
    setting = [(FusedMBConvConfig if i < 3 else MBConvConfig)(*stage) for i, stage in enumerate(_V2[size])]
    return EfficientNet(setting, dropout, last_channel=1280, **options)


def _builder(number: int, width_mult: float, depth_mult: float, dropout: float):
    # The weights of B5 and above were trained with TensorFlow's constants.
    fixed = {"norm_layer": functools.partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)} if number >= 5 else {}
    make = functools.partial(_scaled, width_mult, depth_mult, dropout=dropout, **fixed)
    return builder(f"efficientnet_b{number}", make, f"EfficientNet_B{number}_Weights")


def _builder_v2(size: str, dropout: float):
    norm_layer = functools.partial(nn.BatchNorm2d, eps=1e-03)
    make = functools.partial(_second, size, dropout=dropout, norm_layer=norm_layer)
    return builder(f"efficientnet_v2_{size}", make, f"EfficientNet_V2_{size.upper()}_Weights")


efficientnet_b0 = _builder(0, 1.0, 1.0, 0.2)
efficientnet_b1 = _builder(1, 1.0, 1.1, 0.2)
efficientnet_b2 = _builder(2, 1.1, 1.2, 0.3)
efficientnet_b3 = _builder(3, 1.2, 1.4, 0.3)
efficientnet_b4 = _builder(4, 1.4, 1.8, 0.4)
efficientnet_b5 = _builder(5, 1.6, 2.2, 0.4)
efficientnet_b6 = _builder(6, 1.8, 2.6, 0.5)
efficientnet_b7 = _builder(7, 2.0, 3.1, 0.5)
efficientnet_v2_s = _builder_v2("s", 0.2)
efficientnet_v2_m = _builder_v2("m", 0.3)
efficientnet_v2_l = _builder_v2("l", 0.4)
