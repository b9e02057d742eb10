"""Functions that pickles refer to by name, and how a worker's exception travels."""

from __future__ import annotations

import sys
import traceback

from flambeau import _native


def _rebuild_tensor(storage, storage_offset, size, stride):
    untyped = storage._untyped_storage
    tensor = _native.empty((0,), dtype=storage.dtype)
    return tensor.set_(untyped, storage_offset, size, stride)


def _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None):
    tensor = _rebuild_tensor(storage, storage_offset, size, stride)
    tensor.requires_grad = requires_grad
    return tensor


def _rebuild_tensor_v3(storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None):
    untyped = getattr(storage, "_untyped_storage", storage)
    tensor = _native.empty((0,), dtype=dtype).set_(untyped, storage_offset, size, stride)
    tensor.requires_grad = requires_grad
    return tensor


def _set_obj_state(obj, state):
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(obj, name, value)
    return obj


def _rebuild_parameter(data, requires_grad, backward_hooks):
    from flambeau.nn.parameter import Parameter

    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data, requires_grad, backward_hooks, state):
    return _set_obj_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _rebuild_from_type_v2(rebuild, new_type, arguments, state):
    tensor = rebuild(*arguments)
    if type(tensor) is not new_type:
        requires_grad = tensor.requires_grad
        tensor = new_type._make_subclass(new_type, tensor.detach(), requires_grad)
    return _set_obj_state(tensor, state)


class KeyErrorMessage(str):
    """A KeyError prints the repr of its text; this text prints as it is."""

    def __repr__(self):
        return str(self)


class ExceptionWrapper:
    """An exception with its traceback as text, so that another process can raise it again."""

    def __init__(self, exc_info=None, where="in background"):
        exc_info = exc_info or sys.exc_info()
        self.exc_type = exc_info[0]
        self.exc_msg = "".join(traceback.format_exception(*exc_info))
        self.where = where

    def reraise(self):
        """Raises the same type of exception here, the original traceback in its text."""
        text = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            raise KeyError(KeyErrorMessage(text))
        if getattr(self.exc_type, "message", None):
            raise self.exc_type(message=text)
        try:
            exception = self.exc_type(text)
        except Exception:
            raise RuntimeError(text) from None
        raise exception
