"""Inception v3 (C. Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016)."""

from __future__ import annotations

from collections import namedtuple

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from ._inception import BasicConv2d, builder, initialize, transform_input

__all__ = ["Inception3", "InceptionOutputs", "inception_v3"]

InceptionOutputs = namedtuple("InceptionOutputs", ["logits", "aux_logits"])


class _Block(nn.Module):
    """Branches side by side, their convolutions called ``<branch>_<position>`` and run in order.

    A branch is a list of ``(out_channels, kernel_size, options)``; a list of two of these at its end splits it.
    """

    branches: dict[str, list]

    def _build(self, in_channels: int, branches: dict[str, list], conv_block) -> None:
        conv = conv_block or BasicConv2d
        self._paths = []
        for branch, steps in branches.items():
            channels, path = in_channels, []
            for position, step in enumerate(steps, start=1):
                halves = step if isinstance(step, list) else [step]
                names = []
                for half, (out_channels, kernel, options) in zip("ab", halves):
                    name = branch if len(steps) == 1 else f"{branch}_{position}{half if len(halves) > 1 else ''}"
                    self.add_module(name, conv(channels, out_channels, kernel_size=kernel, **options))
                    names.append(name)
                channels = out_channels
                path.append(names)
            self._paths.append((branch, path))

    def _pool(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for branch, path in self._paths:
            y = [self._pool(x) if branch == "branch_pool" else x]
            for names in path:
                y = [getattr(self, name)(y[0]) for name in names]
            outputs += y
        return torch.cat(outputs, 1)


def _step(channels: int, kernel, **options) -> tuple:
    """A convolution; without options it keeps the image's size."""
    if not options:
        kernels = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = tuple(k // 2 for k in kernels)
        options = {} if padding == (0, 0) else {"padding": padding[0] if isinstance(kernel, int) else padding}
    return channels, kernel, options


_HALF = {"stride": 2}


class InceptionA(_Block):
    """At 35 pixels."""

    def __init__(self, in_channels: int, pool_features: int, conv_block=None) -> None:
        super().__init__()
        self._build(in_channels, {
            "branch1x1": [_step(64, 1)],
            "branch5x5": [_step(48, 1), _step(64, 5)],
            "branch3x3dbl": [_step(64, 1), _step(96, 3), _step(96, 3)],
            "branch_pool": [_step(pool_features, 1)],
        }, conv_block)


class InceptionB(_Block):
    """From 35 pixels to 17."""

    def __init__(self, in_channels: int, conv_block=None) -> None:
        super().__init__()
        self._build(in_channels, {
            "branch3x3": [_step(384, 3, **_HALF)],
            "branch3x3dbl": [_step(64, 1), _step(96, 3), _step(96, 3, **_HALF)],
        }, conv_block)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([super().forward(x), F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class InceptionC(_Block):
    """At 17 pixels."""

    def __init__(self, in_channels: int, channels_7x7: int, conv_block=None) -> None:
        super().__init__()
        c = channels_7x7
        self._build(in_channels, {
            "branch1x1": [_step(192, 1)],
            "branch7x7": [_step(c, 1), _step(c, (1, 7)), _step(192, (7, 1))],
            "branch7x7dbl": [_step(c, 1), _step(c, (7, 1)), _step(c, (1, 7)), _step(c, (7, 1)), _step(192, (1, 7))],
            "branch_pool": [_step(192, 1)],
        }, conv_block)


class InceptionD(_Block):
    """From 17 pixels to 8."""

    def __init__(self, in_channels: int, conv_block=None) -> None:
        super().__init__()
        self._build(in_channels, {
            "branch3x3": [_step(192, 1), _step(320, 3, **_HALF)],
            "branch7x7x3": [_step(192, 1), _step(192, (1, 7)), _step(192, (7, 1)), _step(192, 3, **_HALF)],
        }, conv_block)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([super().forward(x), F.max_pool2d(x, kernel_size=3, stride=2)], 1)


class InceptionE(_Block):
    """At 8 pixels."""

    def __init__(self, in_channels: int, conv_block=None) -> None:
        super().__init__()
        split = [_step(384, (1, 3)), _step(384, (3, 1))]
        self._build(in_channels, {
            "branch1x1": [_step(320, 1)],
            "branch3x3": [_step(384, 1), split],
            "branch3x3dbl": [_step(448, 1), _step(384, 3), split],
            "branch_pool": [_step(192, 1)],
        }, conv_block)


class InceptionAux(nn.Module):
    """A head in the middle of the network, which only training uses."""

    def __init__(self, in_channels: int, num_classes: int, conv_block=None) -> None:
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv0 = conv(in_channels, 128, kernel_size=1)
        self.conv1 = conv(128, 768, kernel_size=5)
        self.fc = nn.Linear(768, num_classes)
        # What ``initialize`` looks for. As in torchvision it is set on the block, whose convolution does not see it.
        self.conv1.stddev = 0.01
        self.fc.stddev = 0.001

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(F.avg_pool2d(x, kernel_size=5, stride=3)))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class Inception3(nn.Module):
    """Images ``(N, 3, H, W)`` of at least 75 pixels to scores ``(N, num_classes)``; in training with ``aux_logits``, a
    tuple of two of them.
    """

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = True, transform_input: bool = False,
        inception_blocks: list | None = None, init_weights: bool | None = None, dropout: float = 0.5,
    ) -> None:
        super().__init__()
        blocks = inception_blocks or [
            BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, InceptionAux,
        ]
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        conv, a, b, c, d, e, auxiliary = blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input
        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.Mixed_5b = a(192, pool_features=32)
        self.Mixed_5c = a(256, pool_features=64)
        self.Mixed_5d = a(288, pool_features=64)
        self.Mixed_6a = b(288)
        self.Mixed_6b = c(768, channels_7x7=128)
        self.Mixed_6c = c(768, channels_7x7=160)
        self.Mixed_6d = c(768, channels_7x7=160)
        self.Mixed_6e = c(768, channels_7x7=192)
        self.AuxLogits = auxiliary(768, num_classes) if aux_logits else None
        self.Mixed_7a = d(768)
        self.Mixed_7b = e(1280)
        self.Mixed_7c = e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(p=dropout)
        self.fc = nn.Linear(2048, num_classes)
        initialize(self, init_weights, "inception_v3", 0.1)

    def forward(self, x: Tensor) -> Tensor | InceptionOutputs:
        if self.transform_input:
            x = transform_input(x)
        x = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        x = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(x))))
        x = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x))))
        aux = self.AuxLogits(x) if self.AuxLogits is not None and self.training else None
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        x = self.fc(torch.flatten(self.dropout(self.avgpool(x)), 1))
        return InceptionOutputs(x, aux) if self.training and self.aux_logits else x


inception_v3 = builder("inception_v3", Inception3, "Inception_V3_Weights", ("AuxLogits",))
