"""Transforms of tensors ``(…, C, H, W)``."""

from __future__ import annotations

import flambeau as torch
from flambeau import Tensor
from flambeau.nn import functional as F


def _check_image(img: Tensor) -> None:
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")


def _check_channels(img: Tensor, permitted: list[int]) -> None:
    channels = get_dimensions(img)[0]
    if channels not in permitted:
        raise TypeError(f"Input image tensor permitted channel values are {permitted}, but found {channels}")


def get_dimensions(img: Tensor) -> list[int]:
    """Channels, height, width."""
    _check_image(img)
    return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]


def _max_value(dtype: torch.dtype) -> int:
    """What is white."""
    return 1 if dtype.is_floating_point or dtype == torch.bool else torch.iinfo(dtype).max


def convert_image_dtype(image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    if image.dtype == dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        # These floats have not enough digits for these integers.
        if (image.dtype == torch.float32 and dtype in (torch.int32, torch.int64)) or (
            image.dtype == torch.float64 and dtype == torch.int64
        ):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return image.mul(_max_value(dtype) + 1.0 - 1e-3).to(dtype)
    white = _max_value(image.dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / float(white)
    target = _max_value(dtype)
    if white > target:
        return torch.div(image, (white + 1) // (target + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((target + 1) // (white + 1))


def vflip(img: Tensor) -> Tensor:
    _check_image(img)
    return img.flip(-2)


def hflip(img: Tensor) -> Tensor:
    _check_image(img)
    return img.flip(-1)


def crop(img: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    _, h, w = get_dimensions(img)
    right, bottom = left + width, top + height
    inside = img[..., max(top, 0):max(bottom, 0), max(left, 0):max(right, 0)]
    if left < 0 or top < 0 or right > w or bottom > h:
        sides = [
            max(min(0, right) - left, 0), max(min(0, bottom) - top, 0), max(right - max(w, left), 0),
            max(bottom - max(h, top), 0),
        ]
        return pad(inside, sides, fill=0)
    return inside


def rgb_to_grayscale(img: Tensor, num_output_channels: int = 1) -> Tensor:
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")
    _check_channels(img, [1, 3])
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if img.shape[-3] == 3:
        r, g, b = img.unbind(dim=-3)
        gray = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(dim=-3)
    else:
        gray = img.clone()
    return gray.expand(img.shape) if num_output_channels == 3 else gray


def _blend(img: Tensor, other: Tensor, ratio: float) -> Tensor:
    ratio = float(ratio)
    return (ratio * img + (1.0 - ratio) * other).clamp(0, _max_value(img.dtype)).to(img.dtype)


def _float(img: Tensor) -> torch.dtype:
    return img.dtype if img.is_floating_point() else torch.float32


def _check_factor(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def adjust_brightness(img: Tensor, brightness_factor: float) -> Tensor:
    _check_factor("brightness_factor", brightness_factor)
    _check_channels(img, [1, 3])
    return _blend(img, torch.zeros_like(img), brightness_factor)


def adjust_contrast(img: Tensor, contrast_factor: float) -> Tensor:
    _check_factor("contrast_factor", contrast_factor)
    _check_channels(img, [3, 1])
    gray = rgb_to_grayscale(img) if get_dimensions(img)[0] == 3 else img
    return _blend(img, gray.to(_float(img)).mean(dim=(-3, -2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img: Tensor, saturation_factor: float) -> Tensor:
    _check_factor("saturation_factor", saturation_factor)
    _check_channels(img, [1, 3])
    return img if get_dimensions(img)[0] == 1 else _blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Tensor, hue_factor: float) -> Tensor:
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    _check_channels(img, [1, 3])
    if get_dimensions(img)[0] == 1:
        return img
    h, s, v = _rgb_to_hsv(convert_image_dtype(img, torch.float32))
    return convert_image_dtype(_hsv_to_rgb((h + hue_factor) % 1.0, s, v), img.dtype)


def _rgb_to_hsv(img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r, g, b = img.unbind(dim=-3)
    high, low = img.max(dim=-3).values, img.min(dim=-3).values
    gray = high == low
    one = torch.ones_like(high)
    chroma = torch.where(gray, one, high - low)
    rc, gc, bc = (high - r) / chroma, (high - g) / chroma, (high - b) / chroma
    red = (high == r) * (bc - gc)
    green = ((high == g) & (high != r)) * (2.0 + rc - bc)
    blue = ((high != g) & (high != r)) * (4.0 + gc - rc)
    hue = torch.fmod((red + green + blue) / 6.0 + 1.0, 1.0)
    return hue, (high - low) / torch.where(gray, one, high), high


def _hsv_to_rgb(h: Tensor, s: Tensor, v: Tensor) -> Tensor:
    sector = torch.floor(h * 6.0)
    f = h * 6.0 - sector
    p = torch.clamp(v * (1.0 - s), 0.0, 1.0)
    q = torch.clamp(v * (1.0 - s * f), 0.0, 1.0)
    t = torch.clamp(v * (1.0 - s * (1.0 - f)), 0.0, 1.0)
    # Red, green and blue in each of the six sectors; exactly one sector is chosen for each pixel.
    index = (sector.to(torch.int64) % 6).unsqueeze(-3)
    channels = ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q))
    return torch.cat([torch.stack(sectors, dim=-3).gather(-3, index) for sectors in channels], dim=-3)


def adjust_gamma(img: Tensor, gamma: float, gain: float = 1) -> Tensor:
    _check_channels(img, [1, 3])
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    result = img if img.is_floating_point() else convert_image_dtype(img, torch.float32)
    return convert_image_dtype((gain * result.pow(gamma)).clamp(0, 1), img.dtype)


def _sides(padding: int | list[int]) -> list[int]:
    """Left, right, top, bottom."""
    padding = [padding] if isinstance(padding, int) else list(padding)
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    left, top, right, bottom = padding if len(padding) == 4 else (padding * 4)[:4]
    return [left, right, top, bottom]


def pad(img: Tensor, padding: int | list[int], fill: float | None = 0, padding_mode: str = "constant") -> Tensor:
    _check_image(img)
    fill = 0 if fill is None else fill
    if not isinstance(padding, (int, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if not isinstance(fill, (int, float)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    sides = _sides(padding)
    if padding_mode == "symmetric":
        return _pad_symmetric(img, sides)
    batch = img if img.ndim >= 4 else img.unsqueeze(0)
    if padding_mode == "constant":
        padded = F.pad(batch, sides, value=float(fill))
    else:
        mode = "replicate" if padding_mode == "edge" else padding_mode
        exact = batch if img.dtype in (torch.float32, torch.float64) else batch.to(torch.float32)
        padded = F.pad(exact, sides, mode=mode).to(img.dtype)
    return padded if img.ndim >= 4 else padded.squeeze(0)


def _pad_symmetric(img: Tensor, sides: list[int]) -> Tensor:
    """Mirrors the image at its border, the border included; negative sides crop."""
    for dim, (before, after) in ((-1, sides[:2]), (-2, sides[2:])):
        img = img.narrow(dim, max(-before, 0), img.shape[dim] + min(before, 0) + min(after, 0))
        size, before, after = img.shape[dim], max(before, 0), max(after, 0)
        if max(before, after) > size:
            raise IndexError(f"index {max(before, after) - 1} is out of bounds for dimension {dim} with size {size}")
        indices = [*range(before - 1, -1, -1), *range(size), *range(size - 1, size - 1 - after, -1)]
        img = img.index_select(dim, torch.tensor(indices, dtype=torch.int64))
    return img


def _as_batch(img: Tensor, dtype: torch.dtype) -> Tensor:
    return (img if img.ndim >= 4 else img.unsqueeze(0)).to(dtype)


def _like(result: Tensor, img: Tensor) -> Tensor:
    """Undoes ``_as_batch``; integers are rounded."""
    result = result if img.ndim >= 4 else result.squeeze(0)
    if result.dtype == img.dtype:
        return result
    return (result if img.is_floating_point() else torch.round(result)).to(img.dtype)


def resize(img: Tensor, size: list[int], interpolation: str = "bilinear", antialias: bool | None = True) -> Tensor:
    _check_image(img)
    smooth = interpolation in ("bilinear", "bicubic")
    batch = _as_batch(img, img.dtype if img.dtype in (torch.float32, torch.float64) else torch.float32)
    result = F.interpolate(
        batch, size=list(size), mode=interpolation, align_corners=False if smooth else None,
        antialias=bool(antialias) and smooth,
    )
    if interpolation == "bicubic" and img.dtype == torch.uint8:
        result = result.clamp(min=0, max=255)
    return _like(result, img)


def _sample(img: Tensor, matrix: list[float], interpolation: str, fill, size: tuple[int, int]) -> Tensor:
    """Takes each pixel of an image of this size from where ``matrix`` says, in pixels from the centre."""
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{interpolation}' is unsupported with Tensor input")
    channels, height, width = get_dimensions(img)
    if isinstance(fill, (tuple, list)) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of "
            f"channels of the image ({len(fill)} != {channels})"
        )
    dtype = _float(img)
    theta = torch.tensor(matrix, dtype=dtype).reshape(1, 2, 3)
    rows, columns = (torch.linspace(-n * 0.5 + 0.5, n * 0.5 - 0.5, steps=n) for n in size)
    points = torch.ones(1, *size, 3, dtype=dtype)
    points[..., 0].copy_(columns)
    points[..., 1].copy_(rows.unsqueeze(-1))
    half = torch.tensor([0.5 * width, 0.5 * height], dtype=dtype)
    grid = points.view(1, size[0] * size[1], 3).bmm(theta.transpose(1, 2) / half).view(1, *size, 2)

    batch = _as_batch(img, dtype)
    if batch.shape[0] > 1:
        grid = grid.expand(batch.shape[0], *grid.shape[1:])
    if fill is not None:
        batch = torch.cat((batch, torch.ones_like(batch[:, :1])), dim=1)
    result = F.grid_sample(batch, grid, mode=interpolation, padding_mode="zeros", align_corners=False)
    if fill is not None:
        # The last channel says how much of each pixel comes from the image.
        result, inside = result[:, :-1], result[:, -1:]
        colors = torch.tensor([float(f) for f in fill] if isinstance(fill, (tuple, list)) else [float(fill)], dtype=dtype)
        colors = colors.view(1, -1, 1, 1)
        if interpolation == "nearest":
            result = torch.where(inside < 0.5, colors, result)
        else:
            result = result * inside + (1.0 - inside) * colors
    return _like(result, img)


def affine(img: Tensor, matrix: list[float], interpolation: str = "nearest", fill=None) -> Tensor:
    return _sample(img, matrix, interpolation, fill, tuple(img.shape[-2:]))


def rotate(img: Tensor, matrix: list[float], interpolation: str = "nearest", expand: bool = False, fill=None) -> Tensor:
    size = _rotated_size(matrix, *img.shape[-2:]) if expand else tuple(img.shape[-2:])
    return _sample(img, matrix, interpolation, fill, size)


def _rotated_size(matrix: list[float], height: int, width: int) -> tuple[int, int]:
    """Height and width of the smallest image that holds the whole of the rotated one."""
    corners = torch.tensor([[x * width, y * height, 1.0] for x, y in ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))])
    moved = corners @ torch.tensor(matrix).view(2, 3).T
    # As in torchvision, corners are cut off at a ten-thousandth of a pixel first.
    low, high = (
        ((extreme + torch.tensor((width * 0.5, height * 0.5))) / 1e-4).trunc_() * 1e-4
        for extreme in (moved.min(dim=0).values, moved.max(dim=0).values)
    )
    size = torch.ceil(high) - torch.floor(low)
    return int(size[1]), int(size[0])


def gaussian_blur(img: Tensor, kernel_size: list[int], sigma: list[float]) -> Tensor:
    _check_image(img)
    dtype = _float(img)

    def weights(size: int, deviation: float) -> Tensor:
        half = (size - 1) * 0.5
        density = torch.exp(-0.5 * (torch.linspace(-half, half, steps=size, dtype=dtype) / deviation).pow(2))
        return density / density.sum()

    across, down = (weights(size, deviation) for size, deviation in zip(kernel_size, sigma))
    kernel = torch.mm(down[:, None], across[None, :])
    kernel = kernel.expand(img.shape[-3], 1, *kernel.shape)
    batch = _as_batch(img, dtype)
    sides = [kernel_size[0] // 2, kernel_size[0] // 2, kernel_size[1] // 2, kernel_size[1] // 2]
    return _like(F.conv2d(F.pad(batch, sides, mode="reflect"), kernel, groups=batch.shape[-3]), img)


def invert(img: Tensor) -> Tensor:
    _check_channels(img, [1, 3])
    return _max_value(img.dtype) - img


def normalize(tensor: Tensor, mean: list[float], std: list[float], inplace: bool = False) -> Tensor:
    _check_image(tensor)
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}"
        )
    mean, std = (torch.as_tensor(values, dtype=tensor.dtype) for values in (mean, std))
    if (std == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    mean, std = (values.view(-1, 1, 1) if values.ndim == 1 else values for values in (mean, std))
    return (tensor if inplace else tensor.clone()).sub_(mean).div_(std)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Tensor, inplace: bool = False) -> Tensor:
    _check_image(img)
    img = img if inplace else img.clone()
    img[..., i:i + h, j:j + w] = v
    return img
