"""Transforms of PIL images. Pillow is imported when it is needed: without it there are no such images."""

from __future__ import annotations

import numbers
import sys


def is_pil_image(img) -> bool:
    image = sys.modules.get("PIL.Image")
    return image is not None and isinstance(img, image.Image)


def _check(img) -> None:
    if not is_pil_image(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")


def get_dimensions(img) -> list[int]:
    """Channels, height, width."""
    if not is_pil_image(img):
        raise TypeError(f"Unexpected type {type(img)}")
    return [len(img.getbands()), img.height, img.width]


def hflip(img):
    from PIL import Image

    _check(img)
    return img.transpose(Image.FLIP_LEFT_RIGHT)


def vflip(img):
    from PIL import Image

    _check(img)
    return img.transpose(Image.FLIP_TOP_BOTTOM)


def _enhanced(img, kind: str, factor: float):
    from PIL import ImageEnhance

    _check(img)
    return getattr(ImageEnhance, kind)(img).enhance(factor)


def adjust_brightness(img, brightness_factor: float):
    return _enhanced(img, "Brightness", brightness_factor)


def adjust_contrast(img, contrast_factor: float):
    return _enhanced(img, "Contrast", contrast_factor)


def adjust_saturation(img, saturation_factor: float):
    return _enhanced(img, "Color", saturation_factor)


def adjust_hue(img, hue_factor: float):
    from PIL import Image

    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    _check(img)
    if img.mode in {"L", "1", "I", "F"}:
        return img
    hue, saturation, value = img.convert("HSV").split()
    turn = int(hue_factor * 255)  # of 256, which wraps around
    hue = hue.point([(level + turn) % 256 for level in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert(img.mode)


def adjust_gamma(img, gamma: float, gain: float = 1.0):
    _check(img)
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    levels = [int((255 + 1 - 1e-3) * gain * pow(level / 255.0, gamma)) for level in range(256)]
    return img.convert("RGB").point(levels * 3).convert(img.mode)


def _fill(fill, img, name: str = "fillcolor") -> dict:
    """Pillow's keyword for a colour, one number for each band."""
    bands = len(img.getbands())
    if fill is None:
        fill = 0
    if isinstance(fill, (int, float)) and bands > 1:
        fill = (fill,) * bands
    if isinstance(fill, (list, tuple)):
        if len(fill) == 1:
            fill = tuple(fill) * bands
        elif len(fill) != bands:
            raise ValueError(
                f"The number of elements in 'fill' does not match the number of channels of the image ({len(fill)} != {bands})"
            )
    if img.mode != "F":
        fill = tuple(int(x) for x in fill) if isinstance(fill, (list, tuple)) else int(fill)
    return {name: fill}


def pad(img, padding, fill=0, padding_mode: str = "constant"):
    from PIL import Image, ImageOps

    _check(img)
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    padding = (padding,) if isinstance(padding, numbers.Number) else tuple(padding)
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    if padding_mode == "constant":
        padded = ImageOps.expand(img, border=padding[0] if len(padding) == 1 else padding, **_fill(fill, img, "fill"))
        if img.mode == "P":
            padded.putpalette(img.getpalette())
        return padded
    import numpy as np

    left, top, right, bottom = padding if len(padding) == 4 else (padding * 4)[:4]
    if min(left, top, right, bottom) < 0:
        img = img.crop((max(-left, 0), max(-top, 0), img.width - max(-right, 0), img.height - max(-bottom, 0)))
    pixels = np.asarray(img)
    sides = ((max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0))[:pixels.ndim]
    padded = Image.fromarray(np.pad(pixels, sides, mode=padding_mode))
    if img.mode == "P":
        padded.putpalette(img.getpalette())
    return padded


def crop(img, top: int, left: int, height: int, width: int):
    _check(img)
    return img.crop((left, top, left + width, top + height))


def resize(img, size: list[int], interpolation: int):
    _check(img)
    return img.resize(tuple(size[::-1]), interpolation)


def affine(img, matrix: list[float], interpolation: int = 0, fill=None):
    from PIL import Image

    _check(img)
    return img.transform(img.size, Image.AFFINE, matrix, interpolation, **_fill(fill, img))


def rotate(img, angle: float, interpolation: int = 0, expand: bool = False, center=None, fill=None):
    _check(img)
    return img.rotate(angle, interpolation, expand, center, **_fill(fill, img))


def rgb_to_grayscale(img, num_output_channels: int = 1):
    from PIL import Image

    _check(img)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    gray = img.convert("L")
    return gray if num_output_channels == 1 else Image.merge("RGB", (gray, gray, gray))


def invert(img):
    from PIL import ImageOps

    _check(img)
    return ImageOps.invert(img)
