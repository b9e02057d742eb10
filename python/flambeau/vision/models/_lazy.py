"""Names that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable


def weights_attribute(module: str) -> Callable[[str], object]:
    """A module's ``__getattr__``: enums of weights come from the table of weights, and the rest is absent."""

    def __getattr__(name: str) -> object:
        from ._api import WEIGHTS, weights_enum

        if name in WEIGHTS:
            return weights_enum(name)
        raise AttributeError(
            f"module '{module}' has no attribute '{name}': flambeau.vision has those networks of torchvision that "
            f"flambeau.vision.models.list_models() names"
        )

    return __getattr__
