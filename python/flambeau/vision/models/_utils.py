"""What several families need: channel counts, and features from the middle of a network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from flambeau import Tensor, nn

__all__ = ["IntermediateLayerGetter"]


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of ``divisor`` nearest to ``v``, but not less than 0.9 of it."""
    rounded = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * v else rounded


class IntermediateLayerGetter(nn.ModuleDict):
    """A network up to the last of the named children, which gives the outputs of all of these.

    ``return_layers`` says under which name each child's output is returned.  Children must be used in the order in
    which the network holds them.
    """

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        children = dict(model.named_children())
        if not set(return_layers) <= set(children):
            raise ValueError("return_layers are not present in model")
        last = max(list(children).index(name) for name in return_layers)
        super().__init__(OrderedDict(list(children.items())[: last + 1]))
        self.return_layers = dict(return_layers)

    def forward(self, x):
        out = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                out[self.return_layers[name]] = x
        return out


def initialize(
    model: nn.Module, convolution: Callable[[Tensor], object], linear: Callable[[Tensor], object] | None = None
) -> None:
    """Draws the weights of convolutions, and of linear layers where a function for them is given, and zeroes their
    biases, in the order of modules. Normalisations keep the ones and zeros that they begin with.
    """
    for m in model.modules():
        draw = convolution if isinstance(m, nn.Conv2d) else linear if isinstance(m, nn.Linear) else None
        if draw is not None:
            draw(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


def kaiming_fan_out(weight: Tensor) -> Tensor:
    """He's normal distribution, for the variance of the backward pass."""
    return nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")
