"""Parameters as one vector, and back."""

from __future__ import annotations

from flambeau import _native
from flambeau._runtime import typename
from flambeau._tensor import Tensor


def parameters_to_vector(parameters) -> Tensor:
    """All parameters, flattened and joined."""
    return _native.cat([param.view(-1) for param in parameters])


def vector_to_parameters(vec: Tensor, parameters) -> None:
    """Gives the parameters their pieces of ``vec``."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    offset = 0
    for param in parameters:
        count = param.numel()
        param.data = vec[offset : offset + count].view_as(param).data
        offset += count
