"""Helpers around training: data loading, checkpointing, hooks, DLPack, TensorBoard."""

import importlib as _importlib

_LAZY = ("checkpoint", "data", "dlpack", "hooks", "tensorboard")


def __getattr__(name):
    if name in _LAZY:
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
