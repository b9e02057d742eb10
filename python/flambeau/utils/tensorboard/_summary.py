"""What is shown: each function gives a ``Summary`` with one value, encoded."""

from __future__ import annotations

import struct
import zlib
from typing import Any, Optional

import flambeau
from flambeau import Tensor

from . import _message as message

_DT_FLOAT, _DT_DOUBLE, _DT_STRING = 1, 2, 7
_DATA_TYPE_STRING, _DATA_TYPE_BOOL, _DATA_TYPE_FLOAT64 = 1, 2, 3


def _summary(tag: str, value: bytes) -> bytes:
    return message.binary(1, message.binary(1, tag) + value)


def _metadata(plugin: str, content: bytes = b"") -> bytes:
    return message.binary(9, message.binary(1, message.binary(1, plugin) + (message.binary(2, content) if content else b"")))


def as_tensor(value: Any) -> Tensor:
    """A tensor, an array, or a number, as a tensor that records no gradient."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, (bool, int, float)) or hasattr(value, "__array__"):
        return flambeau.as_tensor(value)
    raise NotImplementedError(f"Got {type(value)}, but numpy array or torch tensor are expected.")


def as_float(value: Any) -> float:
    """The one number that a tensor, an array or a number is."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    tensor = as_tensor(value)
    assert tensor.numel() == 1, f"Tensor should contain one element (0 dimensions). Was given size: {tuple(tensor.shape)}"
    return float(tensor.item())


def scalar(tag: str, value: Any, new_style: bool = False, double_precision: bool = False) -> bytes:
    number = as_float(value)
    if not new_style:
        return _summary(tag, message.single(2, number))
    if double_precision:
        tensor = message.integer(1, _DT_DOUBLE) + message.double(6, number)
    else:
        tensor = message.integer(1, _DT_FLOAT) + message.single(5, number)
    return _summary(tag, message.binary(8, tensor) + _metadata("scalars"))


def text(tag: str, value: str) -> bytes:
    shape = message.binary(2, message.integer(1, 1))
    tensor = message.integer(1, _DT_STRING) + message.binary(2, shape) + message.binary(8, value)
    return _summary(f"{tag}/text_summary", message.binary(8, tensor) + _metadata("text"))


# Histograms


def default_limits() -> list[float]:
    """TensorBoard's: each limit is a tenth further from zero than the one before."""
    positive, limit = [], 1e-12
    while limit < 1e20:
        positive.append(limit)
        limit *= 1.1
    return [-limit for limit in reversed(positive)] + [0.0] + positive


def _limits(values: Tensor, bins: Any) -> list[float]:
    if isinstance(bins, int):
        low, high = values.min().item(), values.max().item()
        if low == high:
            low, high = low - 0.5, high + 0.5
        return flambeau.linspace(low, high, bins + 1, dtype=flambeau.float64).tolist()
    if isinstance(bins, str):
        import numpy  # 'auto', 'fd' and the like are rules of its own

        return numpy.histogram_bin_edges(values.numpy(), bins).tolist()
    return [float(limit) for limit in bins]


def histogram(tag: str, values: Any, bins: Any, max_bins: Optional[int] = None) -> bytes:
    """How numbers are distributed.  Those that are not finite are left out."""
    values = as_tensor(values).to(flambeau.float64).flatten()
    if values.numel() == 0:
        raise ValueError("The input has no element.")
    values = values[flambeau.isfinite(values)]
    if values.numel() == 0:
        return histogram_raw(tag, 0.0, 0.0, 0, 0.0, 0.0, [0.0], [0.0])
    limits = _limits(values, bins)
    edges = flambeau.tensor(limits, dtype=flambeau.float64)
    # Below the first limit 0; on the last one, as within the last bucket.
    places = flambeau.bucketize(values, edges, right=True) - (values == edges[-1]).to(flambeau.int64)
    counts = flambeau.bincount(places, minlength=len(limits) + 1).tolist()[1 : len(limits)]
    if max_bins is not None and len(counts) > max_bins:
        every = len(counts) // max_bins
        counts = [sum(counts[at : at + every]) for at in range(0, len(counts), every)]
        limits = limits[:-1:every] + limits[-1:]
    filled = [at for at, count in enumerate(counts) if count] or [0]
    first, end = filled[0], filled[-1] + 1
    # A bucket has an upper limit only: an empty one before the first tells where that begins.
    return histogram_raw(
        tag, values.min().item(), values.max().item(), values.numel(), values.sum().item(), values.dot(values).item(),
        limits[first : end + 1], [0.0, *counts[first:end]],
    )


def histogram_raw(tag, low, high, number, total, squares, limits, counts) -> bytes:
    fields = [low, high, number, total, squares]
    content = b"".join(message.double(at, as_float(value)) for at, value in enumerate(fields, start=1))
    numbers = [[float(value) for value in list_] for list_ in (limits, counts)]
    return _summary(tag, message.binary(5, content + message.doubles(6, numbers[0]) + message.doubles(7, numbers[1])))


# Images


def _grid(images: Tensor, columns: int = 8) -> Tensor:
    """Images ``(N, C, H, W)`` as one image ``(C, rows · H, columns · W)``."""
    count, channels, height, width = images.shape
    columns = max(min(count, columns), 1)
    rows = -(-count // columns)
    missing = rows * columns - count
    if missing:
        images = flambeau.cat([images, images.new_zeros((missing, channels, height, width))])
    grid = images.reshape(rows, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return grid.reshape(channels, rows * height, columns * width)


def to_hwc(tensor: Tensor, dataformats: str) -> Tensor:
    """An image as ``(H, W, C)`` with three or four channels, of an image or of several in any order of dimensions."""
    formats = dataformats.upper()
    assert len(set(formats)) == len(formats), (
        f"You can not use the same dimension shorthand twice. input_format: {dataformats}"
    )
    assert tensor.dim() == len(formats), (
        "size of input tensor and input format are different. "
        f"tensor shape: {tuple(tensor.shape)}, input_format: {dataformats}"
    )
    wanted = {2: "HW", 3: "HWC", 4: "NCHW"}.get(len(formats), "")
    if sorted(formats) != sorted(wanted):
        raise ValueError(f"dataformats is an order of HW, HWC or NCHW, not '{dataformats}'")
    tensor = tensor.permute([formats.index(name) for name in wanted])
    if len(wanted) == 4:
        tensor = _grid(tensor).permute(1, 2, 0)
    elif len(wanted) == 2:
        tensor = tensor.unsqueeze(2)
    height, width, channels = tensor.shape
    return tensor.expand(height, width, 3) if channels == 1 else tensor


def png(image: Tensor) -> bytes:
    """A PNG of an image ``(H, W, 3)`` or ``(H, W, 4)`` of dtype ``uint8``."""
    height, width, channels = image.shape
    if channels not in (3, 4) or not height or not width:
        raise ValueError(f"an image has 1, 3 or 4 channels and some pixels, not the shape {tuple(image.shape)}")

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0)
    # Every row begins with its filter: none.
    rows = b"".join(b"\0" + bytes(row) for row in image.reshape(height, width * channels).tolist())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def image(tag: str, tensor: Any, dataformats: str) -> bytes:
    """Numbers from 0 to 1, or bytes."""
    pixels = to_hwc(as_tensor(tensor), dataformats)
    if pixels.dtype != flambeau.uint8:
        pixels = (pixels.to(flambeau.float32) * 255).clamp(0, 255).to(flambeau.uint8)
    height, width, channels = pixels.shape
    fields = message.integer(1, height) + message.integer(2, width) + message.integer(3, channels)
    return _summary(tag, message.binary(4, fields + message.binary(4, png(pixels))))


# Hyperparameters


def _struct_value(value: Any) -> tuple[int, bytes]:
    """The type of a hyperparameter, and the value as ``google.protobuf.Value``."""
    if isinstance(value, bool):
        return _DATA_TYPE_BOOL, message.integer(4, value)
    if isinstance(value, (int, float)):
        return _DATA_TYPE_FLOAT64, message.double(2, value)
    if isinstance(value, str):
        return _DATA_TYPE_STRING, message.binary(3, value)
    if isinstance(value, Tensor):
        return _DATA_TYPE_FLOAT64, message.double(2, as_float(value))
    raise ValueError("value should be one of int, float, str, bool, or torch.Tensor")


def hparams(hparam_dict: dict, metric_dict: dict, domains: Optional[dict] = None) -> list[bytes]:
    """Three summaries: what there is, with which values the run begins, that it ended well."""
    domains = domains or {}
    if not isinstance(domains, dict):
        raise TypeError("parameter: hparam_domain_discrete should be a dictionary, nothing logged.")
    for key, values in domains.items():
        known = key in hparam_dict and isinstance(values, list)
        if not known or not all(isinstance(value, type(hparam_dict[key])) for value in values):
            raise TypeError(
                f"parameter: hparam_domain_discrete[{key}] should be a list of same type as hparam_dict[{key}]."
            )
    experiment, start = b"", b""
    for key, value in hparam_dict.items():
        if value is None:
            continue
        kind, encoded = _struct_value(value)
        start += message.binary(1, message.binary(1, key) + message.binary(2, encoded))
        info = message.binary(1, key) + message.integer(4, kind)
        if key in domains:
            info += message.binary(5, b"".join(message.binary(1, _struct_value(item)[1]) for item in domains[key]))
        experiment += message.binary(4, info)
    for key in metric_dict:
        experiment += message.binary(5, message.binary(1, message.binary(2, key)))
    success = message.integer(1, 1)
    parts = [("experiment", 2, experiment), ("session_start_info", 3, start), ("session_end_info", 4, success)]
    return [
        _summary(f"_hparams_/{name}", _metadata("hparams", message.binary(field, content)))
        for name, field, content in parts
    ]
