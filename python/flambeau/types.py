"""Names for the types of arguments."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Union

from flambeau._native import Size, device, dtype, layout, memory_format
from flambeau._tensor import Tensor

__all__ = ["Device", "Number", "device", "dtype", "layout", "memory_format"]

_TensorOrTensors = Union[Tensor, Sequence[Tensor]]
_int, _float, _bool = builtins.int, builtins.float, builtins.bool
_dtype, _device, _layout = dtype, device, layout
_size = Union[Size, list[builtins.int], tuple[builtins.int, ...]]
Number = (builtins.int, builtins.float, builtins.bool)
Device = Union[device, str, builtins.int, None]
