"""Tensors, sizes, modules, optimisers and schedulers as ``print`` shows them."""

import torch
import torch.nn as nn

torch.manual_seed(3)
torch.set_num_threads(1)
print(torch.randn(3, 4), torch.randint(0, 10, (3,)), torch.rand(1000).mean())
print(torch.linspace(0, 1e6, 5), torch.tensor([1e-8, 1.0]), torch.tensor([float("nan"), -float("inf")]))
print(torch.randn(30, 40), torch.zeros(0, 3), torch.tensor(3), torch.tensor([True]), torch.ones(2, dtype=torch.float16))
print(torch.zeros(2, 3).size(), torch.Size([1, 2]) + torch.Size([3]), torch.zeros(2).dtype, torch.zeros(2).device)
print(nn.Parameter(torch.ones(2)), torch.ones(1, requires_grad=True) * 2)
net = nn.Sequential(
    nn.Conv2d(3, 8, 3, stride=2, padding="valid", bias=False), nn.LeakyReLU(0.1, inplace=True),
    nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)]), nn.ModuleDict({"a": nn.GELU()}), nn.Upsample(scale_factor=2),
)
print(net)
for cls, options in ((torch.optim.Adam, {}), (torch.optim.AdamW, {"lr": 1e-2}), (torch.optim.RMSprop, {"centered": True})):
    optimizer = cls(net.parameters(), **options)
    print(optimizer, optimizer.state_dict())
for make in (
    lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 10),
    lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [1, 3]),
    lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=5),
):
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    scheduler = make(optimizer)
    rates = []
    for _ in range(4):
        optimizer.step()
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    print(rates, sorted(scheduler.state_dict()))
