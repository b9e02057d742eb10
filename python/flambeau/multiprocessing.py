"""The standard library's ``multiprocessing``; tensors travel by copy."""

from multiprocessing import *  # noqa: F403
from multiprocessing import get_context

__all__ = ["get_all_sharing_strategies", "get_context", "get_sharing_strategy", "set_sharing_strategy"]


def get_all_sharing_strategies() -> set[str]:
    """How tensors can travel between processes: by copy only."""
    return {"copy"}


def get_sharing_strategy() -> str:
    return "copy"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted for scripts that choose one."""
