"""Which learning rate to begin with."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import flambeau as torch

__all__ = ["RateSearch", "find_learning_rate"]

#: how much the smoothed loss keeps of what it was
_MEMORY = 0.9


@dataclass
class RateSearch:
    """What a search saw: the rates that were tried, the smoothed losses, and the rate to take."""

    rates: list[float]
    losses: list[float]
    suggestion: float


def _endless(loader: Iterable):
    while True:
        empty = True
        for batch in loader:
            empty = False
            yield batch
        if empty:
            raise ValueError("the loader has no batch")


def find_learning_rate(
    model, optimizer, loss: Callable, loader: Iterable, low: float = 1e-6, high: float = 1.0, steps: int = 100
) -> RateSearch:
    """Trains a little with rates that grow from ``low`` to ``high`` by the same factor every step, until the loss is four
    times the least, and suggests the rate at which it fell fastest (L. Smith, "Cyclical learning rates for training
    neural networks", 2017). Model, optimiser and generator are put back as they were.
    """
    if not 0.0 < low < high or steps < 10:
        raise ValueError(f"rates from {low} to {high} in {steps} steps: 0 < low < high and at least 10 steps are needed")
    kept = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict()), torch.get_rng_state(), model.training
    rates, losses, smooth = [], [], 0.0
    model.train()
    try:
        for step, (input, target) in enumerate(itertools.islice(_endless(loader), steps)):
            rate = low * (high / low) ** (step / (steps - 1))
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad()
            value = loss(model(input), target)
            smooth = _MEMORY * smooth + (1 - _MEMORY) * value.item()
            current = smooth / (1 - _MEMORY ** (step + 1))
            if not math.isfinite(current) or (losses and current > 4 * min(losses)):
                break
            rates.append(rate)
            losses.append(current)
            value.backward()
            optimizer.step()
    finally:
        model.load_state_dict(kept[0])
        optimizer.load_state_dict(kept[1])
        torch.set_rng_state(kept[2])
        model.train(kept[3])
    falls = [after - before for before, after in zip(losses, losses[1:])]
    if not falls:
        raise RuntimeError(f"the loss grew beyond all bounds at the lowest rate, {low}")
    return RateSearch(rates, losses, rates[min(range(len(falls)), key=falls.__getitem__)])
