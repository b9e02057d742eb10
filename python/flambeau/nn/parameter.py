"""Tensors that a module owns: parameters, buffers, and both before their shape is known."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from flambeau import _native
from flambeau._tensor import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy"]


class _ParameterMeta(type(Tensor)):
    def __instancecheck__(cls, instance) -> bool:
        if cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False):
            return True
        return super().__instancecheck__(instance)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a module lists among its parameters once it is assigned to it."""

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = _native.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        parameter = data.detach().requires_grad_(requires_grad)
        if type(parameter) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns an "
                f"instance of the same type, but return type {type(parameter).__name__} was found instead. To use the "
                "type as a Parameter, please correct the detach() semantics defined by its __torch_dispatch__() "
                "implementation."
            )
        parameter._is_param = True
        return parameter

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(memory_format=_native.preserve_format), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto):
        from flambeau import _utils
        from flambeau._tensor import _attributes

        state = _attributes(self)
        arguments = (self.data, self.requires_grad, OrderedDict())
        if state:
            return _utils._rebuild_parameter_with_state, (*arguments, state)
        return _utils._rebuild_parameter, arguments


#: what may be asked of a tensor whose shape is still unknown
_ALLOWED = frozenset(
    "size copy_ is_complex is_floating_point half float double char short int long bfloat16 cuda cpu to get_device "
    "materialize data dtype device layout requires_grad requires_grad_ grad grad_fn is_leaf is_meta is_sparse "
    "is_quantized is_cuda persistent cls_to_become detach_ type share_memory_ shape register_hook "
    "retains_grad output_nr".split()
)


class UninitializedTensorMixin:
    """A tensor without a shape; ``materialize`` gives it one and turns it into its real class."""

    cls_to_become: type

    def materialize(self, shape, device=None, dtype=None) -> None:
        """Allocates memory of this shape."""
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = _native.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` to "
            "initialize the parameters before accessing their attributes."
        )

    def share_memory_(self):
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters "
            "before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, proto):
        return type(self), (self.requires_grad,)

    def __getattribute__(self, name):
        if not name.startswith("_") and name not in _ALLOWED and callable(getattr(_native.TensorBase, name, None)):
            _refuse(self, getattr(_native.TensorBase, name))
        return super().__getattribute__(name)


def _refuse(tensor, function):
    raise ValueError(
        f"Attempted to use an uninitialized parameter in {function}. This error happens when you are using a "
        f"`LazyModule` or explicitly manipulating `torch.nn.parameter.{type(tensor).__name__}` objects. When using "
        "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling torch functions"
    )


def _refusing(name):
    def operator(self, *args):
        plain = name.strip("_")
        _refuse(self, getattr(_native.TensorBase, plain, None) or getattr(_native.TensorBase, name, name))

    operator.__name__ = name
    return operator


for _name in (
    "add sub mul truediv matmul floordiv mod pow radd rsub rmul rtruediv rmatmul iadd isub imul itruediv eq ne lt le gt ge "
    "neg abs getitem setitem len iter bool float int contains".split()
):
    setattr(UninitializedTensorMixin, f"__{_name}__", _refusing(f"__{_name}__"))
UninitializedTensorMixin.__hash__ = Tensor.__hash__


def is_lazy(param: Any) -> bool:
    """Whether the shape of ``param`` is still unknown."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape a lazy module infers from its first input."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None) -> UninitializedParameter:
        return Tensor._make_subclass(cls, _native.empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


class _BufferMeta(type(Tensor)):
    def __instancecheck__(cls, instance) -> bool:
        if cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False):
            return True
        return super().__instancecheck__(instance)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a module lists among its buffers once it is assigned to it."""

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = _native.empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape a lazy module infers from its first input."""

    cls_to_become = Tensor

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True) -> UninitializedBuffer:
        buffer = Tensor._make_subclass(cls, _native.empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer
