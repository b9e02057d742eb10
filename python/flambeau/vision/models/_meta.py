"""Names of the classes that published weights tell apart."""

from __future__ import annotations

VOC_CATEGORIES = (
    "__background__ aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person "
    "pottedplant sheep sofa train tvmonitor"
).split()


def imagenet_categories() -> list[str]:
    """The thousand classes of ImageNet, in the order of networks' outputs."""
    from flambeau import _native

    return _native._imagenet_classes()
