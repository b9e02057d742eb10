"""Regions in which convolutions and matrix products compute in a shorter type."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from flambeau import _native

__all__ = ["autocast", "is_autocast_available"]


def is_autocast_available(device_type: str) -> bool:
    """Whether ``autocast`` can do anything on this type of device."""
    return device_type == "cpu" and hasattr(_native, "_set_autocast_enabled")


class autocast:
    """Computes convolutions and matrix products in bfloat16 (or float16) on the CPU."""

    def __init__(
        self, device_type: str, dtype=None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device_type
        self.fast_dtype = _native.bfloat16 if dtype is None and device_type == "cpu" else dtype
        if device_type == "cuda" and enabled:
            warnings.warn(
                "User provided device_type of 'cuda', but CUDA is not available. Disabling", stacklevel=2
            )
            enabled = False
        elif device_type not in ("cpu", "cuda"):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        if device_type == "cpu" and self.fast_dtype not in (_native.bfloat16, _native.float16):
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\nCPU Autocast only supports "
                "dtype of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._active = is_autocast_available(device_type)

    def __enter__(self):
        if self._active:
            self.prev = _native._is_autocast_enabled(self.device)
            self.prev_fastdtype = _native._get_autocast_dtype(self.device)
            _native._set_autocast_enabled(self.device, self._enabled)
            _native._set_autocast_dtype(self.device, self.fast_dtype)
        elif self._enabled:
            raise RuntimeError("this build does not compute in mixed precision; convert the module instead")
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> bool:
        if self._active:
            _native._set_autocast_enabled(self.device, self.prev)
            _native._set_autocast_dtype(self.device, self.prev_fastdtype)
        return False

    def __call__(self, func):
        @functools.wraps(func)
        def decorated(*args, **kwargs):
            with self:
                return func(*args, **kwargs)

        return decorated
