"""The loader: batches of a data set, made here or in worker processes."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import multiprocessing.context
import os
import queue
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from flambeau import _native
from flambeau._utils import ExceptionWrapper

from ._utils import MP_STATUS_CHECK_INTERVAL, worker
from ._utils.collate import default_collate, default_convert
from ._utils.fetch import IterableFetcher, MapFetcher
from ._utils.worker import get_worker_info
from .dataset import Dataset, IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

_T_co = TypeVar("_T_co", covariant=True)


class _InfiniteConstantSampler(Sampler):
    """The indices of an iterable data set, which has none."""

    def __iter__(self):
        return itertools.repeat(None)


class DataLoader(Generic[_T_co]):
    """Iterates over a data set in batches."""

    dataset: Dataset[_T_co]
    _iterator: Any = None
    __initialized = False

    def __init__(
        self, dataset: Dataset[_T_co], batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Sampler | Iterable | None = None, batch_sampler: Sampler[list] | Iterable[list] | None = None,
        num_workers: int = 0, collate_fn: Callable | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Callable | None = None, multiprocessing_context=None, generator=None, *,
        prefetch_factor: int | None = None, persistent_workers: bool = False, pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
            )
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable "
                "multiprocessing, otherwise set prefetch_factor to None."
            )
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        elif prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order

        self._iterable = isinstance(dataset, IterableDataset)
        if self._iterable:
            for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None and not (name == "shuffle" and value is False):
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                    )
        else:
            shuffle = bool(shuffle)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if self._iterable:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._IterableDataset_len_called = None
        self._warn_about_workers()
        self.__initialized = True

    @property
    def multiprocessing_context(self):
        """How worker processes are started."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context) -> None:
        if context is not None:
            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                    f"num_workers={self.num_workers}"
                )
            if isinstance(context, str):
                methods = multiprocessing.get_all_start_methods()
                if context not in methods:
                    raise ValueError(
                        f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                        f"multiprocessing_context={context!r}"
                    )
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string specifying the start "
                    f"method, but got multiprocessing_context={context}"
                )
        self.__multiprocessing_context = context

    def __setattr__(self, attr, val) -> None:
        fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
        if self.__initialized and attr in fixed:
            raise ValueError(f"{attr} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(attr, val)

    def _warn_about_workers(self) -> None:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        if self.num_workers and processors is not None and self.num_workers > processors:
            unsure = "" if hasattr(os, "sched_getaffinity") else " (`cpuset` is not taken into account)"
            warnings.warn(
                f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number of "
                f"worker in current system is {processors}{unsure}, which is smaller than what this DataLoader is going to "
                "create. Please be aware that excessive worker creation might get DataLoader running slow or even freeze, "
                "lower the worker number to avoid potential slowness/freeze if necessary.",
                stacklevel=3,
            )

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.batch_sampler if self._auto_collation else self.sampler

    def _get_iterator(self):
        return _SingleProcessDataLoaderIter(self) if self.num_workers == 0 else _MultiProcessingDataLoaderIter(self)

    def __iter__(self):
        if not (self.persistent_workers and self.num_workers > 0):
            return self._get_iterator()
        if self._iterator is None:
            self._iterator = self._get_iterator()
        else:
            self._iterator._restart(self)
        return self._iterator

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)


class _BaseDataLoaderIter:
    """One pass over the data."""

    def __init__(self, loader: DataLoader) -> None:
        self._dataset = loader.dataset
        self._iterable = loader._iterable
        self._index_sampler = loader._index_sampler
        self._make_fetcher = IterableFetcher if loader._iterable else MapFetcher
        self._num_workers = loader.num_workers
        if loader.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used.",
                stacklevel=3,
            )
        self._timeout = loader.timeout
        self._rewind(loader)
        # drawn whether or not there are workers: a loader always takes this number from the stream
        seed = _native.empty((), dtype=_native.int64)
        self._base_seed = seed.random_(generator=loader.generator).item()

    def _rewind(self, loader) -> None:
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._expected = loader._IterableDataset_len_called

    def __iter__(self):
        return self

    def _next_data(self):
        raise NotImplementedError

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        if self._iterable and self._expected is not None and self._num_yielded > self._expected:
            message = (
                f"Length of IterableDataset {self._dataset} was reported to be {self._expected}(when accessing "
                f"len(dataloader)), but {self._num_yielded} samples have been fetched. "
            )
            if self._num_workers > 0:
                message += (
                    "For multiprocessing data-loading, this could be caused by not properly configuring the "
                    "IterableDataset replica at each worker. Please see "
                    "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
                )
            warnings.warn(message, stacklevel=2)
        return data

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self):
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Makes every batch when it is asked for."""

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        self._fetcher = self._make_fetcher(self._dataset, loader._auto_collation, loader.collate_fn, loader.drop_last)

    def _next_data(self):
        return self._fetcher.fetch(next(self._sampler_iter))


def _shut_down(workers, index_queues, done) -> None:
    """Ends worker processes, patiently first."""
    done.set()
    for indices in index_queues:
        indices.put(None)
    for process in workers:
        process.join(timeout=MP_STATUS_CHECK_INTERVAL)
    for indices in index_queues:
        indices.cancel_join_thread()
        indices.close()
    for process in workers:
        if process.is_alive():
            process.terminate()
            process.join(timeout=MP_STATUS_CHECK_INTERVAL)


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Has batches made ahead by worker processes.

    Requests are numbered and dealt to the workers in turn; answers are given out
    in the order of their numbers, so that the result does not depend on timing.
    """

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        context = loader.multiprocessing_context or multiprocessing.get_context()
        self._persistent = loader.persistent_workers
        self._in_order = loader.in_order
        self._ahead = loader.prefetch_factor * loader.num_workers
        self._results = context.Queue()
        self._done = context.Event()
        self._index_queues = []
        self._workers = []
        for worker_id in range(loader.num_workers):
            indices = context.Queue()
            indices.cancel_join_thread()
            job = worker.Job(
                self._make_fetcher, self._dataset, loader._auto_collation, loader.collate_fn, loader.drop_last,
                self._base_seed, loader.worker_init_fn, worker_id, loader.num_workers,
            )
            process = context.Process(
                target=worker.run, args=(job, indices, self._results, self._done, os.getpid()), daemon=True
            )
            process.start()
            self._index_queues.append(indices)
            self._workers.append(process)
        self._finalizer = weakref.finalize(self, _shut_down, self._workers, self._index_queues, self._done)
        self._begin()

    def _begin(self) -> None:
        self._sent = 0
        self._next = 0
        self._owner: dict[int, int] = {}  # number of a request -> its worker
        self._ready: dict[int, Any] = {}
        self._active = [True] * self._num_workers
        self._turn = itertools.cycle(range(self._num_workers))
        for _ in range(self._ahead):
            self._request()

    def _restart(self, loader: DataLoader) -> None:
        """Another pass with the same worker processes."""
        self._rewind(loader)
        for indices in self._index_queues:
            indices.put(worker.Reset())
        waiting = self._num_workers
        while waiting:  # answers to what the last pass left over are dropped
            number, _ = self._receive()
            waiting -= isinstance(number, worker.Reset)
        self._begin()

    def _request(self) -> None:
        if not any(self._active):
            return
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            return
        worker_id = next(i for i in self._turn if self._active[i])
        self._index_queues[worker_id].put((self._sent, index))
        self._owner[self._sent] = worker_id
        self._sent += 1

    def _receive(self):
        waited = 0.0
        while True:
            step = min(MP_STATUS_CHECK_INTERVAL, self._timeout - waited) if self._timeout else MP_STATUS_CHECK_INTERVAL
            try:
                return self._results.get(timeout=step)
            except queue.Empty:
                dead = [process.pid for process in self._workers if not process.is_alive()]
                if dead:
                    pids = ", ".join(map(str, dead))
                    raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly") from None
            waited += step
            if self._timeout and waited >= self._timeout:
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")

    def _next_data(self):
        while True:
            while self._next not in self._owner and self._next < self._sent:
                self._next += 1  # given out of order, or after the end of a worker's data
            if self._next >= self._sent:
                if not self._persistent:
                    self._finalizer()
                raise StopIteration
            if self._next in self._ready:
                number, data = self._next, self._ready.pop(self._next)
            else:
                number, data = self._receive()
                if self._in_order and number != self._next and not isinstance(data, worker.End):
                    self._ready[number] = data
                    continue
            owner = self._owner.pop(number)
            if isinstance(data, worker.End):
                self._active[owner] = False
                self._request()
                continue
            self._request()
            if isinstance(data, ExceptionWrapper):
                data.reraise()
            return data
