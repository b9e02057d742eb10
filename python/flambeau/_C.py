"""The private names of PyTorch's extension that published packages call, and nothing else of it."""

__all__ = []


def _log_api_usage_once(event: str) -> None:
    """PyTorch counts here which of its interfaces are used. flambeau counts nothing."""
