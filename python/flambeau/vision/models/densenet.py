"""DenseNet-BC (G. Huang et al., "Densely connected convolutional networks", 2017)."""

from __future__ import annotations

import functools
from collections import OrderedDict

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from ._api import builder
from ._utils import initialize

__all__ = ["DenseNet", "densenet121", "densenet161", "densenet169", "densenet201"]


class _DenseLayer(nn.Module):
    def __init__(
        self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float, memory_efficient: bool = False
    ) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, kernel_size=3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def _bottleneck(self, *inputs: Tensor) -> Tensor:
        return self.conv1(self.relu1(self.norm1(torch.cat(inputs, 1))))

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        inputs = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(tensor.requires_grad for tensor in inputs):
            from flambeau.utils.checkpoint import checkpoint

            bottleneck = checkpoint(self._bottleneck, *inputs, use_reentrant=False)
        else:
            bottleneck = self._bottleneck(*inputs)
        new_features = self.conv2(self.relu2(self.norm2(bottleneck)))
        if self.drop_rate > 0:
            new_features = F.dropout(new_features, p=self.drop_rate, training=self.training)
        return new_features


class _DenseBlock(nn.ModuleDict):
    """Layers that each see the outputs of all before them."""

    def __init__(
        self, num_layers: int, num_input_features: int, bn_size: int, growth_rate: int, drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        for i in range(num_layers):
            layer = _DenseLayer(num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate, memory_efficient)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """Images ``(N, 3, H, W)`` to scores ``(N, num_classes)``.

    Each layer adds ``growth_rate`` channels; ``block_config`` counts the layers of each block.  ``memory_efficient``
    computes the bottlenecks again in the backward pass instead of keeping them.
    """

    def __init__(
        self, growth_rate: int = 32, block_config: tuple[int, ...] = (6, 12, 24, 16), num_init_features: int = 64,
        bn_size: int = 4, drop_rate: float = 0, num_classes: int = 1000, memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(OrderedDict(
            conv0=nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(num_init_features),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        ))
        channels = num_init_features
        for i, num_layers in enumerate(block_config, start=1):
            block = _DenseBlock(num_layers, channels, bn_size, growth_rate, drop_rate, memory_efficient)
            self.features.add_module(f"denseblock{i}", block)
            channels += num_layers * growth_rate
            if i != len(block_config):
                self.features.add_module(f"transition{i}", _Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        initialize(self, nn.init.kaiming_normal_)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.features(x), inplace=True)
        out = torch.flatten(F.adaptive_avg_pool2d(out, (1, 1)), 1)
        return self.classifier(out)

    def _load_from_state_dict(self, state_dict, prefix, *args) -> None:
        # Published checkpoints call the parts of a layer norm.1, not norm1.
        for key in list(state_dict):
            head, dot, tail = key.rpartition(".norm.")
            if not dot:
                head, dot, tail = key.rpartition(".conv.")
            if dot and "denselayer" in head and tail[0] in "12":
                state_dict[f"{head}{dot[:-1]}{tail}"] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args)


def _builder(depth: int, growth_rate: int, block_config: tuple[int, ...], num_init_features: int):
    make = functools.partial(DenseNet, growth_rate, block_config, num_init_features)
    return builder(f"densenet{depth}", make, f"DenseNet{depth}_Weights")


densenet121 = _builder(121, 32, (6, 12, 24, 16), 64)
densenet161 = _builder(161, 48, (6, 12, 36, 24), 96)
densenet169 = _builder(169, 32, (6, 12, 32, 32), 64)
densenet201 = _builder(201, 32, (6, 12, 48, 32), 64)
