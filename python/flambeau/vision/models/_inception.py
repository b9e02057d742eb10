"""What GoogLeNet and Inception v3 share."""

from __future__ import annotations

import warnings

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from ._api import WeightsEnum, _agree, _chosen, register


class BasicConv2d(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, **options) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **options)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


def initialize(model: nn.Module, init_weights: bool | None, name: str, std: float) -> None:
    """Draws weights from a normal distribution cut at two, unless the caller does not want it."""
    if init_weights is None:
        warnings.warn(
            f"The default weight initialization of {name} will be changed in future releases of "
            "torchvision. If you wish to keep the old behavior (which leads to long initialization times"
            " due to scipy/scipy#11299), please set init_weights=True.",
            FutureWarning,
        )
    if init_weights or init_weights is None:
        for m in model.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(m.weight, mean=0.0, std=float(getattr(m, "stddev", std)), a=-2, b=2)


def transform_input(x: Tensor) -> Tensor:
    """From ImageNet's means and deviations to those of the original networks, 0.5 each."""
    channels = zip(x.unbind(1), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return torch.stack([c * (std / 0.5) + (mean - 0.5) / 0.5 for c, mean, std in channels], 1)


def builder(name: str, network: type[nn.Module], weights_name: str, auxiliary: tuple[str, ...]):
    """As ``_api.builder``; the published weights have the auxiliary heads, which are dropped unless they are wanted."""

    def build(*, weights: WeightsEnum | str | None = None, progress: bool = True, **options) -> nn.Module:
        weights = _chosen(name, weights_name, weights, options)
        if weights is None:
            return network(**options)
        wanted = options.pop("aux_logits", name != "googlenet")
        options.setdefault("transform_input", True)
        _agree(options, "init_weights", False)
        _agree(options, "num_classes", len(weights.meta["categories"]))
        model = network(aux_logits=True, **options)
        model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
        if not wanted:
            model.aux_logits = False
            for head in auxiliary:
                setattr(model, head, None)
        elif name == "googlenet":
            warnings.warn(
                "auxiliary heads in the pretrained googlenet model are NOT pretrained, so make sure to train them"
            )
        return model

    return register(name, build, network.__doc__)
