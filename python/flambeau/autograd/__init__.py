"""Reverse-mode differentiation: the engine's entry points."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from flambeau import _native
from flambeau._tensor import Tensor

from . import graph
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .function import Function
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from .graph import GradientEdge

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "gradcheck", "gradgradcheck",
    "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled",
]




def _initial_gradients(outputs: Sequence, grads: Sequence) -> tuple:
    """Checks the given gradients and makes the implicit ones of scalar outputs."""
    result = []
    for position, (out, grad) in enumerate(zip(outputs, grads)):
        shape, dtype = out.shape, out.dtype
        if isinstance(grad, Tensor):
            if grad.shape != shape:
                raise RuntimeError(
                    f"Mismatch in shape: grad_output[{position}] has a shape of {grad.shape} and "
                    f"output[{position}] has a shape of {shape}."
                )
            if dtype.is_complex != grad.dtype.is_complex:
                raise RuntimeError(
                    "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                    f"dtype: grad_output[{position}] has a dtype of {grad.dtype} and output[{position}] has a dtype of {dtype}."
                )
            result.append(grad)
        elif grad is None:
            if not (isinstance(out, GradientEdge) or out.requires_grad):
                result.append(None)
                continue
            if shape.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            if not dtype.is_floating_point:
                raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {dtype}")
            result.append(_native.ones(shape, dtype=dtype) if isinstance(out, GradientEdge) else _native.ones_like(out))
        else:
            raise TypeError("gradients can be either Tensors or None, but got " + type(grad).__name__)
    return tuple(result)


def _as_tuple(values, single=(Tensor, GradientEdge)) -> tuple:
    return (values,) if isinstance(values, single) else tuple(values)


def _inputs_as_tuple(inputs, function: str) -> tuple:
    if type(inputs) is dict:
        return tuple(inputs.values())
    if isinstance(inputs, Mapping):
        raise TypeError(
            f"`inputs` argument to `{function}()` must be a dict, not {type(inputs).__name__}. "
            "Other Mapping types are not supported."
        )
    return _as_tuple(inputs)


def backward(
    tensors, grad_tensors=None, retain_graph: bool | None = None, create_graph: bool = False, grad_variables=None,
    inputs=None,
) -> None:
    """Accumulates the gradients of ``tensors`` into the leaves (or only into ``inputs``)."""
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
                "Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    chosen = () if inputs is None else _inputs_as_tuple(inputs, "backward")
    if inputs is not None and not chosen:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    tensors = _as_tuple(tensors)
    grads = (None,) * len(tensors) if grad_tensors is None else _as_tuple(grad_tensors)
    grads = _initial_gradients(tensors, grads)
    if retain_graph is None:
        retain_graph = create_graph
    _native._run_backward(
        tensors, grads, retain_graph, create_graph, chosen, allow_unreachable=True, accumulate_grad=True
    )


def grad(
    outputs, inputs, grad_outputs=None, retain_graph: bool | None = None, create_graph: bool = False,
    only_inputs: bool = True, allow_unused: bool | None = None, is_grads_batched: bool = False,
    materialize_grads: bool = False,
):
    """The gradients of ``outputs`` with respect to ``inputs``; ``.grad`` fields stay as they are."""
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    outputs = _as_tuple(outputs)
    chosen = _inputs_as_tuple(inputs, "grad")
    if not chosen:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other "
            "parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    if retain_graph is None:
        retain_graph = create_graph
    given = (None,) * len(outputs) if grad_outputs is None else _as_tuple(grad_outputs)
    if is_grads_batched:
        result = _batched(outputs, given, retain_graph, create_graph, chosen, allow_unused)
    else:
        result = _native._run_backward(
            outputs, _initial_gradients(outputs, given), retain_graph, create_graph, chosen,
            allow_unreachable=allow_unused, accumulate_grad=False,
        )
    if materialize_grads:
        result = tuple(
            _native.zeros_like(tensor, requires_grad=create_graph) if g is None else g for g, tensor in zip(result, chosen)
        )
    if type(inputs) is dict:
        return dict(zip(inputs, result))
    return result


def _batched(outputs, grads, retain_graph, create_graph, inputs, allow_unused) -> tuple:
    """One backward pass per row of the batched gradients, stacked."""
    rows = len(grads[0])
    runs = [
        _native._run_backward(
            outputs, _initial_gradients(outputs, tuple(g[row] for g in grads)), retain_graph or row + 1 < rows,
            create_graph, inputs, allow_unreachable=allow_unused, accumulate_grad=False,
        )
        for row in range(rows)
    ]
    return tuple(None if column[0] is None else _native.stack(column) for column in zip(*runs))


class _VariableMeta(type):
    def __instancecheck__(cls, other):
        return isinstance(other, Tensor)


class Variable(metaclass=_VariableMeta):
    """Tensors were once wrapped in Variables; today ``Variable(x)`` is ``x``."""

    def __new__(cls, data, requires_grad=False, volatile=None):
        return data.detach().requires_grad_(requires_grad) if requires_grad else data


def variable(*args, **kwargs):
    raise RuntimeError("torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead")


def __getattr__(name):
    import importlib

    if name in ("gradcheck", "gradgradcheck"):
        module = importlib.import_module("flambeau.autograd.gradcheck")
        globals().update(gradcheck=module.gradcheck, gradgradcheck=module.gradgradcheck)
        return globals()[name]
    if name in ("functional", "function", "forward_ad", "profiler"):
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
