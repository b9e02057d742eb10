"""Preparation and augmentation of images: PIL images where Pillow is installed, tensors ``(…, C, H, W)`` always.

Random transforms draw from the default generator in torchvision's order, so that one seed gives its images.
"""

from . import functional
from .augment import *  # noqa: F403
from .transforms import *  # noqa: F403


def __getattr__(name):
    raise AttributeError(
        f"module '{__name__}' has no attribute '{name}': flambeau.vision has part of torchvision's transforms; "
        "compose it of those in dir(flambeau.vision.transforms)"
    )
