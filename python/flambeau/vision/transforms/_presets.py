"""How images are prepared for published weights: what their ``transforms()`` gives."""

from __future__ import annotations

import flambeau as torch
from flambeau import Tensor, nn

from . import functional as F
from ._interpolation import InterpolationMode

__all__ = ["ImageClassification", "SemanticSegmentation"]


class _Preset(nn.Module):
    def __init__(
        self, *, resize_size: int | None, crop_size: int | None = None, mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225), interpolation=InterpolationMode.BILINEAR, antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.crop_size = None if crop_size is None else [crop_size]
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = InterpolationMode(interpolation)
        self.antialias = antialias

    def forward(self, img) -> Tensor:
        if self.resize_size is not None:
            img = F.resize(img, self.resize_size, interpolation=self.interpolation, antialias=self.antialias)
        if self.crop_size is not None:
            img = F.center_crop(img, self.crop_size)
        if not isinstance(img, Tensor):
            img = F.pil_to_tensor(img)
        return F.normalize(F.convert_image_dtype(img, torch.float32), mean=self.mean, std=self.std)

    def __repr__(self) -> str:
        crop = [] if self.crop_size is None else [f"crop_size={self.crop_size}"]
        said = [
            *crop, f"resize_size={self.resize_size}", f"mean={self.mean}", f"std={self.std}",
            f"interpolation={self.interpolation}",
        ]
        return "\n    ".join([f"{self.__class__.__name__}(", *said]) + "\n)"


class ImageClassification(_Preset):
    """Resized, the middle cut out, normalised: PIL images and tensors ``(…, C, H, W)`` to ``(…, C, crop, crop)``."""

    def __init__(self, *, crop_size: int, resize_size: int = 256, **options) -> None:
        super().__init__(crop_size=crop_size, resize_size=resize_size, **options)


class SemanticSegmentation(_Preset):
    """Resized and normalised."""

    def __init__(self, *, resize_size: int | None, **options) -> None:
        super().__init__(resize_size=resize_size, **options)
