"""``flambeau.Tensor``: the Python half of the tensor.

The class inherits everything that computes from ``_native.TensorBase`` and adds
what is a matter of Python: copying, pickling, hooks, the reflected operators
and the methods whose arguments take more than one shape.
"""

from __future__ import annotations

import copyreg
import enum
import functools
import warnings
from collections import OrderedDict
from copy import deepcopy
from numbers import Number
from typing import Any

from flambeau import _native

__all__ = ["Tensor"]


def _unsupported_is_not_implemented(method):
    """Lets Python try the other operand when this one cannot take the argument."""

    @functools.wraps(method)
    def operator(self, other, *args):
        try:
            return method(self, other, *args)
        except TypeError:
            return NotImplemented

    return operator


def _hook_table(tensor, slot: str, install) -> OrderedDict:
    """The ordered hooks of ``tensor`` in ``slot``; the engine holds one dispatcher for all of them."""
    table = tensor.__dict__.get(slot)
    if table is None:
        table = OrderedDict()
        tensor.__dict__[slot] = table
        install(table)
    return table


def _gradient_dispatcher(table):
    def dispatch(grad):
        current = grad
        for hook in tuple(table.values()):
            result = hook(current)
            if result is not None:
                current = result
        return current

    return dispatch


#: bookkeeping that belongs to the autograd graph, not to the value of a tensor
_TRANSIENT = ("_hooks", "_post_accumulate_hooks")


def _attributes(tensor) -> dict[str, Any]:
    return {k: v for k, v in tensor.__dict__.items() if k not in _TRANSIENT}


class Tensor(_native.TensorBase):
    """A multi-dimensional array of one dtype, with reverse-mode differentiation."""

    __module__ = "flambeau"
    __array_priority__ = 1000  # NumPy leaves mixed operators to us

    # --- copying and pickling ------------------------------------------------

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
                "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
                "see https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]
        from flambeau.storage import copy_of_storage

        grad_was_enabled = _native.is_grad_enabled()
        _native._set_grad_enabled(False)
        try:
            storage = copy_of_storage(self.untyped_storage(), memo)
            twin = _native.empty((0,), dtype=self.dtype, device=self.device)
            twin.set_(storage, self.storage_offset(), self.size(), self.stride())
            if type(self) is not Tensor:
                twin = type(self)._make_subclass(type(self), twin, False)
            if self.requires_grad:
                twin.requires_grad_()
            if self.grad is not None:
                twin.grad = deepcopy(self.grad, memo)
            for slot in copyreg._slotnames(type(self)):
                if hasattr(self, slot):
                    setattr(twin, slot, deepcopy(getattr(self, slot), memo))
            memo[id(self)] = twin
            twin.__dict__.update(deepcopy(_attributes(self), memo))
        finally:
            _native._set_grad_enabled(grad_was_enabled)
        return twin

    def __reduce_ex__(self, proto):
        from flambeau import _utils
        from flambeau.storage import TypedStorage
        from flambeau.utils.hooks import warn_if_has_hooks

        warn_if_has_hooks(self)
        storage = TypedStorage(wrap_storage=self.untyped_storage(), dtype=self.dtype, _internal=True)
        arguments = (
            storage,
            self.storage_offset(),
            tuple(self.size()),
            self.stride(),
            self.requires_grad,
            OrderedDict(),
        )
        state = _attributes(self)
        if type(self) is Tensor and not state:
            return _utils._rebuild_tensor_v2, arguments
        return _utils._rebuild_from_type_v2, (_utils._rebuild_tensor_v2, type(self), arguments, state)

    def __setstate__(self, state):
        if not self.is_leaf:
            raise RuntimeError("__setstate__ can be only called on leaf Tensors")
        if len(state) == 4:
            self.set_(*state)
            return
        if len(state) == 5:
            self.data = state[0]
            state = (state[3], state[4], state[2])
        self.requires_grad = state[0]

    def _typed_storage(self):
        from flambeau.storage import TypedStorage

        return TypedStorage(wrap_storage=self.untyped_storage(), dtype=self.dtype, _internal=True)

    def storage(self):
        """The storage as elements of this dtype (deprecated in PyTorch; see ``untyped_storage``)."""
        from flambeau.storage import _warn_typed_storage_removal

        _warn_typed_storage_removal(stacklevel=2)
        return self._typed_storage()

    def is_shared(self) -> bool:
        """Whether the memory is shared between processes: never, unless it was made so."""
        return bool(getattr(self.untyped_storage(), "is_shared", lambda: False)())

    def module_load(self, other, assign=False):
        return other.detach() if assign else self.copy_(other).detach()

    # --- text ------------------------------------------------------------------

    def __repr__(self, *, tensor_contents=None) -> str:
        return _native._tensor_str(self, tensor_contents=tensor_contents)

    def __format__(self, format_spec: str) -> str:
        if self.dim() == 0 and type(self) is Tensor:
            return self.detach().item().__format__(format_spec)
        return object.__format__(self, format_spec)

    # --- autograd ---------------------------------------------------------------

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Accumulates the gradients of this tensor into the leaves of its graph."""
        from flambeau import autograd

        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook):
        """Calls ``hook(grad)`` when the gradient of this tensor is known; a result replaces it."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        from flambeau.utils.hooks import RemovableHandle

        table = _hook_table(self, "_hooks", lambda t: self._register_hook(_gradient_dispatcher(t)))
        handle = RemovableHandle(table)
        table[handle.id] = hook
        return handle

    def register_post_accumulate_grad_hook(self, hook):
        """Calls ``hook(self)`` after ``.grad`` was accumulated."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        from flambeau.utils.hooks import RemovableHandle

        def install(table):
            def dispatch(tensor):
                for entry in tuple(table.values()):
                    entry(tensor)

            self._register_post_accumulate_grad_hook(dispatch)

        table = _hook_table(self, "_post_accumulate_hooks", install)
        handle = RemovableHandle(table)
        table[handle.id] = hook
        return handle

    # --- methods with several forms ------------------------------------------------

    def split(self, split_size, dim=0):
        if isinstance(split_size, Tensor):
            try:
                split_size = int(split_size)
            except ValueError:
                pass
        if isinstance(split_size, int):
            return _native.split(self, split_size, dim)
        return _native.split_with_sizes(self, split_size, dim)

    def norm(self, p: float | str | None = "fro", dim=None, keepdim=False, dtype=None):
        from flambeau import functional

        return functional.norm(self, p, dim, keepdim, dtype=dtype)

    def unique(self, sorted=True, return_inverse=False, return_counts=False, dim=None):
        from flambeau import functional

        return functional.unique(self, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts, dim=dim)

    def unique_consecutive(self, return_inverse=False, return_counts=False, dim=None):
        from flambeau import functional

        return functional.unique_consecutive(self, return_inverse=return_inverse, return_counts=return_counts, dim=dim)

    def unflatten(self, dim, sizes):
        if not sizes:
            raise RuntimeError("unflatten: sizes must be non-empty")
        return super().unflatten(dim, sizes)

    def dim_order(self, *, ambiguity_check: bool | list = False) -> tuple[int, ...]:
        """The dimensions from the slowest to the fastest varying in memory."""
        if not isinstance(ambiguity_check, (bool, list)) or (
            isinstance(ambiguity_check, list)
            and not all(isinstance(f, _native.memory_format) for f in ambiguity_check)
        ):
            raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
        strides, sizes = self.stride(), self.size()
        if ambiguity_check:
            unclear = any(n == 1 for n in sizes) or any(a == b for a, b in zip(strides, strides[1:]))
            formats = ambiguity_check if isinstance(ambiguity_check, list) else []
            if unclear and sum(self.is_contiguous(memory_format=f) for f in formats) != 1:
                raise RuntimeError(
                    "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
                )
        return tuple(sorted(range(self.dim()), key=lambda d: (-strides[d], d)))

    # --- operators ------------------------------------------------------------------

    @_unsupported_is_not_implemented
    def __rsub__(self, other):
        return _native.rsub(self, other)

    @_unsupported_is_not_implemented
    def __rdiv__(self, other):
        return self.reciprocal() * other

    __rtruediv__ = __rdiv__

    @_unsupported_is_not_implemented
    def __pow__(self, other):
        return self.pow(other)

    @_unsupported_is_not_implemented
    def __ipow__(self, other):
        return self.pow_(other)

    @_unsupported_is_not_implemented
    def __rpow__(self, other):
        return _native.pow(other, self)

    @_unsupported_is_not_implemented
    def __rmod__(self, other):
        return _native.remainder(other, self)

    @_unsupported_is_not_implemented
    def __floordiv__(self, other):
        return _native.floor_divide(self, other)

    @_unsupported_is_not_implemented
    def __rfloordiv__(self, other):
        return _native.floor_divide(other, self)

    @_unsupported_is_not_implemented
    def __rmatmul__(self, other):
        return _native.matmul(other, self)

    @_unsupported_is_not_implemented
    def __rlshift__(self, other):
        return _native.bitwise_left_shift(other, self)

    @_unsupported_is_not_implemented
    def __rrshift__(self, other):
        return _native.bitwise_right_shift(other, self)

    def __pos__(self):
        return self.positive()

    def __neg__(self):
        return self.neg()

    def __abs__(self):
        return self.abs()

    # --- containers -----------------------------------------------------------------

    def __len__(self) -> int:
        if self.dim() == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self):
        if self.dim() == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self):
        return self if self.dim() == 0 else self.flip(0)

    def __contains__(self, element: Any, /) -> bool:
        if isinstance(element, (Tensor, Number)):
            return bool((element == self).any().item())
        raise RuntimeError(
            f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
        )

    def __hash__(self) -> int:
        return id(self)

    def __dir__(self):
        names = set(dir(type(self))) | set(self.__dict__)
        return sorted(names - {"volatile", "__cuda_array_interface__"})

    # --- NumPy and DLPack -------------------------------------------------------------

    def __array__(self, dtype=None):
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        if array.dtype == bool:
            array = array.astype("uint8")
        return _native.from_numpy(array)

    @property
    def __cuda_array_interface__(self):
        raise AttributeError(
            f"Can't get __cuda_array_interface__ on non-CUDA tensor type: {self.type()} "
            "If CUDA data is required use tensor.cuda() to copy tensor to device memory."
        )

    def __dlpack__(
        self,
        *,
        stream: Any | None = -1,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[enum.IntEnum, int] | None = None,
        copy: bool | None = None,
        read_only: bool = False,
    ):
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        if self.is_conj():
            raise BufferError("Can't export tensors with the conjugate bit set")
        if stream is not None and type(stream) is not int:
            raise TypeError("stream must be ``int`` or ``none``")
        if stream is not None and stream != -1:
            raise AssertionError("stream should be None on cpu.")
        source = self.clone() if copy else self
        if max_version is None or max_version[0] < 1:
            if read_only:
                raise BufferError(
                    "read_only export requires the versioned DLPack protocol; pass max_version=(1, 0) or higher"
                )
            return _native._to_dlpack(source)
        return _native._to_dlpack_versioned(source)

    def __dlpack_device__(self) -> tuple[enum.IntEnum, int]:
        from flambeau.utils.dlpack import DLDeviceType

        return DLDeviceType.kDLCPU, 0

    # --- making tensors like this one ------------------------------------------------------

    def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
        """A copy of ``data`` as a tensor of this one's dtype."""
        return _native.tensor(
            data, dtype=self.dtype if dtype is None else dtype, device=device, requires_grad=requires_grad
        )

    def new(self, *args, device=None):
        """An older spelling of ``new_empty`` and ``new_tensor``."""
        if len(args) == 1 and not isinstance(args[0], (int, _native.Size)):
            source = args[0]
            return source.detach() if isinstance(source, Tensor) else self.new_tensor(source, device=device)
        sizes = args[0] if args and isinstance(args[0], _native.Size) else args
        return self.new_empty(tuple(sizes) or (0,), device=device)

    # --- one element at a time -------------------------------------------------------------

    def type(self, dtype=None, non_blocking=False):
        """The name of the tensor's type, or the tensor in another: a dtype, ``torch.FloatTensor`` or its name."""
        # One of the classes of _legacy_types.
        if isinstance(dtype, type) and isinstance(vars(dtype).get("dtype"), _native.dtype):
            dtype = dtype.dtype
        return super().type(dtype, non_blocking) if non_blocking else super().type(dtype)

    def apply_(self, callable):
        """Replaces every element by what ``callable`` makes of it; slow, for the sake of old scripts."""
        if self.requires_grad:
            raise RuntimeError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.")
        values = [callable(value) for value in self.flatten().tolist()]
        return self.copy_(_native.tensor(values, dtype=self.dtype).reshape(self.shape))

    def map_(self, tensor, callable):
        """Replaces every element by ``callable(element, element of tensor)``."""
        if self.requires_grad:
            raise RuntimeError("Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.")
        pairs = zip(self.flatten().tolist(), tensor.expand(self.shape).flatten().tolist())
        values = [callable(*pair) for pair in pairs]
        return self.copy_(_native.tensor(values, dtype=self.dtype).reshape(self.shape))

    # --- other devices and processes -------------------------------------------------------

    def cuda(self, device=None, non_blocking=False, memory_format=None):
        """There is no CUDA device here: always an error."""
        return self.to("cuda")

    def pin_memory(self, device=None):
        """There is no device that pinned memory would be for: always an error."""
        raise RuntimeError("Cannot access accelerator device when none is available.")

    def share_memory_(self):
        """Nothing to do: no memory is shared between processes."""
        return self

    # --- removed from PyTorch long ago, with its words ----------------------------------

    @property
    def volatile(self) -> bool:
        return False

    def resize(self, *sizes):
        warnings.warn("non-inplace resize is deprecated", stacklevel=2)
        return self.reshape(*sizes)


_native._set_tensor_class(Tensor)
