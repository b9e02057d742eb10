"""How pixels between pixels are made."""

from __future__ import annotations

import enum

__all__ = ["InterpolationMode"]


class InterpolationMode(enum.Enum):
    """Names of interpolations; the last three are for PIL images only."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


#: Pillow's numbers
PILLOW = {
    InterpolationMode.NEAREST: 0, InterpolationMode.LANCZOS: 1, InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3, InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5,
    InterpolationMode.NEAREST_EXACT: 0,
}


def interpolation_mode(interpolation) -> InterpolationMode:
    """The mode that is meant by a mode or by Pillow's number."""
    if isinstance(interpolation, int):
        return next(mode for mode, number in PILLOW.items() if number == interpolation)
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError("Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant")
    return interpolation
