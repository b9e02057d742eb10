"""Gradients checked against finite differences.

The Jacobian of every output with respect to every input is computed twice: row by
row by the backward pass, and column by column by central differences.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence

from flambeau import _native
from flambeau._tensor import Tensor

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Says which gradient is wrong."""


def _tuple(values) -> tuple:
    return (values,) if isinstance(values, Tensor) else tuple(values)


def _differentiable(outputs) -> list[Tensor]:
    return [out for out in _tuple(outputs) if isinstance(out, Tensor) and (out.is_floating_point() or out.is_complex())]


def _check_inputs(inputs: tuple) -> list[Tensor]:
    chosen = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not chosen:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for i, x in enumerate(inputs):
        if isinstance(x, Tensor) and x.requires_grad and x.dtype not in (_native.float64, _native.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will "
                "likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=3,
            )
        if isinstance(x, Tensor) and x.requires_grad and any(
            stride == 0 and size > 1 for stride, size in zip(x.stride(), x.size())
        ):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to "
                "be able to compute the numerical gradients correctly. You should call .contiguous on the input before "
                "passing it to gradcheck."
            )
    for x in chosen:
        x.retain_grad()
    return chosen


def _elements(tensor: Tensor):
    """The indices of all elements."""
    return itertools.product(*(range(n) for n in tensor.shape))


def _numerical_column(run, x: Tensor, index, step, eps) -> list[Tensor]:
    """Central differences of all outputs for one element of an input."""
    data = x.data
    kept = data[index].clone()
    data[index] = kept + step
    upper = [out.clone() for out in run()]
    data[index] = kept - step
    lower = [out.clone() for out in run()]
    data[index] = kept
    return [(a - b) / (2 * eps) for a, b in zip(upper, lower)]


def _numerical_jacobians(func, inputs, chosen, outputs, eps) -> list[list[Tensor]]:
    """[input][output]: rows are elements of the input, columns those of the output.

    The outputs are real; for a complex input the convention is that of the backward pass."""

    def run():
        return [out.detach() for out in _differentiable(func(*inputs))]

    jacobians = []
    for x in chosen:
        per_output = [
            _native.zeros((x.numel(), out.numel()), dtype=_native.promote_types(x.dtype, out.dtype)) for out in outputs
        ]
        for row, index in enumerate(_elements(x)):
            columns = _numerical_column(run, x, index, eps, eps)
            if x.is_complex():  # outputs are real: the gradient is dL/d(real) + i dL/d(imaginary)
                imaginary = _numerical_column(run, x, index, eps * 1j, eps)
                columns = [_native.complex(a, b) for a, b in zip(columns, imaginary)]
            for jacobian, column in zip(per_output, columns):
                jacobian[row] = column.reshape(-1)
        jacobians.append(per_output)
    return jacobians


def _analytical_jacobian(output: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """For each input the Jacobian of one output, rows elements of the input."""
    from flambeau.autograd import grad

    result = [
        _native.zeros((x.numel(), output.numel()), dtype=_native.promote_types(x.dtype, output.dtype)) for x in inputs
    ]
    seed = _native.zeros_like(output)
    flat = seed.view(-1)
    for column in range(output.numel()):
        flat.zero_()
        flat[column] = 1
        grads = grad(output, inputs, seed, retain_graph=True, allow_unused=True)
        for jacobian, g, x in zip(result, grads, inputs):
            if g is None:
                continue
            if g.size() != x.size():
                raise GradcheckError("Analytical gradient has incorrect size")
            jacobian[:, column] = g.reshape(-1)
    return result


def _allclose(analytical: Tensor, numerical: Tensor, rtol: float, atol: float) -> bool:
    common = _native.promote_types(analytical.dtype, numerical.dtype)
    return bool(_native.allclose(analytical.to(common), numerical.to(common), rtol, atol))


def _real_valued(func):
    """Complex outputs as pairs of real ones, so that only real outputs are differentiated."""

    def wrapped(*inputs):
        result = []
        for out in _tuple(func(*inputs)):
            if isinstance(out, Tensor) and out.is_complex():
                result += [out.real, out.imag]
            else:
                result.append(out)
        return tuple(result)

    return wrapped


def _check(func, inputs, eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes) -> bool:
    inputs = _tuple(inputs)
    chosen = _check_inputs(inputs)
    func = _real_valued(func)
    outputs = _differentiable(func(*inputs))
    for i, out in enumerate(outputs):
        if out.layout != _native.strided:
            raise ValueError(f"Sparse output is not supported at gradcheck yet (output {i})")
    numerical = _numerical_jacobians(func, inputs, chosen, outputs, eps)
    for o, out in enumerate(outputs):
        if not out.requires_grad:
            for i in range(len(chosen)):
                if not _allclose(_native.zeros_like(numerical[i][o]), numerical[i][o], rtol, atol):
                    raise GradcheckError(
                        "Numerical gradient for function expected to be zero, but is not"
                    )
            continue
        analytical = _analytical_jacobian(out, chosen)
        again = _analytical_jacobian(out, chosen)
        for i, (a, b) in enumerate(zip(analytical, again)):
            if a.numel() and float((a - b).abs().max()) > nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives "
                    "different values, although analytical gradient matches numerical gradient."
                    f"The tolerance for nondeterminism was {nondet_tol}."
                )
            n = numerical[i][o]
            if not _allclose(a, n, rtol, atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {o:d} with respect to input {i:d},\nnumerical:{n}\nanalytical:{a}\n"
                )
    _check_backward_scales(outputs, chosen)
    if check_grad_dtypes:
        _check_dtypes(outputs, chosen)
    if check_undefined_grad:
        _check_undefined(outputs, chosen)
    return True


def _gradients(outputs, inputs, grads):
    from flambeau.autograd import grad

    return grad(outputs, inputs, grads, retain_graph=True, allow_unused=True)


def _check_backward_scales(outputs, inputs) -> None:
    """A zero incoming gradient gives zero gradients."""
    recorded = [out for out in outputs if out.requires_grad]
    if not recorded:
        return
    for g, x in zip(_gradients(recorded, inputs, [_native.zeros_like(out) for out in recorded]), inputs):
        if g is None:
            continue
        if not bool(g.eq(0).all()):
            raise GradcheckError("backward not multiplied by grad_output")
        if g.size() != x.size():
            raise GradcheckError("grad is incorrect size")


def _check_dtypes(outputs, inputs) -> None:
    recorded = [out for out in outputs if out.requires_grad]
    for g, x in zip(_gradients(recorded, inputs, [_native.ones_like(out) for out in recorded]), inputs):
        if g is not None and g.dtype != x.dtype:
            raise GradcheckError("Gradient has dtype mismatch")


def _check_undefined(outputs, inputs) -> None:
    """Outputs that take no part in the loss count as having zero gradients."""
    recorded = [out for out in outputs if out.requires_grad]
    if len(recorded) < 2:
        return
    for out in recorded:
        _gradients([out], inputs, [_native.ones_like(out)])


def gradcheck(
    func: Callable[..., Tensor | Sequence[Tensor]], inputs: Tensor | Sequence[Tensor], *, eps: float = 1e-6,
    atol: float = 1e-5, rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
    check_undefined_grad: bool = True, check_grad_dtypes: bool = False, check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False, check_forward_ad: bool = False, check_backward_ad: bool = True,
    fast_mode: bool = False, masked: bool | None = None,
) -> bool:
    """Whether the gradients of ``func`` at ``inputs`` (of double precision) agree with finite differences."""
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    if check_forward_ad:
        raise NotImplementedError("gradcheck cannot check forward-mode differentiation, which this package lacks")
    try:
        return _check(func, inputs, eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes)
    except GradcheckError:
        if raise_exception:
            raise
        return False


def gradgradcheck(
    func: Callable[..., Tensor | Sequence[Tensor]], inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None, *, eps: float = 1e-6, atol: float = 1e-5,
    rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True,
    nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
    check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:
    """``gradcheck`` of the gradients of ``func``, with respect to its inputs and the incoming gradients."""
    from flambeau.autograd import grad

    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    inputs = _tuple(inputs)
    outputs = [out for out in _differentiable(func(*inputs)) if out.requires_grad]
    if grad_outputs is None:
        grads = []
        for out in outputs:
            g = _native.randn(out.shape, dtype=out.dtype if out.is_floating_point() or out.is_complex() else _native.float64)
            if gen_non_contig_grad_outputs and g.numel() > 1:
                g = g.repeat_interleave(2, dim=-1)[..., ::2] if g.dim() else g
            grads.append(g.requires_grad_())
    else:
        grads = list(_tuple(grad_outputs))
    count = len(grads)

    def first_gradients(*args):
        func_inputs, incoming = args[: len(args) - count], args[len(args) - count :]
        # views, so that a gradient that is an input itself can be told from it
        func_inputs = tuple(
            x.view_as(x) if isinstance(x, Tensor) and x.requires_grad else x for x in func_inputs
        )
        results = [out for out in _differentiable(func(*func_inputs)) if out.requires_grad]
        wanted = tuple(x for x in func_inputs if isinstance(x, Tensor) and x.requires_grad)
        found = grad(results, wanted, incoming, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first_gradients, (*inputs, *grads), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
    )
