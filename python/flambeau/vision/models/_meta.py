"""Names of the classes that published weights tell apart."""

from __future__ import annotations

import functools

from flambeau import _native

_VOC = (
    "__background__ aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()


@functools.cache
def categories(kind: str) -> tuple[str, ...] | None:
    """The names, in the order of networks' outputs: ImageNet's thousand of images (``"classes"``), Pascal VOC's of
    pixels (``"segments"``), or none (``"features"``).
    """
    if kind == "features":
        return None
    return tuple(_native._imagenet_classes() if kind == "classes" else _VOC)
