"""User-defined differentiable functions."""

from __future__ import annotations

import functools
from typing import Any

from flambeau import _native
from flambeau._native import _FunctionBase

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What ``forward`` leaves for ``backward``."""

    def save_for_backward(self, *tensors) -> None:
        """Keeps tensors for ``ctx.saved_tensors``; in-place changes to them are noticed."""
        self.to_save = tensors

    def save_for_forward(self, *tensors) -> None:
        self.saved_for_forward = tensors

    def mark_dirty(self, *args) -> None:
        """Names the inputs that ``forward`` changed in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args) -> None:
        """Names the outputs that have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """With False, missing gradients reach ``backward`` as None instead of zeros."""
        self.materialize_grads = value


class BackwardCFunction(_native._BackwardFunctionBase if hasattr(_native, "_BackwardFunctionBase") else _FunctionBase, FunctionCtx):
    """The node that a Function leaves in the graph; the engine calls ``apply`` with gradients."""

    def apply(self, *args):
        forward_class = self._forward_cls
        user = forward_class.backward
        if user is Function.backward:
            user = forward_class.vjp
        elif forward_class.vjp is not Function.vjp:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. "
                "You should only implement one of them."
            )
        return user(self, *args)


class FunctionMeta(type):
    """Gives every Function its own node class, named after it."""

    def __init__(cls, name, bases, attributes):
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"_forward_cls": cls})
        super().__init__(name, bases, attributes)


class Function(_FunctionBase, FunctionCtx, metaclass=FunctionMeta):
    """Base of functions with a hand-written gradient; call them through ``apply``."""

    generate_vmap_rule = False
    #: whether ``ctx.saved_tensors`` may be read only once
    clear_saved_tensors_on_access = False
    boxed_grads_call = False

    def __init__(self, *args, **kwargs):
        raise RuntimeError(
            f"{self.__class__} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future version "
            "of PyTorch."
        )

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )


def once_differentiable(fn):
    """Marks a ``backward`` whose own operations must not be differentiated."""

    @functools.wraps(fn)
    def wrapper(ctx, *args):
        from flambeau.autograd.grad_mode import no_grad

        with no_grad():
            outputs = fn(ctx, *args)
        if not _native.is_grad_enabled():
            return outputs
        if not any(getattr(arg, "requires_grad", False) for arg in args):
            return outputs
        single = not isinstance(outputs, tuple)
        values = (outputs,) if single else outputs

        class OnceDifferentiable(Function):
            @staticmethod
            def forward(_, trigger, *tensors):
                return tensors if len(tensors) != 1 else tensors[0]

            @staticmethod
            def backward(_, *grads):
                raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")

        trigger = next(arg for arg in args if getattr(arg, "requires_grad", False))
        given = [value.detach() for value in values if value is not None]
        marked = iter(()) if not given else iter(_tupled(OnceDifferentiable.apply(trigger, *given)))
        result = tuple(None if value is None else next(marked) for value in values)
        return result[0] if single else result

    return wrapper


def _tupled(value):
    return value if isinstance(value, tuple) else (value,)
