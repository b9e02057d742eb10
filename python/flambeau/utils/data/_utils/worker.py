"""What runs in a worker process."""

from __future__ import annotations

import os
import queue
import random
import sys
from dataclasses import dataclass
from typing import Any

from flambeau import _native
from flambeau._utils import ExceptionWrapper

_worker_info = None


@dataclass(frozen=True)
class WorkerInfo:
    """Which worker this process is."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


def get_worker_info() -> WorkerInfo | None:
    """In a worker process, who it is; elsewhere None."""
    return _worker_info


class End:
    """Sent instead of data when an iterable data set is at its end."""


class Reset:
    """Asks a persistent worker to start from the beginning, and is its answer."""


@dataclass
class Job:
    """Everything a worker has to know."""

    make_fetcher: Any
    dataset: Any
    auto_collation: bool
    collate_fn: Any
    drop_last: bool
    base_seed: int
    init_fn: Any
    worker_id: int
    num_workers: int

    def fetcher(self):
        return self.make_fetcher(self.dataset, self.auto_collation, self.collate_fn, self.drop_last)


def _numpy_seed(base_seed: int, worker_id: int) -> list[int]:
    """Four words by the hash of NumPy's SeedSequence (O'Neill's randutils)."""
    mask = 0xFFFFFFFF

    def hasher(multiplier: int, constant: int):
        def hash_word(word: int) -> int:
            nonlocal constant
            word = (word ^ constant) & mask
            constant = (constant * multiplier) & mask
            word = (word * constant) & mask
            return word ^ (word >> 16)

        return hash_word

    def mix(x: int, y: int) -> int:
        word = ((0xCA01F9DD * x & mask) - (0x4973F715 * y & mask)) & mask
        return word ^ (word >> 16)

    absorb = hasher(0x931E8875, 0x43B0D7E5)
    pool = [absorb(word) for word in (worker_id, base_seed & mask, base_seed >> 32, 0)]
    for source in range(4):
        for target in range(4):
            if source != target:
                pool[target] = mix(pool[target], absorb(pool[source]))
    squeeze = hasher(0x58F38DED, 0x8B51F9DD)
    return [squeeze(word) for word in pool]


def _seed_everything(base_seed: int, worker_id: int) -> int:
    seed = base_seed + worker_id
    random.seed(seed)
    _native.default_generator.manual_seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(_numpy_seed(base_seed, worker_id))
    return seed


def run(job: Job, indices, results, done, parent: int) -> None:
    """Answers every (number, index) from ``indices`` with (number, data) until told to stop."""
    global _worker_info
    _native.set_num_threads(1)  # workers run side by side; and threads do not survive a fork
    seed = _seed_everything(job.base_seed, job.worker_id)
    _worker_info = WorkerInfo(job.worker_id, job.num_workers, seed, job.dataset)
    where = f"in DataLoader worker process {job.worker_id}"
    fetcher, failure = None, None
    try:
        if job.init_fn is not None:
            job.init_fn(job.worker_id)
        fetcher = job.fetcher()
    except Exception:
        failure = ExceptionWrapper(where=where)
    try:
        while True:
            try:
                request = indices.get(timeout=5.0)
            except queue.Empty:
                if os.getppid() != parent:  # the main process is gone
                    return
                continue
            if request is None or done.is_set():
                return
            if isinstance(request, Reset):
                fetcher = job.fetcher()
                results.put((request, None))
                continue
            number, index = request
            if failure is not None:
                data, failure = failure, None
            else:
                try:
                    data = fetcher.fetch(index)
                except StopIteration:
                    data = End()
                except Exception:
                    data = ExceptionWrapper(where=where)
            results.put((number, data))
    except KeyboardInterrupt:
        pass  # the main process reports it
    finally:
        if done.is_set():
            results.cancel_join_thread()
            results.close()
