"""Training in several processes that exchange gradients is not available, as in a PyTorch built without it."""

__all__ = ["is_available"]


def is_available() -> bool:
    return False


def __getattr__(name: str):
    raise AttributeError(
        f"module '{__name__}' has no attribute '{name}': flambeau trains in one process (is_available() is False)"
    )
