"""Jacobians, Hessians and their products with vectors, by reverse-mode differentiation."""

from __future__ import annotations

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.autograd import grad as _grad
from flambeau.autograd.grad_mode import enable_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _as_tuple(values, what: str, function: str) -> tuple[bool, tuple]:
    """(was it a tuple, the tensors as one)."""
    is_tuple = isinstance(values, tuple)
    tensors = values if is_tuple else (values,)
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, Tensor):
            at = f"the value at index {i} has type" if is_tuple else f"the given {what} has type"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but {at} {type(tensor)}."
            )
    return is_tuple, tuple(tensors)


def _prepare(inputs, create_graph: bool) -> tuple:
    """Inputs of a graph of their own: views of the given ones, or copies apart from any graph."""
    return tuple(x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in inputs)


def _finish(values, create_graph: bool):
    """Cuts the results off the graph unless it is wanted."""
    if isinstance(values, Tensor):
        return values if create_graph else values.detach()
    return tuple(_finish(value, create_graph) for value in values)


def _unwrap(values, is_tuple: bool):
    return values if is_tuple else values[0]


def _check_strict(outputs, strict: bool) -> None:
    for i, out in enumerate(outputs):
        if strict and not out.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed in a "
                "differentiable manner from the input when running in strict mode."
            )


def _gradients(outputs, inputs, grad_outputs=None, create_graph=False) -> tuple:
    """None for what does not depend on an input, also where nothing was recorded."""
    grad_outputs = (None,) * len(outputs) if grad_outputs is None else grad_outputs
    pairs = [(out, g) for out, g in zip(outputs, grad_outputs) if out is not None and out.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    recorded, seeds = zip(*pairs)
    return _grad(recorded, inputs, seeds, retain_graph=True, create_graph=create_graph, allow_unused=True)


def _filled(grads, like, strict: bool, message: str) -> tuple:
    if strict and any(g is None for g in grads):
        raise RuntimeError(message.format(next(i for i, g in enumerate(grads) if g is None)))
    return tuple(_native.zeros_like(x) if g is None else g for g, x in zip(grads, like))


def _vector(v, is_tuple: bool, other, message: str) -> tuple:
    """The given vector, checked against what it must match; ones for a scalar."""
    if v is None:
        if len(other) != 1 or other[0].numel() != 1:
            raise RuntimeError(message)
        return tuple(_native.ones_like(x) for x in other)
    _, v = _as_tuple(v, "v", "vjp")
    if len(v) != len(other):
        if is_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(other)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (given, wanted) in enumerate(zip(v, other)):
        if given.size() != wanted.size():
            prefix = f"Entry {i} in " if is_tuple else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {wanted.size()} but got {given.size()}.")
    return v


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """All derivatives of the outputs with respect to the inputs: shape of output, then shape of input."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than '
            'inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        raise NotImplementedError("jacobian: this package differentiates in reverse mode only")
    if vectorize and strict:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please "
            "either set `strict=False` or `vectorize=False`."
        )
    with enable_grad():
        inputs_are_tuple, given = _as_tuple(inputs, "inputs", "jacobian")
        given = _prepare(given, create_graph)
        outputs_are_tuple, outputs = _as_tuple(
            func(*given), "outputs of the user-provided function", "jacobian"
        )
        _check_strict(outputs, strict)
        result = []
        for i, out in enumerate(outputs):
            flat = out.reshape(-1)
            rows = []
            for j in range(out.numel()):
                grads = _gradients((flat[j],), given, create_graph=create_graph)
                message = (
                    f"Output {i} of the user-provided function is independent of input {{}}. This is not allowed in strict "
                    "mode."
                )
                rows.append(_filled(grads, given, strict, message))
            columns = zip(*rows) if rows else ((),) * len(given)
            result.append(
                tuple(
                    (_native.stack(column) if column else x.new_zeros(0)).view(out.size() + x.size())
                    for column, x in zip(columns, given)
                )
            )
        result = _finish(tuple(result), create_graph)
    if inputs_are_tuple:
        return _unwrap(result, outputs_are_tuple)
    return _unwrap(tuple(row[0] for row in result), outputs_are_tuple)


def _scalar_function(func, name: str, create_graph: bool):
    def checked(*args):
        _, out = _as_tuple(func(*args), "outputs of the user-provided function", name)
        if len(out) != 1:
            raise RuntimeError(f"The function given to {name} should return a single Tensor")
        if out[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {name} should contain a single element"
            )
        return out[0].squeeze()

    return checked


def hessian(
    func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"
):
    """All second derivatives of a scalar function."""
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    inputs_are_tuple, given = _as_tuple(inputs, "inputs", "hessian")
    scalar = _scalar_function(func, "hessian", create_graph)

    def gradient(*args):
        if outer_jacobian_strategy == "forward-mode":
            args = tuple(x.requires_grad_() for x in args)
        return jacobian(scalar, args, create_graph=True, strict=strict)

    result = jacobian(
        gradient, given, create_graph=create_graph, strict=strict, vectorize=vectorize, strategy=outer_jacobian_strategy
    )
    return result if inputs_are_tuple else result[0][0]


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, vᵀ J)."""
    with enable_grad():
        inputs_are_tuple, given = _as_tuple(inputs, "inputs", "vjp")
        given = _prepare(given, create_graph)
        outputs_are_tuple, outputs = _as_tuple(func(*given), "outputs of the user-provided function", "vjp")
        _check_strict(outputs, strict)
        v = _vector(
            v, outputs_are_tuple, outputs,
            "The vector v can only be None if the user-provided function returns a single Tensor with a single element.",
        )
        grads = _gradients(outputs, given, v, create_graph)
        message = (
            "The output of the user-provided function is independent of input {}. This is not allowed in strict mode."
        )
        result = _filled(grads, given, strict, message)
    outputs, result = _finish(outputs, create_graph), _finish(result, create_graph)
    return _unwrap(outputs, outputs_are_tuple), _unwrap(result, inputs_are_tuple)


def _transposed_twice(outputs, inputs, v, create_graph) -> tuple:
    """J v, as the gradient of vᵀJ with respect to a dummy vector: reverse mode applied twice."""
    dummies = tuple(_native.zeros_like(out, requires_grad=True) for out in outputs)
    rows = _gradients(outputs, inputs, dummies, create_graph=True)
    return _gradients(rows, dummies, v, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, J v)."""
    with enable_grad():
        inputs_are_tuple, given = _as_tuple(inputs, "inputs", "jvp")
        given = _prepare(given, create_graph)
        v = _vector(
            v, inputs_are_tuple, given,
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
            "element.",
        )
        outputs_are_tuple, outputs = _as_tuple(func(*given), "outputs of the user-provided function", "jvp")
        _check_strict(outputs, strict)
        grads = _transposed_twice(outputs, given, v, create_graph)
        message = (
            "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the double "
            "backward trick to compute forward mode gradients. This is not allowed in strict mode."
        )
        result = _filled(grads, outputs, strict, message)
    outputs, result = _finish(outputs, create_graph), _finish(result, create_graph)
    return _unwrap(outputs, outputs_are_tuple), _unwrap(result, outputs_are_tuple)


def _hessian_product(func, inputs, v, create_graph, strict, name, differentiate):
    with enable_grad():
        inputs_are_tuple, given = _as_tuple(inputs, "inputs", name)
        given = _prepare(given, create_graph)
        v = _vector(
            v, inputs_are_tuple, given,
            "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
            "element.",
        )
        output = _scalar_function(func, name, create_graph)(*given)
        _check_strict((output,), strict)
        gradient = _gradients((output,), given, create_graph=True)
        grads = differentiate(gradient, given, v, create_graph)
        message = (
            "The hessian of the user-provided function is independent of input {}. This is not allowed in strict mode."
        )
        result = _filled(grads, given, strict, message)
    return _finish(output, create_graph), _unwrap(_finish(result, create_graph), inputs_are_tuple)


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(output, vᵀ H)."""
    return _hessian_product(func, inputs, v, create_graph, strict, "vhp", _gradients)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(output, H v)."""

    def differentiate(gradient, given, vector, create_graph):
        filled = tuple(_native.zeros_like(x) if g is None else g for g, x in zip(gradient, given))
        return _transposed_twice(filled, given, vector, create_graph)

    return _hessian_product(func, inputs, v, create_graph, strict, "hvp", differentiate)
