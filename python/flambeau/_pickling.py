"""Pickles with PyTorch's names: written for PyTorch to read, and read with or without restrictions."""

from __future__ import annotations

import pickle
import re
from collections import Counter, OrderedDict
from typing import Any

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.storage import TypedStorage, UntypedStorage, dtype_of_storage_name, legacy_storage_name, storage_key

# --- names ----------------------------------------------------------------------------------

#: where PyTorch keeps a function that lives elsewhere here
_MOVED = {("flambeau._utils", "_rebuild_from_type_v2"): "torch._tensor"}
_MOVED_BACK = {("torch._tensor", "_rebuild_from_type_v2"): "flambeau._utils"}


def _torch_module(module: str, name: str) -> str:
    """The module that PyTorch has this name in."""
    moved = _MOVED.get((module, name))
    if moved:
        return moved
    return re.sub(r"^flambeau(\._native)?(?=\.|$)", "torch", module)


def _own_module(module: str, name: str) -> str:
    """The module of this package that has a name of PyTorch's."""
    moved = _MOVED_BACK.get((module, name))
    if moved:
        return moved
    return re.sub(r"^torch(?=\.|$)", "flambeau", module)


class _Global:
    """A name to write into a pickle, whether or not it can be imported here."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def __call__(self, *args):
        raise TypeError("this object only stands for a name")


_REBUILD_TENSOR_V2 = _Global("torch._utils", "_rebuild_tensor_v2")
_REBUILD_TENSOR_V3 = _Global("torch._utils", "_rebuild_tensor_v3")
_UNTYPED = _Global("torch.storage", "UntypedStorage")


class _StorageType:
    """What ``torch.FloatStorage`` stands for in a file: the dtype of a storage's elements."""

    def __init__(self, dtype) -> None:
        self.dtype = dtype

    @property
    def _dtype(self):
        return self.dtype


# --- writing ----------------------------------------------------------------------------------


class _Pickler(pickle._Pickler):
    """Pickles with PyTorch's names; storages go to ``storages`` and are referred to by key."""

    dispatch = pickle._Pickler.dispatch.copy()

    def __init__(self, file, protocol: int, legacy: bool = False) -> None:
        super().__init__(file, protocol)
        self.legacy = legacy
        self.storages: dict[str, UntypedStorage] = {}
        self._keys: dict[tuple[int, int], str] = {}
        #: what each storage's elements are
        self.dtypes: dict[str, Any] = {}
        self._storage_globals: dict[str, _Global] = {}

    def _write_global(self, obj, module: str, name: str) -> None:
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(obj)

    def _save_named(self, obj: _Global) -> None:
        self._write_global(obj, obj.module, obj.name)

    dispatch[_Global] = _save_named

    def save_global(self, obj, name=None):
        qualified = name or getattr(obj, "__qualname__", None) or obj.__name__
        module = pickle.whichmodule(obj, qualified)
        if module == "flambeau" or module.startswith("flambeau."):
            self._write_global(obj, _torch_module(module, qualified), qualified)
        else:
            super().save_global(obj, name)

    dispatch[type(len)] = dispatch[type(lambda: None)] = save_global

    def reducer_override(self, obj):
        if type(obj) is Tensor and not _tensor_state(obj):
            return self._reduce_tensor(obj)
        return NotImplemented

    def save(self, obj, save_persistent_id=True):
        kind = type(obj)
        if kind is _native.dtype and id(obj) not in self.memo:
            self._write_global(obj, "torch", str(obj).rpartition(".")[2])
            return
        if isinstance(obj, type) and id(obj) not in self.memo:
            self.save_type(obj) if obj in (type(None), type(NotImplemented), type(...)) else self.save_global(obj)
            return
        if kind is _native.device:
            self.save_reduce(_DEVICE, (str(obj),), obj=obj)
            return
        if kind is _native.Size:
            self.save_reduce(_SIZE, (tuple(obj),), obj=obj)
            return
        super().save(obj, save_persistent_id)

    def _reduce_tensor(self, tensor: Tensor):
        geometry = (tensor.storage_offset(), tuple(tensor.size()), tensor.stride(), tensor.requires_grad, OrderedDict())
        if legacy_storage_name(tensor.dtype) is None:
            return _REBUILD_TENSOR_V3, (tensor.untyped_storage(), *geometry, tensor.dtype)
        return _REBUILD_TENSOR_V2, (tensor._typed_storage(), *geometry)

    def persistent_id(self, obj):
        if isinstance(obj, TypedStorage):
            name = legacy_storage_name(obj.dtype)
            kind = self._storage_globals.setdefault(name, _Global("torch", name))
            storage, count, dtype = obj._untyped_storage, len(obj), obj.dtype
        elif isinstance(obj, UntypedStorage):
            kind, storage, count, dtype = _UNTYPED, obj, obj.nbytes(), _native.uint8
        else:
            return None
        location = (storage_key(storage), storage.nbytes())
        if storage.nbytes() == 0 or location not in self._keys:
            self._keys[location] = str(len(self.storages))
            self.storages[self._keys[location]] = storage
        if self.dtypes.setdefault(self._keys[location], dtype) != dtype:
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different types"
            )
        identity = ("storage", kind, self._keys[location], "cpu", count)
        return (*identity, None) if self.legacy else identity


_DEVICE = _Global("torch", "device")
_SIZE = _Global("torch", "Size")


def _tensor_state(tensor: Tensor) -> dict:
    from flambeau._tensor import _attributes

    return _attributes(tensor)


# --- what a restricted pickle may name ----------------------------------------------------------

_user_globals: dict[str, Any] = {}
_BLOCKED = ("sys", "os", "posix", "nt")


def _full_name(entry) -> tuple[str, Any]:
    if isinstance(entry, tuple):
        obj, name = entry
        return name, obj
    name = f"{entry.__module__}.{entry.__qualname__}"
    return name, entry


def add_safe_globals(safe_globals: list) -> None:
    """Allows functions and classes (or pairs of one and its name) in files loaded with ``weights_only``."""
    for entry in safe_globals:
        name, obj = _full_name(entry)
        _user_globals[name] = obj


def get_safe_globals() -> list:
    """What ``add_safe_globals`` has allowed."""
    return list(_user_globals.values())


def clear_safe_globals() -> None:
    """Forgets what ``add_safe_globals`` has allowed."""
    _user_globals.clear()


class safe_globals:
    """``add_safe_globals`` for the duration of a block."""

    def __init__(self, safe_globals: list) -> None:
        self.safe_globals = safe_globals

    def __enter__(self):
        self._before = dict(_user_globals)
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exc) -> None:
        _user_globals.clear()
        _user_globals.update(self._before)


def _storage_type(module: str, name: str) -> _StorageType | None:
    if (module, name) in (("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage")):
        return _StorageType(_native.uint8)
    dtype = dtype_of_storage_name(name) if module in ("torch", "torch.cuda") else None
    return None if dtype is None else _StorageType(dtype)


def _bytes_of(text: str, encoding: str) -> bytes:
    """Bytes as protocol 2 spells them: text with a character for each."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def _bytearray_of(content=b"", encoding: str = "latin1") -> bytearray:
    """A bytearray of bytes; of a number, it would take memory that the file does not have."""
    return bytearray(_bytes_of(content, encoding) if isinstance(content, str) else memoryview(content))


#: how many members of containers a pickle may have copied: a call of six bytes copies a long list
_MOST_COPIED = 50_000_000


def _allowed() -> dict[tuple[str, str], Any]:
    """The names that are safe by default: tensors and plain containers."""
    from flambeau import _utils
    from flambeau.nn.parameter import Parameter

    names: dict[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("collections", "Counter"): Counter,
        ("_codecs", "encode"): _bytes_of,
        ("builtins", "bytearray"): _bytearray_of,
        ("builtins", "set"): set,
        ("builtins", "complex"): complex,
        ("torch", "Size"): _native.Size,
        ("torch", "device"): _native.device,
        ("torch", "Tensor"): Tensor,
        ("torch.nn.parameter", "Parameter"): Parameter,
        ("torch._tensor", "_rebuild_from_type_v2"): _utils._rebuild_from_type_v2,
    }
    for name in (
        "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_parameter_with_state"
    ):
        names["torch._utils", name] = getattr(_utils, name)
    for name in (
        "bool bfloat16 float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 complex32 complex64 "
        "complex128".split()
    ):
        if hasattr(_native, name):
            names["torch", name] = getattr(_native, name)
    return names


_default_globals: dict[tuple[str, str], Any] = {}


class _Unpickler(pickle._Unpickler):
    """Reads a pickle that may only name what is allowed."""

    def find_class(self, module, name):
        if not _default_globals:
            _default_globals.update(_allowed())
        if module == "__builtin__":
            module = "builtins"
        full_name = f"{module}.{name}"
        if module in _BLOCKED:
            raise pickle.UnpicklingError(
                f"Trying to load unsupported GLOBAL {full_name} whose module {module} is blocked."
            )
        found = _default_globals.get((module, name))
        if found is not None:
            return found
        storage_type = _storage_type(module, name)
        if storage_type is not None:
            return storage_type
        own_name = f"{_own_module(module, name)}.{name}"
        for candidate in (full_name, own_name):
            if candidate in _user_globals:
                return _user_globals[candidate]
        raise pickle.UnpicklingError(
            f"Unsupported global: GLOBAL {full_name} was not an allowed global by default. Please use "
            f"`torch.serialization.add_safe_globals([{full_name}])` or the "
            f"`torch.serialization.safe_globals([{full_name}])` context manager to allowlist this global if you trust this "
            "class/function."
        )

    _copied = 0

    def _is_allowed(self, obj) -> bool:
        # the dicts' values are compared by identity: what a file names may define what == does
        return any(obj is known for known in (*_default_globals.values(), *_user_globals.values()))

    def load_reduce(self):
        arguments = self.stack.pop()
        function = self.stack[-1]
        if not self._is_allowed(function):
            raise pickle.UnpicklingError(f"Trying to call reduce for unrecognized function {function}")
        self._copied += sum(len(a) for a in arguments if isinstance(a, (list, tuple, dict, set, str, bytes, bytearray)))
        if self._copied > _MOST_COPIED:
            raise pickle.UnpicklingError(f"its calls copy more than {_MOST_COPIED} members of containers")
        self.stack[-1] = function(*arguments)

    def load_newobj(self):
        arguments = self.stack.pop()
        cls = self.stack.pop()
        if not self._is_allowed(cls) or not isinstance(cls, type):
            raise pickle.UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got "
                f"{cls}"
            )
        self.append(cls.__new__(cls, *arguments))

    def load_newobj_ex(self):
        keywords = self.stack.pop()
        if keywords:
            raise pickle.UnpicklingError("Unsupported operand 146: an object made with keyword arguments")
        self.load_newobj()

    def load_build(self):
        instance = self.stack[-2]
        if type(instance) is OrderedDict:
            instance.__dict__.update(self.stack.pop())
        elif not isinstance(instance, type) and self._is_allowed(type(instance)):
            super().load_build()
        else:
            raise pickle.UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got "
                f"{type(instance)}"
            )

    def _check_target(self, kinds, task: str, target) -> None:
        if type(target) not in kinds:
            names = ", ".join(kind.__name__ for kind in kinds)
            raise pickle.UnpicklingError(f"Can only {task} {names}, but got {type(target)}")

    def load_append(self):
        self._check_target((list,), "append to", self.stack[-2])
        super().load_append()

    def load_appends(self):
        self._check_target((list,), "extend", self.metastack[-1][-1])
        super().load_appends()

    def load_setitem(self):
        self._check_target((dict, OrderedDict, Counter), "set items on", self.stack[-3])
        super().load_setitem()

    def load_setitems(self):
        self._check_target((dict, OrderedDict, Counter), "set items on", self.metastack[-1][-1])
        super().load_setitems()

    def load_additems(self):
        self._check_target((set,), "add items to", self.metastack[-1][-1])
        super().load_additems()

    dispatch = pickle._Unpickler.dispatch.copy()
    for _opcode, _function in (
        (pickle.REDUCE, load_reduce), (pickle.NEWOBJ, load_newobj), (pickle.NEWOBJ_EX, load_newobj_ex),
        (pickle.BUILD, load_build), (pickle.APPEND, load_append), (pickle.APPENDS, load_appends),
        (pickle.SETITEM, load_setitem), (pickle.SETITEMS, load_setitems), (pickle.ADDITEMS, load_additems),
    ):
        dispatch[_opcode[0]] = _function
    # Opcodes of ancient protocols that make objects, and those that name them by number.
    for _opcode in (pickle.INST, pickle.OBJ, pickle.EXT1, pickle.EXT2, pickle.EXT4):
        dispatch.pop(_opcode[0])
    del _opcode, _function
