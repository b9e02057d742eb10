"""Switches of the process: determinism, precision, default device, printing; and small predicates."""

from __future__ import annotations

import builtins

from flambeau import _native
from flambeau._tensor import Tensor

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_autocast_dtype", "get_default_device",
    "get_deterministic_debug_mode", "get_float32_matmul_precision", "is_autocast_enabled",
    "is_deterministic_algorithms_warn_only_enabled", "is_tensor", "set_autocast_dtype", "set_autocast_enabled",
    "set_default_device", "set_default_dtype", "set_default_tensor_type", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_printoptions", "set_warn_always", "typename", "use_deterministic_algorithms",
]

_deterministic = False
_warn_only = False
_precision = "highest"
_default_device = None


def is_tensor(obj, /) -> bool:
    """Whether ``obj`` is a tensor."""
    return isinstance(obj, Tensor)


def typename(obj, /) -> str:
    """The name of the type of ``obj``; for a tensor its legacy name, ``'torch.FloatTensor'``."""
    if isinstance(obj, Tensor):
        return obj.type()
    module = getattr(obj, "__module__", "") or ""
    if hasattr(obj, "__qualname__"):
        name = obj.__qualname__
    elif hasattr(obj, "__name__"):
        name = obj.__name__
    else:
        module = type(obj).__module__ or ""
        name = type(obj).__qualname__
    return name if module in ("", "builtins") else f"{module}.{name}"


def use_deterministic_algorithms(mode: builtins.bool, *, warn_only: builtins.bool = False) -> None:
    """Accepted for scripts that ask for it: every algorithm here is deterministic anyway."""
    global _deterministic, _warn_only
    _deterministic, _warn_only = builtins.bool(mode), builtins.bool(warn_only)


def are_deterministic_algorithms_enabled() -> builtins.bool:
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> builtins.bool:
    return _warn_only


def set_deterministic_debug_mode(debug_mode: builtins.int | str) -> None:
    modes = {"default": 0, "warn": 1, "error": 2}
    if not isinstance(debug_mode, (builtins.int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in modes:
            raise RuntimeError(
                f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}"
            )
        debug_mode = modes[debug_mode]
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> builtins.int:
    return 0 if not _deterministic else 1 if _warn_only else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Sets how exact float32 products must be: ``'highest'``, ``'high'`` or ``'medium'``."""
    global _precision
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(
            f"invalid value of precision, expected one of `highest`, `high`, or `medium`, but got {precision}"
        )
    set_native = getattr(_native, "_set_float32_matmul_precision", None)
    if set_native is not None:
        set_native(precision)
    _precision = precision


def get_float32_matmul_precision() -> str:
    return _precision


def set_default_device(device) -> None:
    """Sets where new tensors are made; only the CPU is here."""
    global _default_device
    chosen = None if device is None else _native.device(device)
    if chosen is not None and chosen.type != "cpu":
        from flambeau.cuda import _lazy_init

        if chosen.type == "cuda":
            _lazy_init()
        raise RuntimeError(f"this build computes on the CPU only; {chosen} is not available")
    _default_device = chosen


def get_default_device():
    return _default_device or _native.device("cpu")


def set_default_dtype(d: _native.dtype, /) -> None:
    """Sets the floating-point type of new tensors."""
    _native.set_default_dtype(d)


def set_default_tensor_type(t, /) -> None:
    name = t if isinstance(t, str) else t.__name__
    from flambeau import _legacy_types

    kind = getattr(_legacy_types, name.rpartition(".")[2], None)
    if kind is None:
        raise TypeError("invalid type object")
    _native.set_default_dtype(kind.dtype)


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Sets how tensors are printed; ``profile`` is ``'default'``, ``'short'`` or ``'full'``."""
    _native._set_printoptions(
        precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth, profile=profile,
        sci_mode=sci_mode,
    )


def set_warn_always(b: builtins.bool, /) -> None:
    """Whether warnings that are given once per process are given every time."""
    _native._set_warn_always(b)


def compile(
    model=None, *, fullgraph=False, dynamic=None, backend=None, mode=None, options=None, name=None, disable=False,
    recompile_limit=None, isolate_recompiles=False, dynamic_shapes=None,
):
    """Returns ``model`` unchanged: kernels are chosen at run time and there is nothing to compile."""
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if model is None:
        return lambda function: function
    return model


def is_autocast_enabled(device_type: str = "cuda") -> builtins.bool:
    """Whether operators on this type of device compute in mixed precision now."""
    return _native._is_autocast_enabled(device_type)


def set_autocast_enabled(device_type: str, enabled: builtins.bool) -> None:
    """Turns mixed precision on or off; ``autocast`` does so for a region."""
    _native._set_autocast_enabled(device_type, enabled)


def get_autocast_dtype(device_type: str):
    """The narrow dtype of mixed precision."""
    return _native._get_autocast_dtype(device_type)


def set_autocast_dtype(device_type: str, dtype) -> None:
    """Chooses the narrow dtype of mixed precision."""
    _native._set_autocast_dtype(device_type, dtype)
