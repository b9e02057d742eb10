"""Neural networks: modules, their functional forms, initialisation and utilities."""

import importlib as _importlib

from flambeau.nn import functional, init, modules
from flambeau.nn.modules import *  # noqa: F403
from flambeau.nn.modules.module import Module
from flambeau.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

_LAZY = ("attention", "grad", "parallel", "utils")


def factory_kwargs(kwargs):
    """The ``device``, ``dtype`` and ``memory_format`` among keyword arguments, checked."""
    if kwargs is None:
        return {}
    simple = {"device", "dtype", "memory_format"}
    expected = simple | {"factory_kwargs"}
    if not kwargs.keys() <= expected:
        raise TypeError(f"unexpected kwargs {kwargs.keys() - expected}")
    result = dict(kwargs.get("factory_kwargs", {}))
    for key in simple & kwargs.keys():
        if key in result:
            raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
        result[key] = kwargs[key]
    return result


def __getattr__(name):
    if name in _LAZY:
        try:
            return _importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    if name == "DataParallel":
        return _importlib.import_module(f"{__name__}.parallel").DataParallel
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
