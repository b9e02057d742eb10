"""Files of tensors and of anything else that pickles, in PyTorch's formats.

``save`` writes PyTorch's zip archive, with PyTorch's names for everything of this
package, so that PyTorch reads it; ``load`` reads archives and the older format of
consecutive pickles.  By default only tensors and plain data are loaded: a pickle
could otherwise run any code.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
import re
import struct
import sys
import warnings
import zipfile
import zlib
from typing import Any

from flambeau import _native
from flambeau._pickling import (
    _free_unpickler, _Pickler, _storage_type, _StorageType, _Unpickler, add_safe_globals, clear_safe_globals,
    get_safe_globals, safe_globals,
)
from flambeau.storage import TypedStorage

__all__ = [
    "SourceChangeWarning", "add_safe_globals", "clear_safe_globals", "from_file", "get_safe_globals", "load",
    "safe_globals", "save",
]

DEFAULT_PROTOCOL = 2
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
_ALIGNMENT = 64

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


class _ArchiveWriter:
    """A zip file of stored records whose data are aligned, so that they can be mapped into memory."""

    def __init__(self, file, name: str) -> None:
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self.name = name
        self.checksum = 0

    def write(self, record: str, data: bytes) -> None:
        info = zipfile.ZipInfo(f"{self.name}/{record}")
        start = self.zip.fp.tell() + zipfile.sizeFileHeader + len(info.filename.encode()) + 4
        padding = -start % _ALIGNMENT
        info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        self.zip.writestr(info, data)
        self.checksum = zlib.crc32(record.encode() + b"\0", zlib.crc32(data, self.checksum))

    def close(self) -> None:
        names = zlib.crc32("\n".join(self.zip.namelist()).encode())
        self.write(".data/serialization_id", f"{names:020d}{self.checksum:020d}".encode())
        self.zip.close()


def _is_path(f) -> bool:
    return isinstance(f, (str, os.PathLike))


@contextlib.contextmanager
def _opened(f, mode: str):
    if _is_path(f):
        with open(f, mode) as file:
            yield file
    else:
        yield f
        if "w" in mode and hasattr(f, "flush"):
            f.flush()


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
    with _opened(f, "wb") as file:
        if not _use_new_zipfile_serialization:
            _write_legacy(file, buffer.getvalue(), pickler.storages, pickle_protocol)
            return
        name = os.path.splitext(os.path.basename(os.fspath(f)))[0] if _is_path(f) else "archive"
        writer = _ArchiveWriter(file, name or "archive")
        writer.write("data.pkl", buffer.getvalue())
        writer.write(".format_version", b"1")
        writer.write(".storage_alignment", str(_ALIGNMENT).encode())
        if not _disable_byteorder_record:
            writer.write("byteorder", sys.byteorder.encode())
        for key, storage in pickler.storages.items():
            writer.write(f"data/{key}", _native._storage_to_bytes(storage))
        writer.write("version", b"3\n")
        writer.close()


def _write_legacy(file, data: bytes, storages, protocol: int) -> None:
    system = {
        "protocol_version": PROTOCOL_VERSION, "little_endian": sys.byteorder == "little",
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    for part in (MAGIC_NUMBER, PROTOCOL_VERSION, system):
        pickle.dump(part, file, protocol=protocol)
    file.write(data)
    pickle.dump(sorted(storages), file, protocol=protocol)
    for key in sorted(storages):
        content = _native._storage_to_bytes(storages[key])
        sizes = _element_sizes(data)
        file.write(struct.pack("<q", len(content) // sizes.get(key, 1)))
        file.write(content)


def _element_sizes(data: bytes) -> dict[str, int]:
    """The element size of each storage of a legacy file, whose lengths count elements."""
    sizes: dict[str, int] = {}

    class Reader(_Unpickler):
        def persistent_load(self, pid):
            sizes[pid[2]] = pid[1].dtype.itemsize if isinstance(pid[1], _StorageType) else 1
            return TypedStorage(0, dtype=_native.uint8, _internal=True)

        def find_class(self, module, name):
            found = _storage_type(module, name)
            return found if found is not None else lambda *args: None

    with contextlib.suppress(Exception):
        Reader(io.BytesIO(data)).load()
    return sizes


# --- reading ------------------------------------------------------------------------------------


def _location(location: str, map_location) -> str:
    """Where a storage saved at ``location`` shall go, by a map that is no function."""
    if isinstance(map_location, dict):
        return str(map_location.get(location, location))
    return location if map_location is None else str(map_location)


def _place(storage, location: str, map_location):
    """Puts a storage, read into memory, where it belongs."""
    if callable(map_location) and not isinstance(map_location, (str, dict)):
        placed = map_location(storage, location)
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


def _load_zip(file, make_unpickler, map_location):
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        root = names[0].split("/", 1)[0]

        def record(name: str) -> bytes:
            return archive.read(f"{root}/{name}")

        if f"{root}/constants.pkl" in names:
            raise RuntimeError("TorchScript archives hold programs, not data, and cannot be loaded")
        if f"{root}/data.pkl" not in names:
            raise RuntimeError("PytorchStreamReader failed locating file data.pkl: file not found")
        if f"{root}/byteorder" in names and record("byteorder").decode() != sys.byteorder:
            raise RuntimeError("the archive was written on a machine of the other byte order")
        loaded: dict[str, Any] = {}

        def persistent_load(saved_id):
            storage_type, key, location, count = _storage_identity(saved_id)[:4]
            key = _text(key)
            if key not in loaded:
                storage = _native._storage_from_buffer(record(f"data/{key}"))
                loaded[key] = _place(storage, _text(location), map_location)
            return TypedStorage(wrap_storage=loaded[key], dtype=storage_type.dtype, _internal=True)

        unpickler = make_unpickler(io.BytesIO(record("data.pkl")))
        unpickler.persistent_load = persistent_load
        return unpickler.load()


def _load_legacy(file, make_unpickler, map_location):
    start = file.tell()
    with contextlib.suppress(ValueError, AttributeError):
        if file.read(262)[257:] == b"ustar":
            raise RuntimeError("files saved in the legacy .tar format cannot be loaded")
    file.seek(start)

    def read():
        return make_unpickler(file).load()

    if read() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version = read()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    read()  # the sizes of C types on the machine that wrote the file
    loaded: dict[str, Any] = {}
    views: dict[str, tuple] = {}

    # The data come after the pickle, so it is read twice: first to learn dtypes and lengths.
    def declare(saved_id):
        storage_type, key, location, count, view = _storage_identity(saved_id)
        key = _text(key)
        if key not in loaded:
            storage = _native.empty(count * storage_type.dtype.itemsize, dtype=_native.uint8).untyped_storage()
            loaded[key] = (storage, storage_type.dtype)
            views[key] = (_text(location), count)
        if view is not None:
            raise RuntimeError("storages that are views of other storages cannot be loaded")
        placed = _place(loaded[key][0], _text(location), map_location)
        return TypedStorage(wrap_storage=placed, dtype=storage_type.dtype, _internal=True)

    unpickler = make_unpickler(file)
    unpickler.persistent_load = declare
    result = unpickler.load()
    for key in read():
        storage, dtype = loaded[key]
        (count,) = struct.unpack("<q", file.read(8))
        content = file.read(count * dtype.itemsize)
        if len(content) != storage.nbytes():
            raise RuntimeError("unexpected EOF. The file might be corrupted.")
        target = _native.empty((0,), dtype=_native.uint8).set_(storage, 0, (len(content),), (1,))
        if content:
            source = _native._storage_from_buffer(content)
            target.copy_(_native.empty((0,), dtype=_native.uint8).set_(source, 0, (len(content),), (1,)))
    return result


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


def load(
    f, map_location=None, pickle_module: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Loads what ``save`` (of this package or of PyTorch) has written.

    With ``weights_only`` (the default) a file may hold tensors and plain data only;
    without it, loading can run any code, so trust the file's source."""
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only:
        if pickle_module is not None:
            raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
        if pickle_load_args:
            warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    if mmap and not _is_path(f):
        raise ValueError("f must be a file path in order to use the mmap argument")
    pickle_load_args.setdefault("encoding", "utf-8")
    if weights_only:
        make_unpickler = _Unpickler
    else:
        kind = _free_unpickler(pickle_module or pickle)

        def make_unpickler(file):
            return kind(file, **pickle_load_args)

    if not _is_path(f) and not (hasattr(f, "read") and hasattr(f, "seek")):
        raise AttributeError(
            f"'{type(f).__name__}' object has no attribute 'seek'. You can only torch.load from a file that is seekable. "
            "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
        )
    with _opened(f, "rb") as file:
        start = file.tell()
        is_zip = file.read(4) == b"PK\x03\x04"
        file.seek(start)
        read = _load_zip if is_zip else _load_legacy
        try:
            return read(file, make_unpickler, map_location)
        except pickle.UnpicklingError as error:
            if weights_only:
                raise pickle.UnpicklingError(_explained(str(error))) from None
            raise
        except zipfile.BadZipFile:
            raise RuntimeError(
                "PytorchStreamReader failed reading zip archive: failed finding central directory"
            ) from None


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
