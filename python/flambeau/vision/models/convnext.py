"""ConvNeXt (Z. Liu et al., "A ConvNet for the 2020s", 2022)."""

from __future__ import annotations

import functools

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from ..ops.misc import Conv2dNormActivation, Permute
from ..ops.stochastic_depth import StochasticDepth
from ._api import builder
from ._utils import initialize

__all__ = ["ConvNeXt", "convnext_base", "convnext_large", "convnext_small", "convnext_tiny"]


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """A depthwise 7x7 convolution, then two linear layers for each pixel, beside a shortcut."""

    def __init__(self, dim: int, layer_scale: float, stochastic_depth_prob: float, norm_layer=None) -> None:
        super().__init__()
        norm_layer = norm_layer or functools.partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim),
            Permute([0, 2, 3, 1]),
            norm_layer(dim),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        result = self.stochastic_depth(self.layer_scale * self.block(input))
        result += input
        return result


class CNBlockConfig:
    """A stage: so many blocks of ``input_channels``, and a convolution to ``out_channels`` unless it is the last."""

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}(input_channels={self.input_channels}, out_channels={self.out_channels}, "
            f"num_layers={self.num_layers})"
        )


class ConvNeXt(nn.Module):
    """Images ``(N, 3, H, W)`` of at least 32 pixels to scores ``(N, num_classes)``."""

    def __init__(
        self, block_setting: list[CNBlockConfig], stochastic_depth_prob: float = 0.0, layer_scale: float = 1e-6,
        num_classes: int = 1000, block=None, norm_layer=None,
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not all(isinstance(s, CNBlockConfig) for s in block_setting):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        block = block or CNBlock
        norm_layer = norm_layer or functools.partial(LayerNorm2d, eps=1e-6)
        layers: list[nn.Module] = [
            Conv2dNormActivation(
                3, block_setting[0].input_channels, kernel_size=4, stride=4, padding=0, norm_layer=norm_layer,
                activation_layer=None, bias=True,
            )
        ]
        blocks, number = sum(cnf.num_layers for cnf in block_setting), 0
        for cnf in block_setting:
            stage = []
            for _ in range(cnf.num_layers):
                stage.append(block(cnf.input_channels, layer_scale, stochastic_depth_prob * number / (blocks - 1.0)))
                number += 1
            layers.append(nn.Sequential(*stage))
            if cnf.out_channels is not None:
                layers.append(nn.Sequential(
                    norm_layer(cnf.input_channels),
                    nn.Conv2d(cnf.input_channels, cnf.out_channels, kernel_size=2, stride=2),
                ))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        last = block_setting[-1].out_channels or block_setting[-1].input_channels
        self.classifier = nn.Sequential(norm_layer(last), nn.Flatten(1), nn.Linear(last, num_classes))
        draw = functools.partial(nn.init.trunc_normal_, std=0.02)
        initialize(self, draw, draw)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))


def _convnext(widths: tuple[int, ...], depths: tuple[int, ...], **options) -> ConvNeXt:
    """ConvNeXt with these stages; options are those of ``ConvNeXt``."""
    setting = [CNBlockConfig(*stage) for stage in zip(widths, (*widths[1:], None), depths)]
    return ConvNeXt(setting, **options)


def _builder(size: str, width: int, depth: int, stochastic_depth_prob: float):
    widths, depths = tuple(width << stage for stage in range(4)), (3, 3, depth, 3)
    make = functools.partial(_convnext, widths, depths, stochastic_depth_prob=stochastic_depth_prob)
    return builder(f"convnext_{size}", make, f"ConvNeXt_{size.title()}_Weights")


convnext_tiny = _builder("tiny", 96, 9, 0.1)
convnext_small = _builder("small", 96, 27, 0.4)
convnext_base = _builder("base", 128, 27, 0.5)
convnext_large = _builder("large", 192, 27, 0.5)
