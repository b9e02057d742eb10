"""Protocol buffers, encoded: a message is ``bytes``, made of fields one after the other."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Union

_VARINT, _EIGHT, _LENGTHED, _FOUR = 0, 1, 2, 5


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative number is its two's complement
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(int(value))


def single(field: int, value: float) -> bytes:
    """A 32-bit float; what is beyond its range is infinite."""
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    return _varint(field << 3 | _FOUR) + packed


def double(field: int, value: float) -> bytes:
    return _varint(field << 3 | _EIGHT) + struct.pack("<d", value)


def doubles(field: int, values: Iterable[float]) -> bytes:
    values = list(values)
    return binary(field, struct.pack(f"<{len(values)}d", *values))


def binary(field: int, value: Union[bytes, str]) -> bytes:
    """Bytes, a text, or a message."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    return _varint(field << 3 | _LENGTHED) + _varint(len(value)) + value
