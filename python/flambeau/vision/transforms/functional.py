"""Transforms as functions, of tensors ``(…, C, H, W)`` and of PIL images alike."""

from __future__ import annotations

import math
import numbers
import warnings

import flambeau as torch
from flambeau import Tensor

from . import _functional_pil as F_pil, _functional_tensor as F_t
from ._interpolation import PILLOW, InterpolationMode, interpolation_mode

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
    "affine", "center_crop", "convert_image_dtype", "crop", "erase", "five_crop", "gaussian_blur", "get_dimensions",
    "get_image_num_channels", "get_image_size", "hflip", "invert", "normalize", "pad", "pil_to_tensor", "resize",
    "resized_crop", "rgb_to_grayscale", "rotate", "ten_crop", "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]


def _of(img):
    """The functions for images of this kind."""
    return F_t if isinstance(img, Tensor) else F_pil


def _check_tensor(img, message: str) -> None:
    if not isinstance(img, Tensor):
        raise TypeError(message)


def get_dimensions(img) -> list[int]:
    """Channels, height, width."""
    return _of(img).get_dimensions(img)


def get_image_size(img) -> list[int]:
    """Width, height."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img) -> int:
    """Channels."""
    return get_dimensions(img)[0]


def _pixels(pic) -> Tensor:
    """A PIL image's numbers ``(C, H, W)``, a copy of them."""
    channels, height, width = F_pil.get_dimensions(pic)
    if pic.mode == "1":
        return torch.tensor(list(pic.convert("L").tobytes()), dtype=torch.uint8).view(1, height, width)
    if pic.mode in ("I", "F", "I;16"):
        import numpy as np

        dtype = {"I": np.int32, "F": np.float32, "I;16": np.int16}[pic.mode]
        return torch.from_numpy(np.array(pic, dtype, copy=True)).view(1, height, width)
    flat = torch.frombuffer(bytearray(pic.tobytes()), dtype=torch.uint8)
    return flat.view(height, width, channels).permute(2, 0, 1)


def to_tensor(pic) -> Tensor:
    """A PIL image or an array ``(H, W, C)`` as a tensor ``(C, H, W)``; bytes become numbers from 0 to 1."""
    if F_pil.is_pil_image(pic):
        img = _pixels(pic).contiguous()
    else:
        if type(pic).__name__ != "ndarray":
            raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        img = torch.from_numpy(pic[:, :, None] if pic.ndim == 2 else pic).permute(2, 0, 1).contiguous()
    return img.to(dtype=torch.get_default_dtype()).div(255) if img.dtype == torch.uint8 else img


def pil_to_tensor(pic) -> Tensor:
    """A PIL image as a tensor ``(C, H, W)`` of the same numbers."""
    if not F_pil.is_pil_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return _pixels(pic).to(torch.bool) if pic.mode == "1" else _pixels(pic)


def to_pil_image(pic, mode: str | None = None):
    """A tensor ``(C, H, W)`` or an array ``(H, W, C)`` as a PIL image; numbers from 0 to 1 become bytes."""
    import numpy as np
    from PIL import Image

    if isinstance(pic, Tensor):
        pic = (pic.permute(1, 2, 0) if pic.ndim == 3 else pic).detach().numpy()
    elif not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    pic = pic[:, :, None] if pic.ndim == 2 else pic
    if pic.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    channels = pic.shape[2]
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if np.issubdtype(pic.dtype, np.floating) and mode != "F":
        pic = (pic * 255).astype(np.uint8)
    if channels == 1:
        expected = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}.get(pic.dtype.name)
        if mode is not None and mode != expected:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {np.dtype}. Should be {expected}")
        pic, mode = pic[:, :, 0], expected
    else:
        permitted = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}[channels]
        if mode is not None and mode not in permitted:
            raise ValueError(f"Only modes {permitted} are supported for {channels}D inputs")
        if mode is None and pic.dtype == np.uint8:
            mode = permitted[0]
    if mode is None:
        raise TypeError(f"Input type {pic.dtype} is not supported")
    size, pixels = (pic.shape[1], pic.shape[0]), np.ascontiguousarray(pic)
    return Image.frombytes(mode, size, pixels.tobytes())


def convert_image_dtype(image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """An image of another dtype, its numbers scaled so that white stays white."""
    _check_tensor(image, "Input img should be Tensor Image")
    return F_t.convert_image_dtype(image, dtype)


def normalize(tensor: Tensor, mean: list[float], std: list[float], inplace: bool = False) -> Tensor:
    """``(tensor - mean) / std``, with a mean and a deviation for each channel."""
    _check_tensor(tensor, f"img should be Tensor Image. Got {type(tensor)}")
    return F_t.normalize(tensor, mean, std, inplace)


def _resized(height: int, width: int, size: list[int], max_size: int | None) -> list[int]:
    """Height and width after a resize to ``size``; one number is for the shorter side."""
    if len(size) == 2:
        return list(size)
    short, long = min(height, width), max(height, width)
    new_short, new_long = size[0], int(size[0] * long / short)
    if max_size is not None:
        if max_size <= size[0]:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return [new_long, new_short] if width <= height else [new_short, new_long]


def resize(
    img, size: int | list[int], interpolation=InterpolationMode.BILINEAR, max_size: int | None = None,
    antialias: bool | None = True,
):
    """An image of another size; one number is for the shorter side, and keeps the proportions."""
    interpolation = interpolation_mode(interpolation)
    if isinstance(size, (list, tuple)):
        if len(size) not in (1, 2):
            raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list")
        if max_size is not None and len(size) != 1:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
    _, height, width = get_dimensions(img)
    target = _resized(height, width, [size] if isinstance(size, int) else list(size), max_size)
    if target == [height, width]:
        return img
    if isinstance(img, Tensor):
        return F_t.resize(img, target, interpolation.value, antialias)
    if antialias is False:
        warnings.warn("Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.")
    return F_pil.resize(img, target, PILLOW[interpolation])


def pad(img, padding, fill=0, padding_mode: str = "constant"):
    """An image with a border; ``padding`` is for all sides, for left/right and top/bottom, or for left, top, right and
    bottom.
    """
    return _of(img).pad(img, padding, fill, padding_mode)


def crop(img, top: int, left: int, height: int, width: int):
    """A part of an image, with zeros where it reaches beyond it."""
    return _of(img).crop(img, top, left, height, width)


def _pair(size) -> tuple[int, int]:
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    return (size[0], size[0]) if len(size) == 1 else tuple(size)


def center_crop(img, output_size):
    """The middle of an image, with zeros around it if it is smaller."""
    crop_height, crop_width = _pair(output_size)
    _, height, width = get_dimensions(img)
    missing_height, missing_width = max(crop_height - height, 0), max(crop_width - width, 0)
    if missing_height or missing_width:
        img = pad(img, [missing_width // 2, missing_height // 2, (missing_width + 1) // 2, (missing_height + 1) // 2])
        height, width = height + missing_height, width + missing_width
        if (height, width) == (crop_height, crop_width):
            return img
    top, left = int(round((height - crop_height) / 2.0)), int(round((width - crop_width) / 2.0))
    return crop(img, top, left, crop_height, crop_width)


def resized_crop(
    img, top: int, left: int, height: int, width: int, size, interpolation=InterpolationMode.BILINEAR,
    antialias: bool | None = True,
):
    """``crop``, then ``resize``."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img):
    """Left and right exchanged."""
    return _of(img).hflip(img)


def vflip(img):
    """Top and bottom exchanged."""
    return _of(img).vflip(img)


def five_crop(img, size) -> tuple:
    """The four corners and the middle."""
    height, width = _pair(size)
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        raise ValueError(f"Requested crop size {(height, width)} is bigger than input size {(h, w)}")
    corners = ((0, 0), (0, w - width), (h - height, 0), (h - height, w - width))
    return (*(crop(img, top, left, height, width) for top, left in corners), center_crop(img, [height, width]))


def ten_crop(img, size, vertical_flip: bool = False) -> tuple:
    """``five_crop`` of an image and of its mirror image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def adjust_brightness(img, brightness_factor: float):
    """0 gives black, 1 the image, 2 twice its brightness."""
    return _of(img).adjust_brightness(img, brightness_factor)


def adjust_contrast(img, contrast_factor: float):
    """0 gives grey, 1 the image, 2 twice its contrast."""
    return _of(img).adjust_contrast(img, contrast_factor)


def adjust_saturation(img, saturation_factor: float):
    """0 gives a grey image, 1 the image, 2 twice its saturation."""
    return _of(img).adjust_saturation(img, saturation_factor)


def adjust_hue(img, hue_factor: float):
    """Turns all hues, by half of the circle at most."""
    return _of(img).adjust_hue(img, hue_factor)


def adjust_gamma(img, gamma: float, gain: float = 1):
    """``gain * img ** gamma``, for numbers from 0 to 1."""
    return _of(img).adjust_gamma(img, gamma, gain)


def invert(img):
    """The negative."""
    return _of(img).invert(img)


def rgb_to_grayscale(img, num_output_channels: int = 1):
    """The luminance, in one channel or in three."""
    return _of(img).rgb_to_grayscale(img, num_output_channels)


def to_grayscale(img, num_output_channels: int = 1):
    """As ``rgb_to_grayscale``, for PIL images."""
    if not F_pil.is_pil_image(img):
        raise TypeError("Input should be PIL Image")
    return F_pil.rgb_to_grayscale(img, num_output_channels)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    """``v`` in a rectangle of the image."""
    _check_tensor(img, f"img should be Tensor Image. Got {type(img)}")
    return F_t.erase(img, i, j, h, w, v, inplace)


def _inverse_matrix(center, angle: float, translate, scale: float, shear) -> list[float]:
    """Where each pixel of the result comes from: the inverse of the shear, the rotation by ``angle`` and the scaling about
    ``center``, and the shift, row by row.
    """
    rotation, (shear_x, shear_y) = math.radians(angle), (math.radians(s) for s in shear)
    a = math.cos(rotation - shear_y) / math.cos(shear_y)
    b = -a * math.tan(shear_x) - math.sin(rotation)
    c = math.sin(rotation - shear_y) / math.cos(shear_y)
    d = -c * math.tan(shear_x) + math.cos(rotation)
    rows = [[d / scale, -b / scale], [-c / scale, a / scale]]
    dx, dy = (-m - t for m, t in zip(center, translate))
    return [number for (x, y), m in zip(rows, center) for number in (x, y, x * dx + y * dy + m)]


def _from_middle(img, center) -> list[float]:
    """A centre in pixels from the middle of the image."""
    if center is None:
        return [0.0, 0.0]
    _, height, width = get_dimensions(img)
    return [1.0 * (c - s * 0.5) for c, s in zip(center, (width, height))]


def rotate(
    img, angle: float, interpolation=InterpolationMode.NEAREST, expand: bool = False, center=None, fill=None
):
    """Turns an image counter-clockwise by so many degrees; ``expand`` makes room for the corners."""
    interpolation = interpolation_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    if not isinstance(img, Tensor):
        return F_pil.rotate(img, angle, PILLOW[interpolation], expand, center, fill)
    matrix = _inverse_matrix(_from_middle(img, center), -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    return F_t.rotate(img, matrix, interpolation.value, expand, fill)


def affine(
    img, angle: float, translate, scale: float, shear, interpolation=InterpolationMode.NEAREST, fill=None, center=None
):
    """Turns clockwise by so many degrees, shears, scales and shifts, about the middle or ``center``."""
    interpolation = interpolation_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shear = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear) * (2 if len(shear) == 1 else 1)
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    if not isinstance(img, Tensor):
        _, height, width = get_dimensions(img)
        center = [width * 0.5, height * 0.5] if center is None else center
        matrix = _inverse_matrix(center, angle, translate, scale, shear)
        return F_pil.affine(img, matrix, PILLOW[interpolation], fill)
    matrix = _inverse_matrix(_from_middle(img, center), angle, translate, scale, shear)
    return F_t.affine(img, matrix, interpolation.value, fill)


def gaussian_blur(img, kernel_size, sigma=None):
    """Weights the neighbourhood of each pixel by a normal distribution."""
    if not isinstance(kernel_size, (int, list, tuple)):
        raise TypeError(f"kernel_size should be int or a sequence of integers. Got {type(kernel_size)}")
    kernel_size = [kernel_size, kernel_size] if isinstance(kernel_size, int) else list(kernel_size)
    if len(kernel_size) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(kernel_size)}")
    if any(size % 2 == 0 or size < 0 for size in kernel_size):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    if sigma is None:
        sigma = [size * 0.15 + 0.35 for size in kernel_size]
    if not isinstance(sigma, (int, float, list, tuple)):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    sigma = [float(sigma)] if isinstance(sigma, (int, float)) else list(sigma)
    sigma = sigma * 2 if len(sigma) == 1 else sigma
    if len(sigma) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigma)}")
    if any(s <= 0.0 for s in sigma):
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    if isinstance(img, Tensor):
        return F_t.gaussian_blur(img, kernel_size, sigma)
    if not F_pil.is_pil_image(img):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    return to_pil_image(F_t.gaussian_blur(pil_to_tensor(img), kernel_size, sigma), mode=img.mode)
