"""The loop over epochs and batches."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Sequence

import flambeau as torch

from .averaging import ExponentialMovingAverage
from .callbacks import Callback, Progress
from .metrics import Mean, Metric

__all__ = ["Trainer"]


class Trainer:
    """Trains a model on batches ``(input, target)``.

    Args:
        loss: a function of the model's output and the target, a mean over the batch.
        metrics: what is told of every epoch beside the loss, of both loaders.
        scheduler: a learning-rate scheduler, stepped after every epoch, or after every step of the optimiser with
            ``scheduler_each="step"``. ``ReduceLROnPlateau`` is given the validation loss.
        accumulate: batches whose gradients make one step.
        max_grad_norm: the norm that all gradients together are cut down to.
        amp: ``torch.bfloat16`` computes the model and the loss of training batches in mixed precision, as in a block of
            ``torch.autocast("cpu")``; weights and what the optimiser keeps stay as they are.
        ema_decay: trains as ever, but validates and saves the best with weights averaged over the steps.
    """

    def __init__(
        self,
        model,
        optimizer,
        loss: Callable,
        *,
        metrics: Sequence[Metric] = (),
        scheduler=None,
        scheduler_each: str = "epoch",
        accumulate: int = 1,
        max_grad_norm: float | None = None,
        amp: torch.dtype | None = None,
        ema_decay: float | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        if accumulate < 1:
            raise ValueError(f"gradients of at least one batch make a step, but accumulate is {accumulate}")
        if scheduler_each not in ("epoch", "step"):
            raise ValueError(f"scheduler_each is 'epoch' or 'step', but got {scheduler_each!r}")
        if amp not in (None, torch.bfloat16):
            raise ValueError(f"mixed precision trains with bfloat16, but got amp={amp}")
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = list(metrics)
        self.scheduler = scheduler
        self.scheduler_each = scheduler_each
        self.accumulate = accumulate
        self.max_grad_norm = max_grad_norm
        self.amp = amp
        self.ema = ExponentialMovingAverage(model, ema_decay) if ema_decay is not None else None
        self.callbacks = [Progress()] if callbacks is None else list(callbacks)
        #: a dict for each finished epoch
        self.history: list[dict] = []
        #: finished epochs, and batches of the current one
        self.epoch, self.batch = 0, 0
        self.epochs, self.batches = 0, None
        self.stop = False
        self._mean = Mean("loss")
        self._epoch_rng = None
        self._seconds = 0.0

    @property
    def loss_mean(self) -> float:
        """The mean loss of the current epoch so far."""
        return self._mean.compute()

    def fit(self, loader: Iterable, val_loader: Iterable | None = None, epochs: int = 1) -> list[dict]:
        """Trains until ``epochs`` epochs are finished, those of a checkpoint that was loaded included.

        The global generator is left where training needs it: to repeat a run, seed before.
        """
        self.epochs = epochs
        self.batches = len(loader) if hasattr(loader, "__len__") else None
        self.stop = False
        self._tell("on_fit_begin")
        while self.epoch < epochs and not self.stop:
            self._train_epoch(loader)
            if self.stop and self.batch:
                break  # in the middle of the epoch
            record = {"epoch": self.epoch, "loss": self.loss_mean}
            record.update({metric.name: metric.compute() for metric in self.metrics})
            if val_loader is not None:
                with self.averaged():
                    record.update({f"val_{name}": value for name, value in self.evaluate(val_loader).items()})
            record["lr"] = self.optimizer.param_groups[0]["lr"]
            record["seconds"] = self._seconds
            if self.scheduler is not None and self.scheduler_each == "epoch":
                if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                    self.scheduler.step(record.get("val_loss", record["loss"]))
                else:
                    self.scheduler.step()
            self.history.append(record)
            self._tell("on_epoch_end", record)
        self._tell("on_fit_end")
        return self.history

    def _train_epoch(self, loader: Iterable) -> None:
        resumed_at = self.batch
        if resumed_at:
            # The same order as then, up to where it was left, and from there on the same numbers.
            now = torch.get_rng_state()
            torch.set_rng_state(self._epoch_rng)
            batches = iter(loader)
            collections.deque(itertools.islice(batches, resumed_at), maxlen=0)
            torch.set_rng_state(now)
        else:
            self._epoch_rng = torch.get_rng_state()
            self._seconds = 0.0
            for metric in (self._mean, *self.metrics):
                metric.reset()
            self._tell("on_epoch_begin")
            batches = iter(loader)
        began, before = time.monotonic(), self._seconds
        self.model.train()
        self.optimizer.zero_grad()
        pending = 0
        for input, target in batches:
            with torch.autocast("cpu", enabled=self.amp is not None):
                output = self.model(input)
                loss = self.loss(output, target)
            (loss / self.accumulate if self.accumulate > 1 else loss).backward()
            self._mean.update(loss.item(), len(target))
            for metric in self.metrics:
                metric.update(output, target)
            pending += 1
            if pending == self.accumulate:
                self._step()
                pending = 0
            self.batch += 1
            self._seconds = before + time.monotonic() - began
            if pending == 0:  # a checkpoint between the batches of one step would lose their gradients
                self._tell("on_batch_end")
            if self.stop and pending == 0:
                return
        if pending:
            self._step()
        self.epoch += 1
        self.batch = 0

    def _step(self) -> None:
        if self.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.ema is not None:
            self.ema.update()
        if self.scheduler is not None and self.scheduler_each == "step":
            self.scheduler.step()

    @torch.no_grad()
    def evaluate(self, loader: Iterable) -> dict:
        """The mean loss and the metrics over a loader's batches, with the model as it is, in evaluation mode."""
        mode = self.model.training
        kept = [metric.state_dict() for metric in self.metrics]
        mean = Mean("loss")
        for metric in self.metrics:
            metric.reset()
        self.model.eval()
        try:
            for input, target in loader:
                output = self.model(input)
                mean.update(self.loss(output, target), len(target))
                for metric in self.metrics:
                    metric.update(output, target)
            return {"loss": mean.compute(), **{metric.name: metric.compute() for metric in self.metrics}}
        finally:
            self.model.train(mode)
            for metric, state in zip(self.metrics, kept):
                metric.load_state_dict(state)

    def averaged(self):
        """A block in which the model has its averaged weights, if there are such."""
        return self.ema.applied() if self.ema is not None else contextlib.nullcontext()

    def state_dict(self) -> dict:
        """Everything that going on needs: weights, optimiser, scheduler, averages, place in the epoch, generator."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "ema": self.ema.state_dict() if self.ema is not None else None,
            "metrics": [metric.state_dict() for metric in (self._mean, *self.metrics)],
            "history": self.history,
            "epoch": self.epoch,
            "batch": self.batch,
            "seconds": self._seconds,
            "rng": torch.get_rng_state(),
            "epoch_rng": self._epoch_rng,
        }

    def load_state_dict(self, state: dict) -> None:
        """Goes back to a saved state; ``fit`` then goes on from there, with a loader that has the same batches."""
        for name, part in (("scheduler", self.scheduler), ("ema", self.ema)):
            if (state[name] is None) != (part is None):
                raise ValueError(f"the checkpoint was made {'without' if part is not None else 'with'} {name}")
        if len(state["metrics"]) != 1 + len(self.metrics):
            raise ValueError(f"the checkpoint has {len(state['metrics']) - 1} metrics, and the trainer {len(self.metrics)}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        for metric, kept in zip((self._mean, *self.metrics), state["metrics"]):
            metric.load_state_dict(kept)
        self.history = list(state["history"])
        self.epoch, self.batch, self._seconds = state["epoch"], state["batch"], state["seconds"]
        self._epoch_rng = state["epoch_rng"]
        torch.set_rng_state(state["rng"])

    def save(self, path: str | os.PathLike) -> None:
        """Writes ``state_dict``, whole or not at all."""
        temporary = f"{os.fspath(path)}.part"
        torch.save(self.state_dict(), temporary)
        os.replace(temporary, path)

    def load(self, path: str | os.PathLike) -> None:
        """Reads what ``save`` wrote."""
        self.load_state_dict(torch.load(path))

    def _tell(self, event: str, *arguments) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *arguments)
