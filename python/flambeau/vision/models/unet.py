"""U-Net (O. Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", 2015), with padding,
batch normalisation, and sizes that need not be multiples of 16.

torchvision has no U-Net. The state-dict keys are those of the implementation that most published checkpoints come
from (``inc.double_conv.0.weight``, ``down1.maxpool_conv.1…``, ``up1.up…``, ``outc.conv…``).
"""

from __future__ import annotations

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from ._api import builder

__all__ = ["UNet", "unet"]


class _DoubleConv(nn.Module):
    """Two 3x3 convolutions with batch normalisation and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, mid_channels: int | None = None) -> None:
        super().__init__()
        mid_channels = mid_channels or out_channels
        layers = []
        for before, after in ((in_channels, mid_channels), (mid_channels, out_channels)):
            layers += [
                nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        self.double_conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.double_conv(x)


class _Down(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), _DoubleConv(in_channels, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.maxpool_conv(x)


class _Up(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, bilinear: bool) -> None:
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = _DoubleConv(in_channels, out_channels, in_channels // 2)
        else:
            self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, kernel_size=2, stride=2)
            self.conv = _DoubleConv(in_channels, out_channels)

    def forward(self, x: Tensor, skipped: Tensor) -> Tensor:
        x = self.up(x)
        height, width = skipped.shape[2] - x.shape[2], skipped.shape[3] - x.shape[3]
        x = F.pad(x, [width // 2, width - width // 2, height // 2, height - height // 2])
        return self.conv(torch.cat([skipped, x], dim=1))


class _OutConv(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class UNet(nn.Module):
    """Images ``(N, n_channels, H, W)`` to scores of each pixel ``(N, n_classes, H, W)``.

    ``bilinear`` replaces the transposed convolutions by bilinear resizing.
    """

    def __init__(self, n_channels: int = 3, n_classes: int = 2, bilinear: bool = False) -> None:
        super().__init__()
        self.n_channels = n_channels
        self.n_classes = n_classes
        self.bilinear = bilinear
        factor = 2 if bilinear else 1
        self.inc = _DoubleConv(n_channels, 64)
        self.down1 = _Down(64, 128)
        self.down2 = _Down(128, 256)
        self.down3 = _Down(256, 512)
        self.down4 = _Down(512, 1024 // factor)
        self.up1 = _Up(1024, 512 // factor, bilinear)
        self.up2 = _Up(512, 256 // factor, bilinear)
        self.up3 = _Up(256, 128 // factor, bilinear)
        self.up4 = _Up(128, 64, bilinear)
        self.outc = _OutConv(64, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        skipped = [self.inc(x)]
        for down in (self.down1, self.down2, self.down3, self.down4):
            skipped.append(down(skipped[-1]))
        x = skipped.pop()
        for up in (self.up1, self.up2, self.up3, self.up4):
            x = up(x, skipped.pop())
        return self.outc(x)


unet = builder("unet", UNet)
