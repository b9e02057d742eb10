"""Files of published sets: checked, fetched, unpacked."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable

__all__ = [
    "calculate_md5", "check_integrity", "check_md5", "download_and_extract_archive", "download_url", "extract_archive",
    "list_dir", "list_files", "verify_str_arg",
]

#: seconds without an answer after which a server counts as out of reach
_TIMEOUT = 30
_CHUNK = 1 << 20


def calculate_md5(fpath, chunk_size: int = _CHUNK) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            md5.update(chunk)
    return md5.hexdigest()


def check_md5(fpath, md5: str, **kwargs) -> bool:
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath, md5: str | None = None) -> bool:
    """Whether the file is there, and has this checksum if one is given."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


def _written_whole(path: str, source) -> None:
    """Copies a stream under a temporary name, which becomes ``path`` when everything has arrived."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".flambeau-")
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def download_url(url: str, root, filename: str | None = None, md5: str | None = None, max_redirect_hops: int = 3) -> None:
    """Fetches a file into ``root``, unless it is there already."""
    root = os.path.expanduser(root)
    path = os.path.join(root, filename or os.path.basename(url))
    os.makedirs(root, exist_ok=True)
    if check_integrity(path, md5):
        return
    request = urllib.request.Request(url, headers={"User-Agent": "flambeau/vision"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
        print(f"Downloading {url} to {path}")
        _written_whole(path, response)
    if not check_integrity(path, md5):
        raise RuntimeError("File not found or corrupted.")


def extract_archive(from_path, to_path=None, remove_finished: bool = False) -> str:
    """Unpacks an archive into a folder, or one packed file beside itself; tells where."""
    from_path = os.fspath(from_path)
    to_path = os.path.dirname(from_path) if to_path is None else os.fspath(to_path)
    stem, ending = os.path.splitext(os.path.basename(from_path))
    if ending == ".tgz" or stem.endswith(".tar"):
        with tarfile.open(from_path) as archive:
            # Refuses members that would land outside the folder. Old patch releases of Python have no such filter.
            if not hasattr(tarfile, "data_filter"):
                raise RuntimeError(f"unpack {from_path} into {to_path} by hand: this Python's tarfile cannot do it safely")
            archive.extractall(to_path, filter="data")
        target = to_path
    elif ending == ".zip":
        with zipfile.ZipFile(from_path) as archive:
            archive.extractall(to_path)
        target = to_path
    elif ending in (".gz", ".xz"):
        target = os.path.join(to_path, stem) if os.path.isdir(to_path) else to_path
        with (gzip.open if ending == ".gz" else lzma.open)(from_path, "rb") as packed:
            _written_whole(target, packed)
    else:
        raise RuntimeError(f"Unknown compression or archive type: '{ending}'.\nKnown are .tar.*, .tgz, .zip, .gz and .xz.")
    if remove_finished:
        os.remove(from_path)
    return target


def download_and_extract_archive(
    url: str, download_root, extract_root=None, filename: str | None = None, md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """``download_url``, then ``extract_archive``."""
    download_root = os.path.expanduser(download_root)
    filename = filename or os.path.basename(url)
    download_url(url, download_root, filename, md5)
    extract_archive(os.path.join(download_root, filename), extract_root or download_root, remove_finished)


def list_dir(root, prefix: bool = False) -> list[str]:
    """The folders in a folder."""
    root = os.path.expanduser(root)
    names = [name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name))]
    return [os.path.join(root, name) for name in names] if prefix else names


def list_files(root, suffix, prefix: bool = False) -> list[str]:
    """The files in a folder whose names end like this."""
    root = os.path.expanduser(root)
    names = [n for n in os.listdir(root) if os.path.isfile(os.path.join(root, n)) and n.endswith(suffix)]
    return [os.path.join(root, name) for name in names] if prefix else names


def verify_str_arg(
    value, arg: str | None = None, valid_values: Iterable[str] | None = None, custom_msg: str | None = None
) -> str:
    """The value, if it is one of these strings."""
    if not isinstance(value, str):
        argument = "" if arg is None else f" for argument {arg}"
        raise ValueError(f"Expected type str{argument}, but got type {type(value)}.")
    if valid_values is not None and value not in valid_values:
        known = "'" + "', '".join(str(item) for item in valid_values) + "'"
        raise ValueError(custom_msg or f"Unknown value '{value}' for argument {arg}. Valid values are {{{known}}}.")
    return value
