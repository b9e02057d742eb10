"""Pooling, and sliding windows as columns."""

from __future__ import annotations

import math
from collections.abc import Callable

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.nn._sizes import _list_with_default, _pair, _single, _triple

from .activation import relu
from . import operators


def _switched(name: str, position: int, with_indices: Callable, without: Callable):
    """A function whose ``return_indices`` argument decides what it returns."""

    def function(*args, **kwargs):
        flag = args[position] if len(args) > position else kwargs.get("return_indices", False)
        return (with_indices if flag else without)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{without.__doc__}  With ``return_indices=True`` also the positions of the maxima."
    return function


def _max_pool(dimensions: int):
    """(max_pool with indices, max_pool without) over this many dimensions."""
    indexed = getattr(_native, f"max_pool{dimensions}d_with_indices", None)
    plain = getattr(_native, f"max_pool{dimensions}d", None)

    def with_indices(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False, return_indices: bool = False
    ):
        return indexed(input, kernel_size, [] if stride is None else stride, padding, dilation, ceil_mode)

    def without(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode: bool = False, return_indices: bool = False
    ):
        return plain(input, kernel_size, [] if stride is None else stride, padding, dilation, ceil_mode)

    with_indices.__name__ = with_indices.__qualname__ = f"max_pool{dimensions}d_with_indices"
    with_indices.__doc__ = f"The maximum of each window over {dimensions} dimensions, and where it is."
    without.__doc__ = f"The maximum of each window over {dimensions} dimensions."
    return with_indices, _switched(f"max_pool{dimensions}d", 6, with_indices, without)


max_pool1d_with_indices, max_pool1d = _max_pool(1)
max_pool2d_with_indices, max_pool2d = _max_pool(2)
max_pool3d_with_indices, max_pool3d = _max_pool(3)


def _fractional_output(dimensions: int, input, output_size, output_ratio) -> list[int]:
    name = f"fractional_max_pool{dimensions}d"
    if output_size is not None:
        return output_size
    if output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if dimensions == 2 and not isinstance(output_ratio, (int, float)) and len(output_ratio) > 2:
        raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
    ratios = _pair(output_ratio) if dimensions == 2 else _triple(output_ratio)
    return [int(size * ratio) for size, ratio in zip(input.shape[-dimensions:], ratios)]


def _fractional_max_pool(dimensions: int):
    kernel = getattr(_native, f"fractional_max_pool{dimensions}d", None)

    def with_indices(
        input, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False, _random_samples=None
    ):
        output_size = _fractional_output(dimensions, input, output_size, output_ratio)
        if _random_samples is None:
            batch = 1 if input.dim() == dimensions + 1 else input.size(0)
            channels = input.size(-dimensions - 1)
            _random_samples = _native.rand(batch, channels, dimensions, dtype=input.dtype, device=input.device)
        return kernel(input, kernel_size, output_size, _random_samples)

    def without(
        input, kernel_size, output_size=None, output_ratio=None, return_indices: bool = False, _random_samples=None
    ):
        return with_indices(input, kernel_size, output_size, output_ratio, return_indices, _random_samples)[0]

    with_indices.__name__ = with_indices.__qualname__ = f"fractional_max_pool{dimensions}d_with_indices"
    without.__doc__ = f"Max pooling over {dimensions} dimensions with windows of random size (Graham 2014)."
    return with_indices, _switched(f"fractional_max_pool{dimensions}d", 4, with_indices, without)


for _n in (2, 3):
    if hasattr(_native, f"fractional_max_pool{_n}d"):
        _name = f"fractional_max_pool{_n}d"
        globals()[f"{_name}_with_indices"], globals()[_name] = _fractional_max_pool(_n)


def _adaptive_max_pool(dimensions: int):
    kernel = getattr(_native, f"adaptive_max_pool{dimensions}d", None)

    def with_indices(input, output_size, return_indices: bool = False):
        if dimensions > 1:
            output_size = _list_with_default(output_size, input.size())
        return kernel(input, output_size)

    def without(input, output_size, return_indices: bool = False):
        return with_indices(input, output_size)[0]

    with_indices.__name__ = with_indices.__qualname__ = f"adaptive_max_pool{dimensions}d_with_indices"
    without.__doc__ = f"Max pooling over {dimensions} dimensions to a given output size."
    return with_indices, _switched(f"adaptive_max_pool{dimensions}d", 2, with_indices, without)


adaptive_max_pool1d_with_indices, adaptive_max_pool1d = _adaptive_max_pool(1)
adaptive_max_pool2d_with_indices, adaptive_max_pool2d = _adaptive_max_pool(2)
adaptive_max_pool3d_with_indices, adaptive_max_pool3d = _adaptive_max_pool(3)


def adaptive_avg_pool2d(input: Tensor, output_size) -> Tensor:
    """Average pooling over two dimensions to a given output size."""
    return _native.adaptive_avg_pool2d(input, _list_with_default(output_size, input.size()))


def adaptive_avg_pool3d(input: Tensor, output_size) -> Tensor:
    """Average pooling over three dimensions to a given output size."""
    return _native.adaptive_avg_pool3d(input, _list_with_default(output_size, input.size()))


def _unpool_output_size(input, kernel_size, stride, padding, output_size):
    count = len(kernel_size)
    default = [
        (size - 1) * stride[d] + kernel_size[d] - 2 * padding[d] for d, size in enumerate(input.size()[-count:])
    ]
    if output_size is None:
        chosen = default
    else:
        chosen = output_size[2:] if len(output_size) == count + 2 else output_size
        if len(chosen) != count:
            raise ValueError(
                f"output_size should be a sequence containing {count} or {count + 2} elements, but it has a length of "
                f"'{len(chosen)}'"
            )
        for d in range(count):
            low, high = default[d] - stride[d], default[d] + stride[d]
            if not low < chosen[d] < high:
                raise ValueError(f'invalid output_size "{chosen}" (dim {d} must be between {low} and {high})')
    for d in range(count):
        if chosen[d] < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                f"output_size[{d}]={chosen[d]}"
            )
    return chosen


def _unpool_geometry(expand, input, kernel_size, stride, padding, output_size):
    kernel_size = expand(kernel_size)
    stride = kernel_size if stride is None else expand(stride)
    padding = expand(padding)
    return _unpool_output_size(input, kernel_size, stride, padding, output_size), stride, padding


def max_unpool1d(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None) -> Tensor:
    """Puts maxima back where they came from; zero elsewhere."""
    size, _, _ = _unpool_geometry(_single, input, kernel_size, stride, padding, output_size)
    return _native.max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), [*size, 1]).squeeze(-1)


def max_unpool2d(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None) -> Tensor:
    """Puts maxima back where they came from; zero elsewhere."""
    size, _, _ = _unpool_geometry(_pair, input, kernel_size, stride, padding, output_size)
    return _native.max_unpool2d(input, indices, size)


def max_unpool3d(input: Tensor, indices: Tensor, kernel_size, stride=None, padding=0, output_size=None) -> Tensor:
    """Puts maxima back where they came from; zero elsewhere."""
    size, stride, padding = _unpool_geometry(_triple, input, kernel_size, stride, padding, output_size)
    return _native.max_unpool3d(input, indices, size, stride, padding)


def _lp_pool(max_pool, avg_pool, window: int, input, norm_type, kernel_size, stride, ceil_mode) -> Tensor:
    if isinstance(norm_type, (int, float)):
        if norm_type == 0:
            raise ValueError(f"norm_type must be a non-zero value, but got {norm_type}")
        if norm_type == math.inf:
            return max_pool(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        if norm_type == -math.inf:
            return -max_pool(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    powers = input.pow(norm_type)
    if stride is None:
        mean = avg_pool(powers, kernel_size, padding=0, ceil_mode=ceil_mode)
    else:
        mean = avg_pool(powers, kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * relu(mean.abs())).mul(window).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: int | float, kernel_size: int, stride=None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window."""
    return _lp_pool(max_pool1d, operators.avg_pool1d, kernel_size, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: int | float, kernel_size, stride=None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window."""
    window = math.prod(_pair(kernel_size))
    return _lp_pool(max_pool2d, operators.avg_pool2d, window, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: int | float, kernel_size, stride=None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window."""
    window = math.prod(_triple(kernel_size))
    return _lp_pool(max_pool3d, operators.avg_pool3d, window, input, norm_type, kernel_size, stride, ceil_mode)


def unfold(input: Tensor, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """The sliding windows of a batch of images as columns (im2col)."""
    return _native.im2col(input, _pair(kernel_size), _pair(dilation), _pair(padding), _pair(stride))


def fold(input: Tensor, output_size, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Adds columns of sliding windows up to images (col2im)."""
    return _native.col2im(
        input, _pair(output_size), _pair(kernel_size), _pair(dilation), _pair(padding), _pair(stride)
    )
