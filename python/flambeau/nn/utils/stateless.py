"""Calling a module with other parameters than its own."""

from __future__ import annotations

import contextlib

__all__ = ["functional_call"]


@contextlib.contextmanager
def _replaced(module, tensors):
    kept = []
    try:
        for path, value in tensors.items():
            prefix, _, name = path.rpartition(".")
            owner = module.get_submodule(prefix)
            table = owner._parameters if name in owner._parameters else owner._buffers
            if name not in table:
                raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
            kept.append((table, name, table[name]))
            table[name] = value
        yield
    finally:
        for table, name, value in reversed(kept):
            table[name] = value


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights: bool = True, strict: bool = False):
    """``module(*args, **kwargs)`` with some parameters and buffers replaced."""
    own = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}
    if strict:
        missing = sorted(own.keys() - parameters_and_buffers.keys())
        unexpected = sorted(parameters_and_buffers.keys() - own.keys())
        if missing or unexpected:
            parts = []
            if unexpected:
                parts.append("Unexpected key(s): " + ", ".join(unexpected) + ".")
            if missing:
                parts.append("Missing key(s): " + ", ".join(missing) + ".")
            raise RuntimeError("Error(s) in swapping tensors for {}:\n\t{}".format(module._get_name(), "\n\t".join(parts)))
    tensors = dict(parameters_and_buffers)
    if tie_weights:
        for name, value in parameters_and_buffers.items():
            for other, tensor in own.items():
                if other not in tensors and tensor is own.get(name):
                    tensors[other] = value
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, tensors):
        return module(*arguments, **(kwargs or {}))
