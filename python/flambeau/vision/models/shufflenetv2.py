"""ShuffleNet v2 (N. Ma et al., "ShuffleNet V2: practical guidelines for efficient CNN architecture design", 2018)."""

from __future__ import annotations

import functools

import flambeau as torch
from flambeau import Tensor, nn

from ._api import builder

__all__ = [
    "ShuffleNetV2", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
]


def _pointwise(inp: int, oup: int) -> list[nn.Module]:
    return [nn.Conv2d(inp, oup, kernel_size=1, bias=False), nn.BatchNorm2d(oup), nn.ReLU(inplace=True)]


def _depthwise(channels: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, stride, 1, bias=False, groups=channels), nn.BatchNorm2d(channels)]


class InvertedResidual(nn.Module):
    """Two halves of the channels: one goes through convolutions, then the halves are interleaved."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        half = oup // 2
        if stride == 1 and inp != 2 * half:
            raise ValueError(
                f"Invalid combination of stride {stride}, inp {inp} and oup {oup} values. If stride == 1 then inp "
                "should be equal to oup // 2 << 1."
            )
        self.stride = stride
        self.branch1 = nn.Sequential(*(_depthwise(inp, stride) + _pointwise(inp, half) if stride > 1 else []))
        self.branch2 = nn.Sequential(
            *_pointwise(inp if stride > 1 else half, half), *_depthwise(half, stride), *_pointwise(half, half)
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            kept, x = x.chunk(2, dim=1)
        else:
            kept = self.branch1(x)
        return nn.functional.channel_shuffle(torch.cat((kept, self.branch2(x)), dim=1), 2)


class ShuffleNetV2(nn.Module):
    """Images ``(N, 3, H, W)`` to scores ``(N, num_classes)``."""

    def __init__(
        self, stages_repeats: list[int], stages_out_channels: list[int], num_classes: int = 1000,
        inverted_residual=InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        self._stage_out_channels = stages_out_channels
        stem, *widths, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        )
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        channels = stem
        for stage, repeats, width in zip((2, 3, 4), stages_repeats, widths):
            blocks = [inverted_residual(channels if i == 0 else width, width, 2 if i == 0 else 1) for i in range(repeats)]
            self.add_module(f"stage{stage}", nn.Sequential(*blocks))
            channels = width
        self.conv5 = nn.Sequential(*_pointwise(channels, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean([2, 3]))


def _builder(width: str, channels: tuple[int, ...]):
    make = functools.partial(ShuffleNetV2, [4, 8, 4], list(channels))
    return builder(f"shufflenet_v2_x{width}", make, f"ShuffleNet_V2_X{width}_Weights")


shufflenet_v2_x0_5 = _builder("0_5", (24, 48, 96, 192, 1024))
shufflenet_v2_x1_0 = _builder("1_0", (24, 116, 232, 464, 1024))
shufflenet_v2_x1_5 = _builder("1_5", (24, 176, 352, 704, 1024))
shufflenet_v2_x2_0 = _builder("2_0", (24, 244, 488, 976, 2048))
