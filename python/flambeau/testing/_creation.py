"""Tensors of random values, for tests."""

from __future__ import annotations

from flambeau import _native

__all__ = ["make_tensor"]


def make_tensor(
    *shape, dtype, device, low=None, high=None, requires_grad=False, noncontiguous=False, exclude_zero=False,
    memory_format=None,
):
    """A tensor of random values in [low, high)."""
    if len(shape) == 1 and not isinstance(shape[0], int):
        shape = tuple(shape[0])
    if dtype == _native.bool:
        tensor = _native.randint(0, 2, shape, device=device, dtype=dtype)
    elif dtype.is_floating_point or dtype.is_complex:
        low = -9 if low is None else low
        high = 9 if high is None else high
        if dtype.is_complex:
            part = _native.float64 if dtype == _native.complex128 else _native.float32
            real, imag = (_native.empty(shape, dtype=part, device=device).uniform_(low, high) for _ in range(2))
            tensor = _native.complex(real, imag)
        else:
            tensor = _native.empty(shape, dtype=dtype, device=device).uniform_(low, high)
    else:
        low = (0 if dtype == _native.uint8 else -9) if low is None else int(low)
        high = 10 if high is None else int(high)
        tensor = _native.randint(low, high, shape, device=device, dtype=dtype)
    if exclude_zero:
        tensor[tensor == 0] = 1
    if noncontiguous and tensor.numel() > 1:
        tensor = tensor.repeat_interleave(2, dim=-1)[..., ::2]
    if memory_format is not None:
        tensor = tensor.clone(memory_format=memory_format)
    return tensor.requires_grad_(requires_grad) if requires_grad else tensor
