"""State dicts that fit, that carry DataParallel's prefix, that lack keys, have too many, or have other shapes."""

from collections import OrderedDict

import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 4, 3), bn=nn.BatchNorm2d(4), fc=nn.Linear(4, 2)))
state = net.state_dict()
print({k: v.shape for k, v in state.items()})

prefixed = OrderedDict(("module." + k, v) for k, v in state.items())
try:
    net.load_state_dict(prefixed)
except RuntimeError as e:
    print(e)
print(net.load_state_dict(prefixed, strict=False))
print(net.load_state_dict({k.replace("module.", ""): v for k, v in prefixed.items()}))

parallel = nn.DataParallel(net)
print(parallel)
print(list(parallel.state_dict())[:3], parallel.load_state_dict(prefixed))

other = dict(state)
other["fc.weight"] = torch.zeros(3, 4)
other["fc.more"] = torch.zeros(1)
del other["conv.bias"]
for strict in (True, False):
    try:
        net.load_state_dict(other, strict=strict)
    except RuntimeError as e:
        print(e)


class NoInit(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(1, 1, 1)


class NoForward(nn.Module):
    pass


for attempt in (NoInit, lambda: NoForward()(1), lambda: net.missing, lambda: setattr(net, "conv", 3)):
    try:
        attempt()
    except (AttributeError, NotImplementedError, TypeError) as e:
        print(type(e).__name__, e)
