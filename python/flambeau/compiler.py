"""Questions about compilation: there is none."""


def is_compiling() -> bool:
    return False


def is_dynamo_compiling() -> bool:
    return False


def disable(fn=None, recursive=True, *, reason=None):
    """Returns the function as it is."""
    return (lambda function: function) if fn is None else fn


def reset() -> None:
    """Nothing to forget."""
