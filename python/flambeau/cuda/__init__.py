"""CUDA, which this build does not have: it says so, and lets scripts ask."""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_device", "device", "device_count", "empty_cache", "get_device_name", "init", "is_available",
    "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated", "memory_allocated",
    "seed", "seed_all", "set_device", "synchronize",
]


def is_available() -> bool:
    return False


def device_count() -> int:
    return 0


def is_initialized() -> bool:
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    return False


def _lazy_init() -> None:
    raise AssertionError("Torch not compiled with CUDA enabled")


def init() -> None:
    _lazy_init()


def manual_seed(seed: int) -> None:
    """Accepted: there is no generator on a GPU to seed."""


def manual_seed_all(seed: int) -> None:
    """Accepted: there is no generator on a GPU to seed."""


def seed() -> None:
    """Accepted: there is no generator on a GPU to seed."""


def seed_all() -> None:
    """Accepted: there is no generator on a GPU to seed."""


def empty_cache() -> None:
    """Gives cached memory of the CPU's allocator back to the system."""
    from flambeau import _native

    release = getattr(_native, "_empty_cache", None)
    if release is not None:
        release()


def synchronize(device: Any = None) -> None:
    _lazy_init()


def current_device() -> int:
    _lazy_init()


def set_device(device: Any) -> None:
    _lazy_init()


def get_device_name(device: Any = None) -> str:
    _lazy_init()


def memory_allocated(device: Any = None) -> int:
    return 0


def max_memory_allocated(device: Any = None) -> int:
    return 0


class device:
    """A context for the current device; without a GPU it does nothing."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def __enter__(self):
        return None

    def __exit__(self, *exc: Any) -> bool:
        return False


def __getattr__(name):
    if name == "amp":
        import importlib

        return importlib.import_module("flambeau.cuda.amp")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
