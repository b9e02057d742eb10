"""Mistakes that people make, and what they read then."""

import torch
import torch.nn as nn
import torch.nn.functional as F

x = torch.arange(12.0)
attempts = [
    lambda: x.view(5, 3),
    lambda: x.reshape(7, -1),
    lambda: x.view(3, 4).t().view(12),
    lambda: torch.cat([torch.zeros(2, 3), torch.zeros(2, 4)]),
    lambda: torch.stack([torch.zeros(2), torch.zeros(3)]),
    lambda: torch.zeros(2, 3) @ torch.zeros(2, 3),
    lambda: torch.zeros(3) + torch.zeros(4),
    lambda: torch.zeros(2, 3).squeeze(5),
    lambda: x[20],
    lambda: x.item(),
    lambda: bool(x),
    lambda: torch.tensor([[1, 2], [3]]),
    lambda: torch.zeros(2, dtype=torch.int64).requires_grad_(),
    lambda: torch.zeros(2, requires_grad=True).numpy(),
    lambda: torch.zeros(2, requires_grad=True).backward(),
    lambda: torch.zeros(2).sum().backward(),
    lambda: nn.Linear(3, 2)(torch.zeros(2, 4)),
    lambda: nn.BatchNorm2d(3)(torch.zeros(2, 3)),
    lambda: nn.BatchNorm1d(3)(torch.zeros(1, 3)),
    lambda: nn.Conv2d(3, 2, 3)(torch.zeros(1, 3, 2, 2)),
    lambda: nn.Conv2d(3, 2, 3)(torch.zeros(1, 1, 8, 8)),
    lambda: nn.Conv2d(3, 4, 3)(torch.zeros(1, 3, 9, 9, dtype=torch.float64)),
    lambda: nn.Conv2d(3, 4, 3, groups=2),
    lambda: nn.MaxPool2d(4)(torch.zeros(1, 1, 2, 2)),
    lambda: nn.Sequential(nn.Linear(2, 2))[3],
    lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([1, 5])),
    lambda: F.cross_entropy(torch.zeros(2, 3), torch.zeros(2)),
    lambda: F.nll_loss(torch.zeros(2, 3), torch.zeros(3, dtype=torch.long)),
    lambda: F.binary_cross_entropy(torch.tensor([2.0]), torch.tensor([1.0])),
    lambda: F.interpolate(torch.zeros(1, 1, 2, 2)),
    lambda: torch.optim.SGD([], lr=0.1),
    lambda: torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=-1),
]
for attempt in attempts:
    try:
        print(attempt())
    except Exception as e:
        print(type(e).__name__, e)

y = torch.ones(2, requires_grad=True)
z = (y * y).sum()
z.backward()
try:
    z.backward()
except RuntimeError as e:
    print(e)
try:
    y += 1
except RuntimeError as e:
    print(e)
w = y.exp()
w.add_(1)
try:
    w.sum().backward()
except RuntimeError as e:
    print(e)
