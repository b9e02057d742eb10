"""Normalisation."""

from __future__ import annotations

import math

from flambeau import _native
from flambeau._tensor import Tensor

from . import operators
from .resampling import pad


def _cudnn_enabled() -> bool:
    from flambeau.backends import cudnn

    return cudnn.enabled


def _verify_batch_size(size: list[int]) -> None:
    if size[0] * math.prod(size[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:
    """Normalises each channel over batch and space (Ioffe and Szegedy 2015)."""
    if training:
        _verify_batch_size(input.size())
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return _native.batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, _cudnn_enabled()
    )


def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:
    """Normalises each channel of each sample over space."""
    if use_input_stats and math.prod(input.size()[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    return _native.instance_norm(
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, _cudnn_enabled()
    )


def layer_norm(
    input: Tensor, normalized_shape: list[int], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises over the last dimensions."""
    return _native.layer_norm(input, normalized_shape, weight, bias, eps, _cudnn_enabled())


def rms_norm(
    input: Tensor, normalized_shape: list[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divides by the root mean square over the last dimensions."""
    return _native.rms_norm(input, normalized_shape, weight, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalises groups of channels of each sample (Wu and He 2018)."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    _verify_batch_size([input.size(0) * input.size(1) // num_groups, num_groups, *input.size()[2:]])
    return _native.group_norm(input, num_groups, weight, bias, eps, _cudnn_enabled())


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divides by a power of the mean square over neighbouring channels (Krizhevsky et al. 2012)."""
    dimensions = input.dim()
    if dimensions < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality                          input (got {dimensions} dimensions)"
        )
    if input.numel() == 0:
        return input
    squares = input.mul(input)
    before, after = size // 2, (size - 1) // 2
    if dimensions == 3:
        padded = pad(squares.unsqueeze(1), (0, 0, before, after))
        mean = operators.avg_pool2d(padded, (size, 1), stride=1).squeeze(1)
    else:
        sizes = input.size()
        volume = squares.view(sizes[0], 1, sizes[1], sizes[2], -1)
        padded = pad(volume, (0, 0, 0, 0, before, after))
        mean = operators.avg_pool3d(padded, (size, 1, 1), stride=1).squeeze(1).view(sizes)
    return input / mean.mul(alpha).add(k).pow(beta)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Divides by the p-norm along ``dim``, but by no less than ``eps``."""
    norm = input.norm(p, dim, keepdim=True)
    if out is None:
        return input / norm.clamp_min(eps).expand_as(input)
    return _native.div(input, norm.clamp_min_(eps).expand_as(input), out=out)
