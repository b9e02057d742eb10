"""The three networks of MTCNN (K. Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional
networks", 2016), which find faces; ``flambeau detect`` puts them together.

torchvision has no such networks. The state-dict keys are those of PyPI ``facenet-pytorch``, whose weights are published.
"""

from __future__ import annotations

import flambeau as torch
from flambeau import Tensor, nn

__all__ = ["ONet", "PNet", "RNet"]


class _Cascade(nn.Module):
    """Convolutions with PReLU, and pooling whose last window may reach beyond the image."""

    #: out channels, kernel, and the size of the pooling that follows, if one does
    convolutions: tuple = ()

    def __init__(self) -> None:
        super().__init__()
        channels = 3
        for i, (out_channels, kernel, pool) in enumerate(self.convolutions, start=1):
            self.add_module(f"conv{i}", nn.Conv2d(channels, out_channels, kernel))
            self.add_module(f"prelu{i}", nn.PReLU(out_channels))
            if pool:
                self.add_module(f"pool{i}", nn.MaxPool2d(pool, 2, ceil_mode=True))
            channels = out_channels

    def features(self, x: Tensor) -> Tensor:
        for i, (_, _, pool) in enumerate(self.convolutions, start=1):
            x = getattr(self, f"prelu{i}")(getattr(self, f"conv{i}")(x))
            if pool:
                x = getattr(self, f"pool{i}")(x)
        return x

    @staticmethod
    def flatten(x: Tensor) -> Tensor:
        """Width before height, as the weights expect it."""
        return torch.flatten(x.permute(0, 3, 2, 1), 1)


class PNet(_Cascade):
    """Looks at windows of 12 pixels, two pixels apart: ``(N, 3, H, W)`` to offsets ``(N, 4, h, w)`` and the
    probabilities of no face and of a face ``(N, 2, h, w)``.
    """

    convolutions = ((10, 3, 2), (16, 3, 0), (32, 3, 0))

    def __init__(self) -> None:
        super().__init__()
        self.conv4_1 = nn.Conv2d(32, 2, kernel_size=1)
        self.softmax4_1 = nn.Softmax(dim=1)
        self.conv4_2 = nn.Conv2d(32, 4, kernel_size=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.features(x)
        return self.conv4_2(x), self.softmax4_1(self.conv4_1(x))


class RNet(_Cascade):
    """Looks at images of 24 pixels: ``(N, 3, 24, 24)`` to offsets ``(N, 4)`` and probabilities ``(N, 2)``."""

    convolutions = ((28, 3, 3), (48, 3, 3), (64, 2, 0))

    def __init__(self) -> None:
        super().__init__()
        self.dense4 = nn.Linear(576, 128)
        self.prelu4 = nn.PReLU(128)
        self.dense5_1 = nn.Linear(128, 2)
        self.softmax5_1 = nn.Softmax(dim=1)
        self.dense5_2 = nn.Linear(128, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.prelu4(self.dense4(self.flatten(self.features(x))))
        return self.dense5_2(x), self.softmax5_1(self.dense5_1(x))


class ONet(_Cascade):
    """Looks at images of 48 pixels: ``(N, 3, 48, 48)`` to offsets ``(N, 4)``, five abscissas and five ordinates of
    landmarks ``(N, 10)``, and probabilities ``(N, 2)``.
    """

    convolutions = ((32, 3, 3), (64, 3, 3), (64, 3, 2), (128, 2, 0))

    def __init__(self) -> None:
        super().__init__()
        self.dense5 = nn.Linear(1152, 256)
        self.prelu5 = nn.PReLU(256)
        self.dense6_1 = nn.Linear(256, 2)
        self.softmax6_1 = nn.Softmax(dim=1)
        self.dense6_2 = nn.Linear(256, 4)
        self.dense6_3 = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.prelu5(self.dense5(self.flatten(self.features(x))))
        return self.dense6_2(x), self.dense6_3(x), self.softmax6_1(self.dense6_1(x))
