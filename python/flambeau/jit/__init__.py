"""``torch.jit`` without a compiler: functions and modules stay what they are.

Scripting and tracing change how a program runs and not what it computes, so every function here gives back what it was
given. Only archives of compiled programs cannot be read or written.
"""

from __future__ import annotations

import builtins
import contextlib
from typing import Any, Final

from flambeau.nn.modules.module import Module

__all__ = [
    "Attribute", "CompilationUnit", "Error", "Final", "ScriptFunction", "ScriptModule", "annotate", "enable_onednn_fusion",
    "export", "export_opnames", "fork", "freeze", "ignore", "interface", "is_scripting", "is_tracing", "isinstance", "load",
    "onednn_fusion_enabled", "optimize_for_inference", "save", "script", "script_if_tracing", "set_fusion_strategy",
    "strict_fusion", "trace", "trace_module", "unused", "wait",
]


class Error(RuntimeError):
    """What running a compiled program would raise."""


class ScriptFunction:
    """The type of compiled functions, of which there are none."""


class ScriptModule(Module):
    """A module; nothing is compiled."""


class CompilationUnit:
    """Refused: there is no compiler for source text."""

    def __init__(self, lang=None, _frames_up=0) -> None:
        raise RuntimeError("CompilationUnit compiles TorchScript source, which this package cannot; define a function.")


class Attribute:
    """A value with the type that a compiler would give it."""

    def __init__(self, value, type) -> None:
        self.value, self.type = value, type


def _identity(obj, *args, **kwargs):
    return obj


def _decorator(fn=None, *args, **kwargs):
    """A decorator that changes nothing, written with or without arguments."""
    return fn if callable(fn) else _identity


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """Returns ``obj``: it runs as Python."""
    return obj


def trace(
    func=None, example_inputs=None, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5, strict=True,
    _force_outplace=False, _module_class=None, _compilation_unit=None, example_kwarg_inputs=None, _store_inputs=True,
):
    """Calls ``func`` once, as tracing does, so that a mistake shows here, and returns it."""
    from flambeau.autograd.grad_mode import no_grad

    arguments = example_inputs if builtins.isinstance(example_inputs, (tuple, list)) else (example_inputs,)
    with no_grad():
        if example_kwarg_inputs is not None:
            func(**example_kwarg_inputs)
        elif example_inputs is not None:
            func(*arguments)
    return func


def trace_module(mod, inputs, *args, **kwargs):
    """Calls the named methods of ``mod`` once with their inputs and returns the module."""
    for name, example in inputs.items():
        trace(getattr(mod, name), example)
    return mod


ignore = unused = export = _decorator
script_method = script_if_tracing = _script_if_tracing = interface = _identity
freeze = optimize_for_inference = _identity


def is_scripting() -> bool:
    """Whether a compiler is reading this function: never."""
    return False


def is_tracing() -> bool:
    """Whether operators are being recorded into a program: never."""
    return False


def annotate(the_type, the_value):
    """Returns the value; the type is for a compiler."""
    return the_value


def isinstance(obj, target_type) -> bool:
    """``isinstance`` for plain and generic types, whose parameters are not looked at."""
    kinds = target_type if builtins.isinstance(target_type, tuple) else (target_type,)
    return builtins.isinstance(obj, tuple(getattr(kind, "__origin__", None) or kind for kind in kinds))


def fork(func, *args, **kwargs):
    """Calls the function now; ``wait`` gives its result."""
    return func(*args, **kwargs)


def wait(future) -> Any:
    """The result of a ``fork``."""
    return future


class strict_fusion(contextlib.nullcontext):  # noqa: N801 - PyTorch's name
    """Accepted: nothing is fused."""


def set_fusion_strategy(strategy):
    """Accepted: nothing is fused. Returns the strategy before, which was none."""
    return []


def enable_onednn_fusion(enabled: bool) -> None:
    """Accepted: nothing is fused."""


def onednn_fusion_enabled() -> bool:
    return False


def export_opnames(m) -> list[str]:
    """The operators of a compiled module: there are none."""
    return []


def save(m, f, _extra_files=None) -> None:
    raise RuntimeError(
        "jit.save() writes compiled programs, and nothing is compiled here. Save the module's state_dict() instead."
    )


def load(f, map_location=None, _extra_files=None, _restore_shapes=False):
    raise RuntimeError(
        "jit.load() reads compiled programs, which this package cannot run. Build the module in Python and load a "
        "state dict that was saved in PyTorch with torch.save(module.state_dict(), file)."
    )
