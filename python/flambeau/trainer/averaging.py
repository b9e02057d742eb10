"""Weights averaged over the steps of training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import flambeau as torch

__all__ = ["ExponentialMovingAverage"]


class ExponentialMovingAverage:
    """A model's weights, averaged over its steps: ``average = decay * average + (1 - decay) * weight``.

    The decay grows to its value as ``(1 + steps) / (10 + steps)``, so that the first steps, which are far from where
    training ends, are soon forgotten. Buffers are the model's latest.
    """

    def __init__(self, model, decay: float = 0.999) -> None:
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"a decay is at least 0 and below 1, but got {decay}")
        self.model = model
        self.decay = decay
        self.steps = 0
        self.average = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights after a step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, parameter in self.model.named_parameters():
            self.average[name].lerp_(parameter, 1.0 - decay)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Puts the average into the model for the duration of a block."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, parameter in self.model.named_parameters():
            kept = parameter.detach().clone()
            parameter.copy_(self.average[name])
            self.average[name] = kept

    def state_dict(self) -> dict:
        return {"steps": self.steps, "average": self.average}

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        self.steps = state["steps"]
        for name, average in self.average.items():
            average.copy_(state["average"][name])
