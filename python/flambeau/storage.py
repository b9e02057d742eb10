"""Storages: the flat memory behind tensors."""

from __future__ import annotations

import warnings

from flambeau import _native
from flambeau._native import UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage", "is_storage"]

_LEGACY_NAMES = {
    "float64": "DoubleStorage", "float32": "FloatStorage", "float16": "HalfStorage", "bfloat16": "BFloat16Storage",
    "int64": "LongStorage", "int32": "IntStorage", "int16": "ShortStorage", "int8": "CharStorage",
    "uint8": "ByteStorage", "bool": "BoolStorage", "complex64": "ComplexFloatStorage",
    "complex128": "ComplexDoubleStorage",
}


def _name_of(dtype) -> str:
    return str(dtype).rpartition(".")[2]


def legacy_storage_name(dtype) -> str | None:
    """``'FloatStorage'`` for float32; None for dtypes younger than typed storages."""
    return _LEGACY_NAMES.get(_name_of(dtype))


def dtype_of_storage_name(name: str):
    """The dtype behind ``'FloatStorage'``, or None."""
    for dtype, storage in _LEGACY_NAMES.items():
        if storage == name:
            return getattr(_native, dtype, None)
    return None


def _warn_typed_storage_removal(stacklevel=2):
    warnings.warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
        "class. This should only matter to you if you are using storages directly.  To access UntypedStorage "
        "directly, use tensor.untyped_storage() instead of tensor.storage()",
        stacklevel=stacklevel + 1,
    )


def storage_key(storage) -> int:
    """The same number for two Python objects of one storage."""
    return storage.data_ptr()


def copy_of_storage(storage, memo: dict):
    """A deep copy of ``storage``, once per ``memo``."""
    copies = memo.setdefault("flambeau", {})
    key = (storage_key(storage), storage.nbytes())
    if storage.nbytes() == 0 or key not in copies:
        # the original is kept beside its copy: its address must not be reused while the memo lives
        copies[key] = (_native._storage_from_buffer(_native._storage_to_bytes(storage)), storage)
    return copies[key][0]


class TypedStorage:
    """A storage seen as a row of elements of one dtype."""

    def __init__(self, *args, wrap_storage=None, dtype=None, device=None, _internal=False):
        if not _internal:
            _warn_typed_storage_removal()
        if wrap_storage is None:
            dtype = dtype or _native.get_default_dtype()
            values = args[0] if args else 0
            tensor = _native.empty(values, dtype=dtype) if isinstance(values, int) else _native.tensor(values, dtype=dtype)
            wrap_storage = tensor.untyped_storage()
        self._untyped_storage = wrap_storage
        self.dtype = dtype

    @property
    def device(self):
        return self._untyped_storage.device

    @property
    def is_cuda(self) -> bool:
        return False

    def untyped(self):
        return self._untyped_storage

    def _tensor(self):
        return _native.empty((0,), dtype=self.dtype).set_(self._untyped_storage, 0, (len(self),), (1,))

    def element_size(self) -> int:
        return self.dtype.itemsize

    def nbytes(self) -> int:
        return self._untyped_storage.nbytes()

    def size(self) -> int:
        return len(self)

    def data_ptr(self) -> int:
        return self._untyped_storage.data_ptr()

    def tolist(self) -> list:
        return self._tensor().tolist()

    def clone(self) -> TypedStorage:
        return self.__deepcopy__({})

    def cpu(self) -> TypedStorage:
        return self

    def __len__(self) -> int:
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    def __iter__(self):
        return iter(self.tolist())

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._tensor()[index].item()

    def __setitem__(self, index, value):
        self._tensor()[index] = value

    def __eq__(self, other):
        return isinstance(other, TypedStorage) and self.data_ptr() == other.data_ptr() and self.dtype == other.dtype

    def __hash__(self):
        return hash((self.data_ptr(), str(self.dtype)))

    def __deepcopy__(self, memo):
        return TypedStorage(wrap_storage=copy_of_storage(self._untyped_storage, memo), dtype=self.dtype, _internal=True)

    def __reduce__(self):
        return _from_bytes, (_native._storage_to_bytes(self._untyped_storage), _name_of(self.dtype))

    def __repr__(self) -> str:
        values = "".join(f" {v}\n" for v in self.tolist())
        return f"{values}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {len(self)}]"


def _from_bytes(data: bytes, dtype: str) -> TypedStorage:
    return TypedStorage(wrap_storage=_native._storage_from_buffer(data), dtype=getattr(_native, dtype), _internal=True)


def is_storage(obj: object, /) -> bool:
    """Whether ``obj`` is a storage."""
    return isinstance(obj, (TypedStorage, UntypedStorage))
