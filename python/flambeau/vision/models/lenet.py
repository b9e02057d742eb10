"""LeNet-5 (Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998), in the form of PyTorch's
own tutorial: ReLU and max pooling instead of the paper's squashing functions and trained averages.
"""

from __future__ import annotations

import flambeau as torch
from flambeau import Tensor, nn
from flambeau.nn import functional as F

from ._api import builder

__all__ = ["LeNet", "lenet"]


class LeNet(nn.Module):
    """Images ``(N, in_channels, 32, 32)`` to scores ``(N, num_classes)``."""

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


lenet = builder("lenet", LeNet)
