"""Function transforms that reverse mode gives: gradients, Jacobians, calls with other parameters."""

from __future__ import annotations

import functools
from typing import Any

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.autograd import functional as _functional
from flambeau.autograd import grad as _grad
from flambeau.autograd.grad_mode import enable_grad
from flambeau.nn.utils.stateless import functional_call as _functional_call

__all__ = ["functional_call", "grad", "grad_and_value", "jacrev", "stack_module_state", "vjp", "vmap"]


def functional_call(
    module, parameter_and_buffer_dicts, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with parameters and buffers from a dict, or from several."""
    tensors: dict[str, Tensor] = {}
    if isinstance(parameter_and_buffer_dicts, dict):
        tensors = parameter_and_buffer_dicts
    elif isinstance(parameter_and_buffer_dicts, (list, tuple)):
        if not all(isinstance(d, dict) for d in parameter_and_buffer_dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        names = [name for d in parameter_and_buffer_dicts for name in d]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        for d in parameter_and_buffer_dicts:
            tensors.update(d)
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    return _functional_call(module, tensors, args, kwargs, tie_weights=tie_weights, strict=strict)


def _chosen(args: tuple, argnums) -> tuple[tuple[int, ...], list]:
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    return tuple(p % len(args) for p in positions), list(args)


def _leaves(value) -> list[Tensor]:
    """All tensors of a nested argument."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    return [leaf for entry in value for leaf in _leaves(entry)] if isinstance(value, (list, tuple, type({}.values()))) else []


def _mapped(value, function):
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, dict):
        return type(value)((k, _mapped(v, function)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(v, function) for v in value)
    return value


def grad_and_value(func, argnums=0, has_aux: bool = False):
    """A function that gives the gradient of ``func`` and its value."""

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        positions, arguments = _chosen(args, argnums)
        with enable_grad():
            for p in positions:
                # a view keeps the connection to an outer graph
                arguments[p] = _mapped(
                    arguments[p], lambda t: t.view_as(t) if t.requires_grad else t.detach().requires_grad_()
                )
            output = func(*arguments, **kwargs)
            value, aux = output if has_aux else (output, None)
            if not isinstance(value, Tensor):
                raise RuntimeError(
                    f"Expected f(*args) to return a tensor, got {type(value)}"
                )
            if value.dim() != 0:
                raise RuntimeError(
                    "Expected f(*args) to return a scalar tensor, got tensor with "
                    f"{value.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            leaves = [leaf for p in positions for leaf in _leaves(arguments[p])]
            nested = any(leaf.requires_grad for p in positions for leaf in _leaves(args[p]))
            found = (
                _grad(value, leaves, create_graph=nested, allow_unused=True, retain_graph=nested or None)
                if value.requires_grad
                else (None,) * len(leaves)
            )
        by_leaf = {id(leaf): _native.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found)}
        grads = tuple(_mapped(arguments[p], lambda t: by_leaf[id(t)]) for p in positions)
        result = grads[0] if isinstance(argnums, int) else grads
        value = value if nested else value.detach()
        return (result, (value, aux)) if has_aux else (result, value)

    return wrapper


def grad(func, argnums=0, has_aux: bool = False):
    """A function that gives the gradient of ``func``."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return wrapper


def vjp(func, *primals, has_aux: bool = False):
    """(outputs, a function from v to vᵀ J)."""
    with enable_grad():
        inputs = tuple(_mapped(p, lambda t: t.detach().requires_grad_()) for p in primals)
        output = func(*inputs)
    value, aux = output if has_aux else (output, None)
    leaves = _leaves(inputs)

    def product(cotangents):
        outputs, seeds = _leaves((value,)), _leaves((cotangents,))
        found = _grad(outputs, leaves, seeds, retain_graph=True, allow_unused=True)
        by_leaf = {id(leaf): _native.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found)}
        return tuple(_mapped(p, lambda t: by_leaf[id(t)]) for p in inputs)

    detached = _mapped(value, lambda t: t.detach())
    return (detached, product, aux) if has_aux else (detached, product)


def jacrev(func, argnums: int = 0):
    """A function that gives the Jacobian of ``func`` with respect to one argument."""

    @functools.wraps(func)
    def wrapper(*args):
        def of_one(x):
            return func(*(x if i == argnums else arg for i, arg in enumerate(args)))

        return _functional.jacobian(of_one, args[argnums])

    return wrapper


def vmap(func, in_dims=0, out_dims=0, randomness: str = "error", *, chunk_size: int | None = None):
    """Applies ``func`` along a dimension: here one row after the other, the results stacked."""
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}"
        )

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        dims = in_dims if isinstance(in_dims, (tuple, list)) else (in_dims,) * len(args)
        if len(dims) != len(args):
            raise ValueError(
                f"vmap({getattr(func, '__name__', func)}, in_dims={in_dims}, ...)(<inputs>): in_dims is not compatible with "
                "the structure of `inputs`."
            )
        sizes = {
            leaf.size(dim) for arg, dim in zip(args, dims) if dim is not None for leaf in _leaves(arg)
        }
        if len(sizes) != 1:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                f"{sorted(sizes)} for the mapped dimension"
                if sizes
                else "vmap: at least one Tensor being vmapped over is needed"
            )
        (count,) = sizes
        rows = [
            func(*(
                arg if dim is None else _mapped(arg, lambda t, dim=dim, row=row: t.select(dim, row))
                for arg, dim in zip(args, dims)
            ), **kwargs)
            for row in range(count)
        ]
        return _stacked(rows, out_dims)

    return wrapper


def _stacked(rows: list, out_dims):
    first = rows[0]
    if isinstance(first, tuple):
        dims = out_dims if isinstance(out_dims, (tuple, list)) else (out_dims,) * len(first)
        return tuple(_stacked([row[i] for row in rows], dim) for i, dim in enumerate(dims))
    if isinstance(first, dict):
        return {key: _stacked([row[key] for row in rows], out_dims) for key in first}
    return _native.stack(rows, out_dims if isinstance(out_dims, int) else out_dims[0])


def stack_module_state(models):
    """Parameters and buffers of several modules, stacked by name."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    parameters = {
        name: _native.stack([dict(model.named_parameters())[name] for model in models]).detach().requires_grad_()
        for name, _ in models[0].named_parameters()
    }
    buffers = {
        name: _native.stack([dict(model.named_buffers())[name] for model in models])
        for name, _ in models[0].named_buffers()
    }
    return parameters, buffers
