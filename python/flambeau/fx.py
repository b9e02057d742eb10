"""Marks for a tracer of programs.  There is none here: :func:`wrap` accepts what scripts mark for it, and marks nothing."""

from typing import Callable, TypeVar, Union

__all__ = ["wrap"]

_F = TypeVar("_F", bound=Union[Callable, str])


def wrap(fn_or_name: _F) -> _F:
    """The function itself, or its name."""
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    return fn_or_name


def __getattr__(name: str):
    raise AttributeError(f"module '{__name__}' has no attribute '{name}': flambeau traces no programs into graphs")
