"""Padding layers."""

from __future__ import annotations

from flambeau._tensor import Tensor
from flambeau.nn import functional as F

from .batchnorm import _expect_dims
from .module import Module
from .utils import _ntuple

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]


class _PadNd(Module):
    """Padding by a mode that needs no value."""

    __constants__ = ["padding"]
    _dimensions: int
    _mode: str

    def __init__(self, padding) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._dimensions)(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_PadNd):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        _expect_dims(input, self._dimensions + 1, self._dimensions + 2)
        return super().forward(input)


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class _ConstantPadNd(_PadNd):
    __constants__ = ["padding", "value"]
    _mode = "constant"

    def __init__(self, padding, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class CircularPad1d(_CircularPadNd):
    """Continues a signal with its other end."""

    _dimensions = 1


class CircularPad2d(_CircularPadNd):
    """Continues an image with its other end."""

    _dimensions = 2


class CircularPad3d(_CircularPadNd):
    """Continues a volume with its other end."""

    _dimensions = 3


class ConstantPad1d(_ConstantPadNd):
    """Surrounds a signal with a value."""

    _dimensions = 1


class ConstantPad2d(_ConstantPadNd):
    """Surrounds an image with a value."""

    _dimensions = 2


class ConstantPad3d(_ConstantPadNd):
    """Surrounds a volume with a value."""

    _dimensions = 3


class ReflectionPad1d(_ReflectionPadNd):
    """Mirrors a signal at its ends."""

    _dimensions = 1


class ReflectionPad2d(_ReflectionPadNd):
    """Mirrors an image at its borders."""

    _dimensions = 2


class ReflectionPad3d(_ReflectionPadNd):
    """Mirrors a volume at its borders."""

    _dimensions = 3


class ReplicationPad1d(_ReplicationPadNd):
    """Repeats the first and last element of a signal."""

    _dimensions = 1


class ReplicationPad2d(_ReplicationPadNd):
    """Repeats the border of an image."""

    _dimensions = 2


class ReplicationPad3d(_ReplicationPadNd):
    """Repeats the border of a volume."""

    _dimensions = 3


class ZeroPad1d(ConstantPad1d):
    """Surrounds a signal with zeros."""

    def __init__(self, padding) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Surrounds an image with zeros."""

    def __init__(self, padding) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Surrounds a volume with zeros."""

    def __init__(self, padding) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"
