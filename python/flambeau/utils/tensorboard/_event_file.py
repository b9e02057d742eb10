"""The file: TFRecords, each with its length and masked checksums (CRC-32C)."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import threading
import time
from typing import Optional

from . import _message as message


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _table()
_NUMBERS = itertools.count()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _checksum(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(record: bytes) -> bytes:
    """A record as it stands in a file."""
    length = struct.pack("<Q", len(record))
    return length + _checksum(length) + record + _checksum(record)


class EventFile:
    """A file that only grows.  Every event is with the system when :meth:`write` returns, so that a program that is
    killed leaves what it wrote."""

    def __init__(self, folder: str, suffix: str = "") -> None:
        os.makedirs(folder, exist_ok=True)
        name = (
            f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_NUMBERS)}{suffix}"
        )
        self.path = os.path.join(folder, name)
        self._file = open(self.path, "ab", buffering=0)
        self._lock = threading.Lock()
        self.write(message.binary(3, "brain.Event:2"))

    def write(self, content: bytes, step: Optional[int] = None, walltime: Optional[float] = None) -> None:
        """Adds an event with its content: fields other than its time and its step."""
        event = message.double(1, time.time() if walltime is None else float(walltime))
        if step is not None:
            event += message.integer(2, int(step))
        record = framed(event + content)
        with self._lock:
            self._file.write(record)

    def flush(self) -> None:
        """Brings what was written to the disk."""
        with self._lock:
            if not self._file.closed:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        with self._lock:
            self._file.close()
