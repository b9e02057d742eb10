"""Linear algebra, as far as the extension has it."""

from __future__ import annotations

from flambeau import _native
from flambeau._errors import _LinAlgError

__all__ = []

for _name in dir(_native):
    if _name.startswith("linalg_"):
        globals()[_name[len("linalg_"):]] = getattr(_native, _name)
        __all__.append(_name[len("linalg_"):])


LinAlgError = _LinAlgError
__all__.append("LinAlgError")


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    """The norm of a vector or matrix, or of all elements for ``ord=None``."""
    options = {"dtype": dtype} if out is None else {"dtype": dtype, "out": out}
    if ord is not None:
        matrices = (dim is None and A.dim() == 2) or (isinstance(dim, (tuple, list)) and len(dim) == 2)
        if matrices or isinstance(ord, str):
            return _native.linalg_matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, **options)
        return _native.linalg_vector_norm(A, ord, dim, keepdim, **options)
    return _native.linalg_vector_norm(A, 2, dim, keepdim, **options)


__all__ = sorted({*__all__, "norm"})
