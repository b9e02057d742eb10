"""Pictures in files as tensors ``(C, H, W)`` of bytes, decoded by Pillow."""

from __future__ import annotations

import enum
import io
import os

import flambeau as torch

from .transforms.functional import pil_to_tensor, to_pil_image

__all__ = [
    "ImageReadMode", "decode_gif", "decode_image", "decode_jpeg", "decode_png", "decode_webp", "encode_jpeg", "encode_png",
    "read_file", "read_image", "write_file", "write_jpeg", "write_png",
]


class ImageReadMode(enum.Enum):
    """Which channels a picture is brought to."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


_MODES = {ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB", ImageReadMode.RGB_ALPHA: "RGBA"}
_CHANNELS = ("L", "LA", "RGB", "RGBA")


def read_file(path):
    """A file's bytes, a tensor of one dimension."""
    with open(path, "rb") as file:
        content = file.read()
    return torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else torch.empty(0, dtype=torch.uint8)


def write_file(filename, data) -> None:
    """Writes a tensor of bytes."""
    with open(filename, "wb") as file:
        file.write(data.contiguous().numpy().tobytes())


def _decode(content, mode: ImageReadMode, apply_exif_orientation: bool, formats):
    from PIL import Image, ImageOps

    picture = Image.open(io.BytesIO(content.contiguous().numpy().tobytes()), formats=formats)
    if apply_exif_orientation:
        picture = ImageOps.exif_transpose(picture)
    if isinstance(mode, str):
        mode = ImageReadMode[mode.upper()]
    if mode != ImageReadMode.UNCHANGED:
        picture = picture.convert(_MODES[mode])
    elif picture.mode not in _CHANNELS:
        # palettes, bits and the like have no channels of bytes of their own
        picture = picture.convert("RGBA" if "transparency" in picture.info else "L" if picture.mode == "1" else "RGB")
    return pil_to_tensor(picture)


def decode_image(input, mode: ImageReadMode = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False):
    """Decodes a picture, a tensor of its file's bytes or a path, to ``(C, H, W)``."""
    content = input if isinstance(input, torch.Tensor) else read_file(input)
    return _decode(content, mode, apply_exif_orientation, None)


def read_image(path, mode: ImageReadMode = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False):
    """``decode_image`` of a file."""
    return decode_image(read_file(os.fspath(path)), mode, apply_exif_orientation)


def _decoder(name: str):
    def decode(input, mode: ImageReadMode = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False):
        return _decode(input, mode, apply_exif_orientation, [name])

    decode.__name__ = decode.__qualname__ = f"decode_{name.lower()}"
    decode.__doc__ = f"Decodes a {name} picture, a tensor of its file's bytes, to ``(C, H, W)``."
    return decode


decode_png, decode_jpeg, decode_webp = _decoder("PNG"), _decoder("JPEG"), _decoder("WEBP")


def decode_gif(input):
    """Decodes a GIF to ``(3, H, W)``, or ``(N, 3, H, W)`` if it has several frames."""
    from PIL import Image, ImageSequence

    picture = Image.open(io.BytesIO(input.contiguous().numpy().tobytes()), formats=["GIF"])
    frames = [pil_to_tensor(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]
    return frames[0] if len(frames) == 1 else torch.stack(frames)


def _encode(input, name: str, **options):
    if input.dtype != torch.uint8 or input.dim() not in (2, 3):
        raise RuntimeError(f"a picture is made of bytes (C, H, W), but got {tuple(input.shape)} of {input.dtype}")
    to = io.BytesIO()
    to_pil_image(input).save(to, format=name, **options)
    return torch.frombuffer(bytearray(to.getvalue()), dtype=torch.uint8)


def encode_png(input, compression_level: int = 6):
    """The bytes of a PNG file."""
    return _encode(input, "PNG", compress_level=compression_level)


def encode_jpeg(input, quality: int = 75):
    """The bytes of a JPEG file."""
    return _encode(input, "JPEG", quality=quality)


def write_png(input, filename, compression_level: int = 6) -> None:
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input, filename, quality: int = 75) -> None:
    write_file(filename, encode_jpeg(input, quality))
