"""Teaches the last layer of a network something new, and leaves the rest as it is:

    python examples/fine_tune.py [WEIGHTS]

The new task is a toy: bright images against dark ones. Without weights, the features are random, which is enough here.
"""

import sys

import flambeau as torch
from flambeau import nn
from flambeau.vision import models


def main(weights=None):
    torch.manual_seed(0)
    net = models.resnet18()
    if weights is not None:
        net.load_state_dict(torch.load(weights))
    for parameter in net.parameters():
        parameter.requires_grad = False
    net.fc = nn.Linear(net.fc.in_features, 2)

    images = torch.rand(32, 3, 64, 64) * 0.5
    labels = torch.arange(32) % 2
    images += 0.5 * labels.view(-1, 1, 1, 1)

    optimizer = torch.optim.Adam(net.fc.parameters(), lr=0.01)
    net.eval()  # running statistics stay as they are
    for step in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        if step % 5 == 0:
            print(f"step {step}: loss {loss.item():.3f}")
    with torch.no_grad():
        right = (net(images).argmax(1) == labels).float().mean().item()
    print(f"{100 * right:.0f} % right")
    return right


if __name__ == "__main__":
    main(*sys.argv[1:])
