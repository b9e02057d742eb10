"""The global stream of random numbers: seeds, states, forks."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from flambeau import _native
from flambeau._native import default_generator

__all__ = ["default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


def set_rng_state(new_state) -> None:
    """Sets the state of the global generator (a byte tensor of ``get_rng_state``)."""
    default_generator.set_state(new_state)


def get_rng_state():
    """The state of the global generator as a byte tensor."""
    return default_generator.get_state()


def manual_seed(seed) -> _native.Generator:
    """Seeds the global generator and returns it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seeds the global generator from the system's entropy and returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed the global generator started from."""
    return default_generator.initial_seed()


@contextlib.contextmanager
def fork_rng(
    devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices", device_type=None
) -> Iterator[None]:
    """Restores the state of the generator on leaving."""
    if not enabled:
        yield
        return
    if devices:
        warnings.warn(f"{_caller}: there is only the CPU's generator; {_devices_kw} is ignored", stacklevel=3)
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
