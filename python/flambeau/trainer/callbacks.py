"""What happens beside training, at its events."""

from __future__ import annotations

import os
import sys
import time

import flambeau as torch

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "Progress"]


class Callback:
    """Methods that a ``Trainer`` calls with itself; a subclass has those it needs.

    ``trainer.epoch``, ``trainer.batch`` and ``trainer.history`` say where training is, and ``trainer.stop = True`` ends it
    after the batch.
    """

    def on_fit_begin(self, trainer) -> None: ...

    def on_epoch_begin(self, trainer) -> None: ...

    def on_batch_end(self, trainer) -> None: ...

    def on_epoch_end(self, trainer, record: dict) -> None: ...

    def on_fit_end(self, trainer) -> None: ...


def _better(mode: str):
    if mode not in ("min", "max"):
        raise ValueError(f"mode is 'min' or 'max', but got {mode!r}")
    return (lambda new, old: new < old) if mode == "min" else (lambda new, old: new > old)


class EarlyStopping(Callback):
    """Ends training when a number of the epochs' records has not become better for ``patience`` epochs."""

    def __init__(self, monitor: str = "val_loss", patience: int = 3, mode: str = "min") -> None:
        self.monitor = monitor
        self.patience = patience
        self._better = _better(mode)

    def on_epoch_end(self, trainer, record: dict) -> None:
        # Counted from the history, which a checkpoint has, so that it goes on where it was.
        values = [past[self.monitor] for past in trainer.history]
        best = 0
        for number, value in enumerate(values):
            if self._better(value, values[best]):
                best = number
        if len(values) - 1 - best >= self.patience:
            trainer.stop = True


class Checkpoint(Callback):
    """Saves the trainer to ``path`` after every epoch, and after every ``every`` batches.

    With ``monitor``, the model of the best epoch goes to ``best``, as a state dict.
    """

    def __init__(
        self, path: str | os.PathLike, every: int | None = None, monitor: str | None = None, mode: str = "min",
        best: str | os.PathLike | None = None,
    ) -> None:
        if (monitor is None) != (best is None):
            raise ValueError("monitor and best go together: a number of the epochs' records, and a path")
        self.path = path
        self.every = every
        self.monitor = monitor
        self.best = best
        self._better = _better(mode)

    def on_batch_end(self, trainer) -> None:
        if self.every and trainer.batch % self.every == 0:
            trainer.save(self.path)

    def on_epoch_end(self, trainer, record: dict) -> None:
        trainer.save(self.path)
        if self.monitor is not None:
            earlier = [past[self.monitor] for past in trainer.history[:-1]]
            if all(self._better(record[self.monitor], value) for value in earlier):
                with trainer.averaged():
                    torch.save(trainer.model.state_dict(), self.best)


class Progress(Callback):
    """A line for each epoch on standard error, and where that is a terminal, the state of the current one."""

    def __init__(self, file=None) -> None:
        self.file = file or sys.stderr
        self._shown = 0.0

    def on_batch_end(self, trainer) -> None:
        now = time.monotonic()
        if self.file.isatty() and now - self._shown > 0.1:
            self._shown = now
            of = f"/{trainer.batches}" if trainer.batches else ""
            self.file.write(
                f"\repoch {trainer.epoch + 1}/{trainer.epochs}  batch {trainer.batch}{of}  loss {trainer.loss_mean:.4f}\x1b[K"
            )
            self.file.flush()

    def on_epoch_end(self, trainer, record: dict) -> None:
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in record.items() if name not in ("epoch", "seconds"))
        start = "\r\x1b[K" if self.file.isatty() else ""
        print(f"{start}epoch {record['epoch']}/{trainer.epochs}  {numbers}  {record['seconds']:.1f} s", file=self.file)
