"""Checks of the arguments of transforms."""

from __future__ import annotations

import numbers
from collections.abc import Sequence


def setup_size(size, error_msg: str = "Please provide only two dimensions (h, w) for size."):
    """Height and width."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    if isinstance(size, Sequence) and len(size) == 1:
        return size[0], size[0]
    if len(size) != 2:
        raise ValueError(error_msg)
    return size


def check_sequence(x, name: str, sizes: tuple[int, ...]) -> None:
    """Whether ``x`` is a sequence of one of these lengths."""
    lengths = " or ".join(str(size) for size in sizes)
    if not isinstance(x, Sequence):
        raise TypeError(f"{name} should be a sequence of length {lengths}.")
    if len(x) not in sizes:
        raise ValueError(f"{name} should be a sequence of length {lengths}.")


def setup_angle(x, name: str, sizes: tuple[int, ...] = (2,)) -> list[float]:
    """A range of angles; one number is for both directions."""
    if isinstance(x, numbers.Number):
        if x < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        x = [-x, x]
    else:
        check_sequence(x, name, sizes)
    return [float(angle) for angle in x]


def listing(name: str, transforms, first: str = "") -> str:
    """What containers of transforms look like."""
    return "\n".join([f"{name}({first}", *(f"    {t}" for t in transforms), ")"])
