"""Zip archives of records, as PyTorch's files are: written aligned, read with distrust.

A record is a range of the file unless it is compressed, which PyTorch's never are.
What an archive claims is compared with what the file has before memory is taken.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib

ALIGNMENT = 64

#: what all compressed records of a file may unfold to: this much, and so many times the file
_INFLATED_BYTES = 64 << 20
_INFLATED_RATIO = 16

_BROKEN = "PytorchStreamReader failed reading zip archive: "


class ArchiveWriter:
    """A zip file of stored records whose data are aligned, so that they can be mapped into memory."""

    def __init__(self, file, name: str) -> None:
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self.name = name
        self.checksum = 0

    def write(self, record: str, data: bytes) -> None:
        info = zipfile.ZipInfo(f"{self.name}/{record}")
        # Zip64's field, which zipfile writes for records of more than 2 GiB, comes before ours.
        wide = 20 if len(data) * 1.05 > zipfile.ZIP64_LIMIT else 0
        start = self.zip.fp.tell() + zipfile.sizeFileHeader + len(info.filename.encode()) + wide + 4
        padding = -start % ALIGNMENT
        info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        self.zip.writestr(info, data)
        self.checksum = zlib.crc32(record.encode() + b"\0", zlib.crc32(data, self.checksum))

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, kind, *_) -> None:
        if kind is None:
            self.close()
        else:
            self.zip.close()

    def close(self) -> None:
        names = zlib.crc32("\n".join(self.zip.namelist()).encode())
        self.write(".data/serialization_id", f"{names:020d}{self.checksum:020d}".encode())
        self.zip.close()


class ArchiveReader:
    """The records in the folder that an archive consists of."""

    def __init__(self, file) -> None:
        try:
            self.zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError):
            raise RuntimeError(_BROKEN + "failed finding central directory") from None
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        self.names = set(self.zip.namelist())
        self.root = next(iter(self.zip.namelist()), "").split("/", 1)[0]
        self._inflated = 0
        self._taken: dict[int, str] = {}
        self._stored = 0

    def __contains__(self, record: str) -> bool:
        return f"{self.root}/{record}" in self.names

    def _info(self, record: str) -> zipfile.ZipInfo:
        if record not in self:
            raise RuntimeError(f"PytorchStreamReader failed locating file {record}: file not found")
        info = self.zip.getinfo(f"{self.root}/{record}")
        if info.flag_bits & 1:
            raise RuntimeError(f"{_BROKEN}record {record} is encrypted")
        if info.compress_type == zipfile.ZIP_STORED:
            if info.compress_size != info.file_size or info.file_size > self.size:
                raise RuntimeError(f"{_BROKEN}record {record} has a size that the file does not")
        return info

    def read(self, record: str, need: int = 0) -> bytes:
        """A record's bytes, of which there must be ``need`` at least; more are left out."""
        info = self._info(record)
        if info.file_size < need:
            raise RuntimeError(f"{_BROKEN}record {record} has {info.file_size} bytes where {need} are needed")
        if info.compress_type != zipfile.ZIP_STORED:
            self._inflated += info.file_size
            if self._inflated > _INFLATED_BYTES + _INFLATED_RATIO * self.size:
                raise RuntimeError(
                    f"{_BROKEN}record {record} and those before it unfold to {self._inflated} bytes, as those of a zip "
                    "bomb do; if you trust the file, unpack it and store it without compression (zip -0)"
                )
        else:
            self._take(info, record)
        if info.CRC == 0:
            info.CRC = None  # PyTorch can be told not to compute checksums
        try:
            data = self.zip.read(info)
        except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, OSError, EOFError, ValueError) as error:
            raise RuntimeError(f"{_BROKEN}record {record}: {error}") from None
        if len(data) != info.file_size:
            raise RuntimeError(f"{_BROKEN}record {record} ends too early")
        return data[:need] if need else data

    def offset(self, record: str, need: int) -> int:
        """Where in the file the bytes of a stored record begin; ``need`` of them are there."""
        info = self._info(record)
        if info.compress_type != zipfile.ZIP_STORED:
            raise RuntimeError(f"record {record} is compressed, and so cannot be mapped: load it without mmap=True")
        self.file.seek(info.header_offset)
        header = self.file.read(zipfile.sizeFileHeader)
        if len(header) != zipfile.sizeFileHeader or header[:4] != b"PK\x03\x04":
            raise RuntimeError(f"{_BROKEN}record {record} is not where the directory says")
        name, extra = struct.unpack_from("<HH", header, 26)
        start = info.header_offset + zipfile.sizeFileHeader + name + extra
        if info.file_size < need or start + need > self.size:
            raise RuntimeError(f"{_BROKEN}record {record} has fewer than the {need} bytes that are needed")
        return start

    def _take(self, info: zipfile.ZipInfo, record: str) -> None:
        """Records that share bytes would let a small file fill all memory."""
        first = self._taken.get(info.header_offset)
        if first == record:
            return
        self._taken[info.header_offset] = record
        self._stored += info.file_size
        if first is not None or self._stored > self.size:
            raise RuntimeError(f"{_BROKEN}record {record} shares bytes with another record")

    def close(self) -> None:
        self.zip.close()
