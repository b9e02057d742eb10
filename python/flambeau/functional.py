"""Operators of ``flambeau.*`` whose arguments Python arranges before the extension computes."""

from __future__ import annotations

import builtins
import functools
import itertools
import operator
import warnings
from collections.abc import Sequence
from typing import Any

from flambeau import _native
from flambeau._tensor import Tensor

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors", "cartesian_prod",
    "cdist", "chain_matmul", "einsum", "meshgrid", "norm", "split", "tensordot", "unique", "unique_consecutive",
    "unravel_index",
]


def broadcast_tensors(*tensors):
    """Expands the tensors to their common shape."""
    return _native.broadcast_tensors(tensors)


def broadcast_shapes(*shapes):
    """The shape that the given shapes broadcast to."""
    if not shapes:
        return _native.Size([])
    normal = [(s,) if isinstance(s, builtins.int) else tuple(s) for s in shapes]
    result = [1] * builtins.max(len(s) for s in normal)
    for shape in normal:
        for size in shape:
            if size < 0:
                raise RuntimeError(
                    f"Trying to create tensor with negative dimension ({size}): ({size})"
                )
        for back in range(1, len(shape) + 1):
            size = shape[-back]
            if size == 1 or size == result[-back]:
                continue
            if result[-back] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {size} at {-back}! "
                    f"Mismatching argument at index {normal.index(shape)} had {_native.Size(shape)}; but expected shape "
                    f"should be broadcastable to {result}"
                )
            result[-back] = size
    return _native.Size(result)


def split(tensor: Tensor, split_size_or_sections: builtins.int | list[builtins.int], dim: builtins.int = 0) -> tuple[Tensor, ...]:
    """Cuts a tensor along ``dim`` into parts of one size, or of the given sizes."""
    return tensor.split(split_size_or_sections, dim)


def _letter(index) -> str:
    if index is Ellipsis:
        return "..."
    if 0 <= index < 26:
        return chr(ord("A") + index)
    if 26 <= index < 52:
        return chr(ord("a") + index - 26)
    raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")


def einsum(*args: Any) -> Tensor:
    """Sums products of the operands' elements, as Einstein's notation says."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, "
            "or at least one operand and its subscripts list"
        )
    if isinstance(args[0], Tensor):  # operand, subscripts, operand, subscripts, ..., [result subscripts]
        terms = ["".join(map(_letter, subscripts)) for subscripts in args[1::2]]
        equation = ",".join(terms)
        operands = args[::2]
        if len(args) % 2 == 1:
            equation += "->" + "".join(map(_letter, args[-1]))
            operands = args[:-1:2]
    else:
        equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        return einsum(equation, *operands[0])
    return _native.einsum(equation, tuple(operands))


@functools.cache  # once per process, as PyTorch does
def _warn_about_indexing() -> None:
    warnings.warn(
        "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.", stacklevel=3
    )


def meshgrid(*tensors, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of the grid spanned by one-dimensional tensors."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    if indexing is None:
        _warn_about_indexing()
        return _native.meshgrid(tensors)
    return _native.meshgrid(tensors, indexing=indexing)


def _select_unique(values, inverse, counts, return_inverse, return_counts):
    chosen = (values, *([inverse] if return_inverse else []), *([counts] if return_counts else []))
    return chosen if len(chosen) > 1 else values


def unique(*args, **kwargs):
    """``unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None)``: the distinct values."""
    return _unique(*args, **kwargs)


def _unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    if dim is None:
        found = _native._unique2(input, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts)
    else:
        found = _native.unique_dim(input, dim, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts)
    return _select_unique(*found, return_inverse, return_counts)


def unique_consecutive(*args, **kwargs):
    """``unique_consecutive(input, return_inverse=False, return_counts=False, dim=None)``: drops repeats in a row."""
    return _unique_consecutive(*args, **kwargs)


def _unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    found = _native.unique_consecutive(input, return_inverse=return_inverse, return_counts=return_counts, dim=dim)
    return _select_unique(*found, return_inverse, return_counts)


def tensordot(a, b, dims=2, out: Tensor | None = None):
    """Contracts the given dimensions of two tensors."""
    if isinstance(dims, Tensor):
        if dims.numel() > 1:
            if dims.size(0) != 2:
                raise AssertionError(f"dims tensor must have size 2 in first dimension, got {dims.size(0)}")
            dims = (dims[0].tolist(), dims[1].tolist())
        else:
            dims = builtins.int(dims.item())
    if isinstance(dims, builtins.int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > builtins.min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (list(builtins.range(-dims, 0)), list(builtins.range(dims)))
    elif not isinstance(dims, (tuple, list)):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists, "
            f"but got dims={dims}"
        )
    left, right = dims
    if out is None:
        return _native.tensordot(a, b, left, right)
    return _native.tensordot(a, b, left, right, out=out)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of the elements of one-dimensional tensors."""
    return _native.cartesian_prod(tensors)


def block_diag(*tensors):
    """A matrix with the given ones along its diagonal."""
    return _native.block_diag(tensors)


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """The p-norm distances between all rows of two batches of matrices."""
    modes = {"use_mm_for_euclid_dist_if_necessary": None, "use_mm_for_euclid_dist": 1, "donot_use_mm_for_euclid_dist": 2}
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    return _native.cdist(x1, x2, p, modes[compute_mode])


def _one_or_all(tensors):
    return tensors[0] if len(tensors) == 1 else tensors


def atleast_1d(*tensors):
    """The tensors with at least one dimension."""
    return _native.atleast_1d(_one_or_all(tensors))


def atleast_2d(*tensors):
    """The tensors with at least two dimensions."""
    return _native.atleast_2d(_one_or_all(tensors))


def atleast_3d(*tensors):
    """The tensors with at least three dimensions."""
    return _native.atleast_3d(_one_or_all(tensors))


def norm(input, p: builtins.float | str | None = "fro", dim=None, keepdim=False, out=None, dtype=None):
    """The norm of a tensor as a vector, or of its matrices for ``p='nuc'`` and ``'fro'`` over two dimensions."""
    dims = [dim] if isinstance(dim, builtins.int) else dim
    options = {"dtype": dtype} if out is None else {"dtype": dtype, "out": out}
    if isinstance(p, str):
        if p != "fro" or (dims is not None and len(dims) > 2):
            if dims is None:
                dims = list(builtins.range(input.dim()))
            return _native.linalg_matrix_norm(input, p, dims, keepdim, **options)
        p = 2
    return _native.linalg_vector_norm(input, 2.0 if p is None else p, dims, keepdim, **options)


def unravel_index(indices: Tensor, shape: builtins.int | Sequence[builtins.int] | _native.Size) -> tuple[Tensor, ...]:
    """Coordinates in ``shape`` of flat indices."""
    if indices.is_complex() or indices.is_floating_point() or indices.dtype == _native.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, (builtins.int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if isinstance(shape, builtins.int) else tuple(shape)
    for size in sizes:
        if not isinstance(size, builtins.int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(size)}")
    if builtins.any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    if builtins.any(size == 0 for size in sizes) and indices.numel():
        raise ValueError(f"'shape' cannot have zero dimensions when 'indices' is non-empty, but got {sizes}")
    strides = list(itertools.accumulate(reversed(sizes[1:] + (1,)), operator.mul))[::-1]
    weights = _native.tensor(strides, dtype=_native.int64)
    moduli = _native.tensor(sizes, dtype=_native.int64)
    return (indices.unsqueeze(-1).floor_divide(weights) % moduli).unbind(-1)


def chain_matmul(*matrices, out=None):
    """The product of matrices in the cheapest order."""
    if out is None:
        return _native.chain_matmul(matrices)
    return _native.chain_matmul(matrices, out=out)
