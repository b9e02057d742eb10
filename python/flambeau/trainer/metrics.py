"""Numbers that tell how good a model is, gathered over batches.

All but ``Mean`` look at scores ``(N, C)``, or ``(N, C, …)`` with a prediction in every place, and at the right classes
``(N, …)``.
"""

from __future__ import annotations

import math

import flambeau as torch

__all__ = ["Accuracy", "ConfusionMatrix", "F1", "Mean", "Metric", "Precision", "Recall", "TopK"]


class Metric:
    """``update`` with every batch, ``compute`` at the end, ``reset`` before the next time."""

    name = "metric"

    def reset(self) -> None:
        raise NotImplementedError

    def update(self, output, target) -> None:
        raise NotImplementedError

    def compute(self) -> float:
        """The number so far; NaN if there was nothing to look at."""
        raise NotImplementedError

    def state_dict(self) -> dict:
        """What was gathered, to go on with later."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def load_state_dict(self, state: dict) -> None:
        vars(self).update(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.compute():.4g})"


class Mean(Metric):
    """The mean of numbers, each counted as often as ``weight`` says."""

    def __init__(self, name: str = "mean") -> None:
        self.name = name
        self.reset()

    def reset(self) -> None:
        self.total, self.weight = 0.0, 0.0

    def update(self, value, weight: float = 1.0) -> None:
        self.total += float(value) * weight
        self.weight += weight

    def compute(self) -> float:
        return self.total / self.weight if self.weight else math.nan


class TopK(Metric):
    """The share of samples whose class is among the ``k`` with the highest scores."""

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"k is at least 1, but got {k}")
        self.k = k
        self.name = "accuracy" if k == 1 else f"top{k}"
        self.reset()

    def reset(self) -> None:
        self.right, self.count = 0, 0

    def update(self, output, target) -> None:
        k = min(self.k, output.shape[1])
        best = output.detach().topk(k, dim=1).indices
        self.right += int((best == target.unsqueeze(1)).sum())
        self.count += target.numel()

    def compute(self) -> float:
        return self.right / self.count if self.count else math.nan


class Accuracy(TopK):
    """The share of samples whose class has the highest score."""

    def __init__(self) -> None:
        super().__init__(1)


class ConfusionMatrix(Metric):
    """How often each class (row) was taken for each (column): ``matrix``, int64 ``(classes, classes)``.

    The number that it computes is the accuracy.
    """

    name = "confusion"

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.reset()

    def reset(self) -> None:
        self.matrix = torch.zeros(self.classes, self.classes, dtype=torch.int64)

    def update(self, output, target) -> None:
        predicted = output.detach().argmax(dim=1).reshape(-1)
        cells = target.reshape(-1).to(torch.int64) * self.classes + predicted
        self.matrix += torch.bincount(cells, minlength=self.classes**2).reshape(self.classes, self.classes)

    def compute(self) -> float:
        count = int(self.matrix.sum())
        return int(self.matrix.diagonal().sum()) / count if count else math.nan

    def precision(self):
        """Of what was taken for a class, the share that is of it: float64 ``(classes,)``; 0 where nothing was."""
        return self._shares(self.matrix.sum(dim=0))

    def recall(self):
        """Of a class, the share that was taken for it."""
        return self._shares(self.matrix.sum(dim=1))

    def f1(self):
        """The harmonic mean of precision and recall."""
        return self._shares(self.matrix.sum(dim=0) + self.matrix.sum(dim=1), 2.0)

    def _shares(self, counts, factor: float = 1.0):
        return factor * self.matrix.diagonal().to(torch.float64) / counts.clamp(min=1).to(torch.float64)


class _MacroMean(ConfusionMatrix):
    """A mean over classes, each counting the same, as scikit-learn's ``average="macro"``."""

    def compute(self) -> float:
        seen = (self.matrix.sum(dim=0) + self.matrix.sum(dim=1)) > 0
        return float(self._of_classes()[seen].mean()) if bool(seen.any()) else math.nan

    def _of_classes(self):
        raise NotImplementedError


class Precision(_MacroMean):
    """The mean over classes of ``ConfusionMatrix.precision``."""

    name = "precision"

    def _of_classes(self):
        return self.precision()


class Recall(_MacroMean):
    """The mean over classes of ``ConfusionMatrix.recall``."""

    name = "recall"

    def _of_classes(self):
        return self.recall()


class F1(_MacroMean):
    """The mean over classes of ``ConfusionMatrix.f1``."""

    name = "f1"

    def _of_classes(self):
        return self.f1()
