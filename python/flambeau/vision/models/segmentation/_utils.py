"""What the segmentation networks share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from flambeau import Tensor, nn
from flambeau.nn import functional as F

from .._api import _agree, _chosen, register


class _SimpleSegmentationModel(nn.Module):
    """Features of a backbone, scored at their own size, then resized: images ``(N, 3, H, W)`` to a dict with ``"out"``
    ``(N, num_classes, H, W)`` and, with an auxiliary classifier, ``"aux"`` of the same shape.
    """

    def __init__(self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        size = x.shape[-2:]
        features = self.backbone(x)
        result = OrderedDict()
        for name, head in (("out", self.classifier), ("aux", self.aux_classifier)):
            if head is not None:
                result[name] = F.interpolate(head(features[name]), size=size, mode="bilinear", align_corners=False)
        return result


def builder(name: str, make: Callable[..., nn.Module], weights_name: str, backbone: Callable, **dilation):
    """Registers the builder of a segmentation network: ``make(backbone, num_classes, aux_loss)``.

    As in torchvision, the backbone's weights are those of ImageNet unless ``weights_backbone=None`` is said.
    """

    def build(
        *, weights=None, progress: bool = True, num_classes: int | None = None, aux_loss: bool | None = None,
        weights_backbone="IMAGENET1K_V1", **options,
    ) -> nn.Module:
        if "pretrained_backbone" in options:
            weights_backbone = "IMAGENET1K_V1" if options.pop("pretrained_backbone") else None
        weights = _chosen(name, weights_name, weights, options)
        if options:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(options))}'")
        decided = {"num_classes": num_classes, "aux_loss": aux_loss}
        decided = {key: value for key, value in decided.items() if value is not None}
        if weights is not None:
            weights_backbone = None
            _agree(decided, "num_classes", len(weights.meta["categories"]))
            _agree(decided, "aux_loss", True)
        model = make(
            backbone(weights=weights_backbone, progress=progress, **dilation), decided.get("num_classes", 21),
            decided.get("aux_loss", False),
        )
        if weights is not None:
            model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
        return model

    return register(name, build, make.__doc__)


def strided_blocks(features: nn.Sequential) -> list[int]:
    """Where a MobileNet halves its images: the first and last layers, and the blocks with a stride between them."""
    return [0, *(i for i, block in enumerate(features) if getattr(block, "_is_cn", False)), len(features) - 1]
