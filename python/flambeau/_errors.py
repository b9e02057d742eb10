"""Exception classes of the package, made known to the extension."""

from flambeau import _native


class _LinAlgError(RuntimeError):
    """A matrix that has no such decomposition or inverse."""


if hasattr(_native, "_set_linalg_error"):
    _native._set_linalg_error(_LinAlgError)
