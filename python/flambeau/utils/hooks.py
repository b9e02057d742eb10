"""Handles of registered hooks, and the hooks on the gradients of a whole module."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from typing import Any

from flambeau import _native
from flambeau._tensor import Tensor

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """Takes a hook out of its table again: with ``remove()`` or at the end of a ``with`` block."""

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = [] if extra_dict is None else extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.extra_dict_ref: tuple = tuple(map(weakref.ref, extra))

    def remove(self) -> None:
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = reference()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self):
        return self.hooks_dict_ref(), self.id, tuple(reference() for reference in self.extra_dict_ref)

    def __setstate__(self, state) -> None:
        table, self.id, *extra = state
        self.hooks_dict_ref = weakref.ref(OrderedDict() if table is None else table)
        self.extra_dict_ref = tuple(map(weakref.ref, extra[0])) if extra and extra[0] else ()
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, type: Any, value: Any, tb: Any) -> None:
        self.remove()


def unserializable_hook(f):
    """Says that losing this hook when its tensor is pickled is expected."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor) -> None:
    """Warns that the hooks of a tensor are not pickled with it."""
    for hook in tensor.__dict__.get("_hooks", {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate the "
                "function with @torch.utils.hooks.unserializable_hook to suppress this warning",
                stacklevel=2,
            )


class BackwardHook:
    """Shows a module's input and output gradients to its full backward hooks.

    The tensors that enter and leave the module pass through an identity
    function each; its backward is the moment when all their gradients are known.
    """

    def __init__(self, module, user_hooks, user_pre_hooks) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: tuple | None = None
        self.n_inputs = -1
        self.inputs_at: list[int] | None = None

    def _through(self, values: tuple, on_gradients) -> tuple[tuple, list[int] | None]:
        from flambeau.nn.modules._functions import BackwardHookFunction

        where = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
        if not (_native.is_grad_enabled() and any(values[i].requires_grad for i in where)):
            return values, None
        passed = BackwardHookFunction.apply(on_gradients, *(values[i] for i in where))
        result = list(values)
        for i, tensor in zip(where, passed):
            result[i] = tensor
        return (tuple(result) if type(values) is tuple else type(values)(*result)), where

    def setup_input_hook(self, args: tuple) -> tuple:
        self.n_inputs = len(args)

        def on_gradients(grads):
            if self.grad_outputs is None:  # the backward pass did not go through the output
                return grads
            grad_inputs = self._spread(self.inputs_at, grads, self.n_inputs)
            for hook in self.user_hooks:
                replaced = hook(self.module, grad_inputs, self.grad_outputs)
                if replaced is None:
                    continue
                if not isinstance(replaced, tuple):
                    replaced = (replaced,)
                if len(replaced) != len(grad_inputs):
                    raise RuntimeError(
                        f"Backward hook returned an invalid number of grad_input, got {len(replaced)}, "
                        f"but expected {len(grad_inputs)}"
                    )
                grad_inputs = replaced
            self.grad_outputs = None
            return tuple(grad_inputs[i] for i in self.inputs_at)

        result, self.inputs_at = self._through(args, on_gradients)
        return result

    def setup_output_hook(self, output):
        values = output if isinstance(output, tuple) else (output,)

        def on_gradients(grads):
            grad_outputs = self._spread(where, grads, len(values))
            for hook in self.user_pre_hooks:
                replaced = hook(self.module, grad_outputs)
                if replaced is None:
                    continue
                if len(replaced) != len(grad_outputs):
                    raise RuntimeError(
                        f"Backward pre hook returned an invalid number of grad_output, got {len(replaced)}, "
                        f"but expected {len(grad_outputs)}"
                    )
                grad_outputs = replaced
            self.grad_outputs = grad_outputs
            if self.inputs_at is None:
                self._without_inputs()
            return tuple(grad_outputs[i] for i in where)

        result, where = self._through(values, on_gradients)
        return result if isinstance(output, tuple) else result[0]

    def _without_inputs(self) -> None:
        if self.user_hooks:
            warnings.warn(
                "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
                "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
                "#torch.nn.Module.register_full_backward_hook for more details.",
                stacklevel=5,
            )
        for hook in self.user_hooks:
            result = hook(self.module, (None,) * self.n_inputs, self.grad_outputs)
            if result is not None and not (isinstance(result, tuple) and all(entry is None for entry in result)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for "
                    "all gradients."
                )
        self.grad_outputs = None

    @staticmethod
    def _spread(where, values, size: int) -> tuple:
        result = [None] * size
        for i, value in zip(where, values):
            result[i] = value
        return tuple(result)
