"""``FloatTensor`` and its siblings: constructors of one dtype that also answer isinstance."""

from flambeau import _native
from flambeau._tensor import Tensor

_DTYPES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Byte": "uint8",
    "Char": "int8", "Short": "int16", "Int": "int32", "Long": "int64", "Bool": "bool",
}


class _TensorType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype

    def __call__(cls, *args, device=None):
        if not args:
            return _native.empty(0, dtype=cls.dtype, device=device)
        if len(args) == 1 and not isinstance(args[0], int):
            data = args[0]
            if isinstance(data, _native.Size):
                return _native.empty(data, dtype=cls.dtype, device=device)
            if isinstance(data, Tensor):
                return data.detach().to(cls.dtype)
            return _native.tensor(data, dtype=cls.dtype, device=device)
        return _native.empty(*args, dtype=cls.dtype, device=device)

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>"


__all__ = []
for _prefix, _dtype in _DTYPES.items():
    if hasattr(_native, _dtype):
        _name = f"{_prefix}Tensor"
        globals()[_name] = _TensorType(
            _name, (), {"dtype": getattr(_native, _dtype), "layout": _native.strided, "__module__": "flambeau",
                        "__doc__": f"Creates (uninitialised or from data) a tensor of dtype {_dtype}."}
        )
        __all__.append(_name)
