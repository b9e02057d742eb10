"""What all datasets of images have in common."""

from __future__ import annotations

import os
from collections.abc import Callable

from flambeau.utils import data

__all__ = ["StandardTransform", "VisionDataset"]


def _described(transform, head: str) -> list[str]:
    first, *rest = repr(transform).splitlines()
    return [head + first, *(" " * len(head) + line for line in rest)]


class VisionDataset(data.Dataset):
    """Pairs of an image and its target, each changed by a transform of its own, or both by one of pairs (``transforms``).

    A subclass has ``__getitem__`` and ``__len__``.
    """

    _repr_indent = 4

    def __init__(
        self,
        root: str | os.PathLike | None = None,
        transforms: Callable | None = None,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
    ) -> None:
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def _transformed(self, image, target):
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __getitem__(self, index: int):
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __repr__(self) -> str:
        body = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            body.append(f"Root location: {self.root}")
        body += self.extra_repr().splitlines()
        if getattr(self, "transforms", None) is not None:
            body.append(repr(self.transforms))
        return "\n".join([f"Dataset {type(self).__name__}", *(" " * self._repr_indent + line for line in body)])

    def _format_transform_repr(self, transform: Callable, head: str) -> list[str]:
        return _described(transform, head)

    def extra_repr(self) -> str:
        """Lines that a subclass adds to its description."""
        return ""


class StandardTransform:
    """A transform of images and one of targets as one of pairs."""

    def __init__(self, transform: Callable | None = None, target_transform: Callable | None = None) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input, target):
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def _format_transform_repr(self, transform: Callable, head: str) -> list[str]:
        return _described(transform, head)

    def __repr__(self) -> str:
        body = [type(self).__name__]
        if self.transform is not None:
            body += _described(self.transform, "Transform: ")
        if self.target_transform is not None:
            body += _described(self.target_transform, "Target transform: ")
        return "\n".join(body)
