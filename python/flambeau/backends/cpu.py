"""What the processor offers."""

from flambeau import _native


def get_cpu_capability() -> str:
    """The widest instruction set in use: ``'AVX512'``, ``'AVX2'`` or ``'DEFAULT'``."""
    return _native._get_cpu_capability()
