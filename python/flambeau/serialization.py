"""Files of tensors and of plain data, in PyTorch's formats.

``save`` writes PyTorch's zip archive, with PyTorch's names for everything of this
package, so that PyTorch reads it; ``load`` reads archives, the older format of
consecutive pickles, and safetensors.  Only tensors and plain data are loaded: a
pickle could otherwise run any code, and here none ever does.
"""

from __future__ import annotations

import contextlib
import errno
import io
import mmap
import os
import pickle
import re
import secrets
import struct
import sys
import warnings
import zlib
from typing import Any

from flambeau import _native
from flambeau._archive import ArchiveReader, ArchiveWriter
from flambeau._pickling import (
    _Pickler, _Unpickler, add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals,
)
from flambeau.storage import TypedStorage

__all__ = [
    "SourceChangeWarning", "add_safe_globals", "clear_safe_globals", "from_file", "get_safe_globals", "load",
    "safe_globals", "save",
]

DEFAULT_PROTOCOL = 2
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001

UNSAFE_MESSAGE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to `True`. "
    "Re-running `torch.load` with `weights_only` set to `False` will likely succeed, but it can result in arbitrary code "
    "execution. Do it only if you got the file from a trusted source."
)
_DOCS_MESSAGE = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
    "https://pytorch.org/docs/stable/generated/torch.load.html."
)


class SourceChangeWarning(Warning):
    """What PyTorch gives where a pickled module's source has changed; no source is kept in files written here."""


# --- writing -----------------------------------------------------------------------------------


def _is_path(f) -> bool:
    return isinstance(f, (str, os.PathLike))


@contextlib.contextmanager
def _opened(f):
    if _is_path(f):
        with open(f, "rb") as file:
            yield file
    else:
        yield f


@contextlib.contextmanager
def _written(f):
    """A file that appears whole: a path is written under another name and then renamed."""
    if not _is_path(f):
        yield f
        if hasattr(f, "flush"):
            f.flush()
        return
    path = os.path.realpath(os.fspath(f))
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:  # a device or a pipe, which a new file must not replace
            yield file
        return
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    temporary = os.path.join(os.path.dirname(path), f".flambeau-{secrets.token_hex(8)}")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            os.chmod(temporary, os.stat(path).st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def save(
    obj: object, f, pickle_module: Any = pickle, pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False,
) -> None:
    """Saves an object to a file (a path or a writable binary file)."""
    if not _is_path(f) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    if _is_path(f):
        parent = os.path.dirname(os.fspath(f))
        if parent and not os.path.isdir(parent):
            raise RuntimeError(f"Parent directory {parent} does not exist.")
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, pickle_protocol, legacy=not _use_new_zipfile_serialization)
    pickler.dump(obj)
    with _written(f) as file:
        if not _use_new_zipfile_serialization:
            _write_legacy(file, buffer.getvalue(), pickler, pickle_protocol)
            return
        name = os.path.splitext(os.path.basename(os.fspath(f)))[0] if _is_path(f) else "archive"
        with ArchiveWriter(file, name or "archive") as writer:
            writer.write("data.pkl", buffer.getvalue())
            if not _disable_byteorder_record:
                writer.write("byteorder", sys.byteorder.encode())
            for key, storage in pickler.storages.items():
                writer.write(f"data/{key}", _native._storage_to_bytes(storage))
            writer.write("version", b"3\n")


def _write_legacy(file, data: bytes, pickler: _Pickler, protocol: int) -> None:
    system = {
        "protocol_version": PROTOCOL_VERSION, "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for part in (MAGIC_NUMBER, PROTOCOL_VERSION, system):
        pickle.dump(part, file, protocol=protocol)
    file.write(data)
    keys = sorted(pickler.storages)
    pickle.dump(keys, file, protocol=protocol)
    for key in keys:
        storage, size = pickler.storages[key], pickler.dtypes[key].itemsize
        content = _native._storage_to_bytes(_little_endian(storage, size))
        file.write(struct.pack("<q", len(content) // size))
        file.write(content)


def _little_endian(storage, size: int):
    """The storage, with the lowest byte of a number first or from such bytes."""
    return storage if sys.byteorder == "little" or size == 1 else _native._storage_byteswapped(storage, size)


# --- reading ------------------------------------------------------------------------------------


def _location(location: str, map_location) -> str:
    """Where a storage saved at ``location`` shall go, by a map that is no function."""
    if isinstance(map_location, dict):
        return str(map_location.get(location, location))
    return location if map_location is None else str(map_location)


class _UsersError(Exception):
    """An exception of a ``map_location`` function, on its way out of the unpickler."""


def _place(storage, location: str, map_location):
    """Puts a storage, read into memory, where it belongs."""
    if callable(map_location) and not isinstance(map_location, (str, dict)):
        try:
            placed = map_location(storage, location)
        except Exception as error:
            raise _UsersError from error
        if placed is not None:
            return getattr(placed, "_untyped_storage", placed)
        map_location = None
    target = _location(location, map_location)
    if target.startswith("cuda"):
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running "
            "on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to "
            "the CPU."
        )
    if not target.startswith("cpu"):
        raise RuntimeError(
            "don't know how to restore data location of torch.storage.UntypedStorage (tagged with " + target + ")"
        )
    return storage


def _storage_identity(saved_id):
    if not isinstance(saved_id, tuple) or not saved_id or _text(saved_id[0]) != "storage":
        raise pickle.UnpicklingError(
            f"Only persistent_load of storage is allowed, but got {type(saved_id[0] if saved_id else saved_id)}"
        )
    return saved_id[1:]


def _text(value):
    return value.decode("ascii") if isinstance(value, bytes) else value


def _byte_order(archive: ArchiveReader) -> str:
    order = archive.read("byteorder") if "byteorder" in archive else b"little"
    if order not in (b"little", b"big"):
        raise ValueError(f"Unknown endianness type: {order.decode(errors='replace')}")
    return order.decode()


def _count(saved_id) -> tuple[Any, str, str, int]:
    """Dtype, key, location and number of elements of a storage."""
    storage_type, key, location, count = _storage_identity(saved_id)[:4]
    if not isinstance(count, int) or count < 0:
        raise pickle.UnpicklingError(f"a storage of {count} elements")
    return storage_type.dtype, _text(key), _text(location), count


def _load_zip(file, map_location, path=None):
    """Reads an archive; from ``path``, if it is given, by mapping that file into memory."""
    archive = ArchiveReader(file)
    with contextlib.closing(archive):
        if "constants.pkl" in archive:
            raise RuntimeError(
                "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``: they hold programs; "
                "save the module's state_dict instead."
            )
        data = archive.read("data.pkl")
        swapped = _byte_order(archive) != sys.byteorder
        whole = None if path is None else _native.UntypedStorage.from_file(os.fspath(path))
        loaded: dict[str, Any] = {}

        def read(key: str, nbytes: int, size: int):
            if whole is None:
                storage = _native._storage_from_buffer(archive.read(f"data/{key}", nbytes))
            else:
                start = archive.offset(f"data/{key}", nbytes)
                storage = whole[start:start + nbytes]
                if storage.data_ptr() % size:  # numbers cannot be used where they lie
                    storage = storage.clone()
            return _native._storage_byteswapped(storage, size) if swapped and size > 1 else storage

        def persistent_load(saved_id):
            dtype, key, location, count = _count(saved_id)
            if key not in loaded:
                size = dtype.itemsize
                loaded[key] = _place(read(key, count * size, size), location, map_location)
            return TypedStorage(wrap_storage=loaded[key], dtype=dtype, _internal=True)

        unpickler = _Unpickler(io.BytesIO(data))
        unpickler.persistent_load = persistent_load
        return unpickler.load()


class _Bounded:
    """A file whose reader cannot ask for more than is there."""

    def __init__(self, file) -> None:
        self.file = file
        self.readline = file.readline
        start = file.tell()
        self.end = file.seek(0, os.SEEK_END)
        file.seek(start)

    def read(self, count: int) -> bytes:
        if count > self.end - self.file.tell():
            raise RuntimeError("unexpected EOF. The file might be corrupted.")
        return self.file.read(count)


def _load_legacy(file, map_location):
    start = file.tell()
    if file.read(262)[257:] == b"ustar":
        raise RuntimeError("files saved in the legacy .tar format cannot be loaded: save them again with PyTorch")
    file.seek(start)
    if not file.read(1):
        raise EOFError("Ran out of input")
    file.seek(start)
    bounded = _Bounded(file)

    def read():
        return _Unpickler(bounded).load()

    if read() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version = read()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    read()  # the sizes of C types on the machine that wrote the file
    at = file.tell()
    found: dict[str, tuple] = {}

    # The data come after the pickle, so it is read twice: first to learn dtypes and lengths.
    def declare(saved_id):
        dtype, key, location, count = _count(saved_id)
        found[key] = (dtype, location, count)
        return TypedStorage(wrap_storage=_native.UntypedStorage(0), dtype=dtype, _internal=True)

    class Scout(_Unpickler):
        """Follows a pickle without building tensors."""

        def load_reduce(self):
            arguments = self.stack.pop()
            if getattr(self.stack[-1], "__name__", "").startswith("_rebuild"):
                self.stack[-1] = _native.empty(0)
            else:
                self.stack.append(arguments)
                super().load_reduce()

        dispatch = dict(_Unpickler.dispatch)
        dispatch[pickle.REDUCE[0]] = load_reduce

    scout = Scout(bounded)
    scout.persistent_load = declare
    scout.load()
    keys = read()
    loaded: dict[str, Any] = {}
    for key in keys:
        dtype, location, count = found[_text(key)]
        if struct.unpack("<q", bounded.read(8))[0] != count:
            raise RuntimeError("storage has wrong byte size: the file might be corrupted.")
        storage = _native._storage_from_buffer(bounded.read(count * dtype.itemsize))
        loaded[_text(key)] = _place(_little_endian(storage, dtype.itemsize), location, map_location)
    end = file.tell()

    def persistent_load(saved_id):
        dtype, key, _, _ = _count(saved_id)
        view = _storage_identity(saved_id)[4:5]
        if key not in loaded:
            raise RuntimeError(f"the file lacks storage {key}")
        storage = loaded[key]
        if view and view[0] is not None:
            _, offset, count = view[0]
            size = dtype.itemsize
            storage = storage[offset * size:(offset + count) * size]
        return TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)

    file.seek(at)
    unpickler = _Unpickler(bounded)
    unpickler.persistent_load = persistent_load
    result = unpickler.load()
    file.seek(end)
    return result


def _load_safetensors(path: str, map_location, mmap: bool):
    for kind, refused in (("dict", isinstance(map_location, dict)), ("callable", callable(map_location))):
        if refused:
            raise RuntimeError(
                f"Loading safetensors file with {kind} map_location is not supported. Use a device string or torch.device "
                "instead."
            )
    _place(None, "cpu", map_location)
    with open(path, "rb"):  # the usual errors
        pass
    return _native._load_safetensors(path, mmap)


def _explained(message: str) -> str:
    """An unpickling error in the words that say what can be done about it."""
    if re.search(r"GLOBAL (\S+) was not an allowed global by default.", message):
        return (
            "Weights only load failed. This file can still be loaded, to do so you have two options, "
            "\033[1mdo those steps only if you trust the source of the checkpoint\033[0m. "
            f"\n\t(1) {UNSAFE_MESSAGE}\n\t(2) Alternatively, to load with `weights_only=True` please check the recommended "
            f"steps in the following error message.\n\tWeightsUnpickler error: {message}{_DOCS_MESSAGE}"
        )
    text = f"Weights only load failed. {UNSAFE_MESSAGE}\n"
    if not re.search(r"whose module (\S+) is blocked", message):
        text += (
            "Please file an issue with the following so that we can make `weights_only=True` compatible with your use "
            "case: WeightsUnpickler error: "
        )
    return f"{text}\n\n{message}{_DOCS_MESSAGE}"


def _not_executed(message: str) -> str:
    name = re.search(r"GLOBAL (\S+)", message)
    name = name.group(1) if name else "what it names"
    return (
        f"weights_only=False is not supported, because loading never executes code from a file: {name} was refused; save a "
        f"state_dict instead, or call torch.serialization.add_safe_globals([{name}]) before loading if you trust it."
    )


#: what following a damaged pickle can give
_DAMAGED = (
    AssertionError, AttributeError, IndexError, KeyError, MemoryError, OverflowError, RecursionError, TypeError, ValueError,
    struct.error, zlib.error,
)


def load(
    f, map_location=None, pickle_module: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Loads what ``save`` (of this package or of PyTorch) has written.

    A file may hold tensors and plain data; what else it names is refused, unless
    ``add_safe_globals`` allows it.  ``weights_only=False`` loads the same files.
    With ``mmap`` the tensors are the file, read when they are used; what is written
    into them stays in this process."""
    if pickle_module is not None:
        if weights_only:
            raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
        raise RuntimeError(
            "pickle_module is not supported, because loading never executes code from a file: leave it out, and allow "
            "classes that you trust with torch.serialization.add_safe_globals."
        )
    if weights_only is not False and pickle_load_args:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    if _is_path(f) and os.fspath(f).endswith(".safetensors"):
        return _load_safetensors(os.fspath(f), map_location, bool(mmap))
    if not _is_path(f) and not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError(
            f"'{type(f).__name__}' object has no attribute 'seek'. You can only torch.load from a file that is seekable. "
            "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
        )
    if mmap and not _is_path(f):
        raise ValueError("f must be a file path in order to use the mmap argument")
    with _opened(f) as file:
        start = file.tell()
        is_zip = file.read(4) == b"PK\x03\x04"
        file.seek(start)
        if mmap and not is_zip:
            raise RuntimeError(
                f"mmap can only be used with files saved with `torch.save({os.fspath(f)}, "
                "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option in order to use "
                "mmap."
            )
        try:
            if is_zip:
                return _load_zip(file, map_location, f if mmap else None)
            return _load_legacy(file, map_location)
        except _UsersError as error:
            raise error.__cause__ from None
        except pickle.UnpicklingError as error:
            explain = _not_executed if weights_only is False else _explained
            raise pickle.UnpicklingError(explain(str(error))) from None
        except _DAMAGED as error:
            raise pickle.UnpicklingError(f"the file is damaged: {type(error).__name__}: {error}") from None


def from_file(
    filename: str, shared: bool | None = None, size: int | None = 0, *, out=None, dtype=None, layout=None, device=None,
    pin_memory: bool | None = None, requires_grad: bool | None = False,
):
    """A one-dimensional tensor of ``size`` elements over a file that is mapped into memory.

    With ``shared`` the file is made or lengthened as needed, and what is written to the tensor is written to the file;
    without, writes stay in memory and the file must be long enough.
    """
    dtype = dtype or _native.get_default_dtype()
    size = size or 0
    wanted = size * dtype.itemsize
    if wanted < 0:
        raise RuntimeError(f"unable to mmap {wanted} bytes from file <{filename}>: Cannot allocate memory (12)")
    flags, mode = (os.O_RDWR | os.O_CREAT, "read-write") if shared else (os.O_RDONLY, "read-only")
    try:
        descriptor = os.open(filename, flags | getattr(os, "O_BINARY", 0), 0o600)
    except OSError as error:
        raise RuntimeError(
            f"unable to open file <{filename}> in {mode} mode: {error.strerror} ({error.errno})"
        ) from None
    try:
        length = os.fstat(descriptor).st_size
        if length < wanted:
            if not shared:
                raise RuntimeError(
                    f"file <{filename}> size <{length}> is smaller than the required mapping size <{wanted}>"
                )
            os.ftruncate(descriptor, wanted)
        if wanted == 0:
            return _native.empty(0, dtype=dtype, requires_grad=bool(requires_grad))
        access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
        mapped = mmap.mmap(descriptor, wanted, access=access)
    finally:
        os.close(descriptor)
    return _native.frombuffer(mapped, dtype=dtype, count=size, requires_grad=bool(requires_grad))
