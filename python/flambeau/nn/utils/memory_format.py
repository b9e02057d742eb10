"""Memory formats of weights, and modules without initialisation."""

from __future__ import annotations

import inspect

from flambeau.nn import init
from flambeau.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from flambeau.nn.modules.module import Module


def _convert(module, memory_format, classes):
    if isinstance(module, classes):
        module.weight.data = module.weight.detach().clone(memory_format=memory_format)
    for child in module.children():
        _convert(child, memory_format, classes)
    return module


def convert_conv2d_weight_memory_format(module, memory_format):
    """Converts the weights of all 2-D convolutions."""
    return _convert(module, memory_format, (Conv2d, ConvTranspose2d))


def convert_conv3d_weight_memory_format(module, memory_format):
    """Converts the weights of all 3-D convolutions."""
    return _convert(module, memory_format, (Conv3d, ConvTranspose3d))


def skip_init(module_cls, *args, **kwargs):
    """Constructs a module without drawing its initial values."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    fillers = [name for name in init.__all__ if name.endswith("_")]
    kept = {name: getattr(init, name) for name in fillers}
    try:
        for name in fillers:
            setattr(init, name, lambda tensor, *args, **kwargs: tensor)
        return module_cls(*args, **kwargs)
    finally:
        for name, function in kept.items():
            setattr(init, name, function)
