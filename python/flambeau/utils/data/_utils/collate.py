"""Batches out of samples."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

from flambeau import _native
from flambeau._tensor import Tensor

default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def _is_text_array(array) -> bool:
    return array.dtype.kind in "SaUO"


def _like_mapping(example: Mapping, values: dict):
    """A mapping of the kind of ``example`` with these values, or a plain dict."""
    try:
        if isinstance(example, MutableMapping):
            result = copy.copy(example)
            result.update(values)
            return result
        return type(example)(values)
    except TypeError:
        return values


def _like_sequence(example: Sequence, values: list):
    """A sequence of the kind of ``example`` with these values, or a plain list."""
    try:
        if isinstance(example, MutableSequence):
            result = copy.copy(example)
            for i, value in enumerate(values):
                result[i] = value
            return result
        return type(example)(values)
    except TypeError:
        return values


def default_convert(data):
    """Makes tensors of NumPy arrays, within any structure."""
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in ("str_", "string_"):
        return data if kind.__name__ == "ndarray" and _is_text_array(data) else _native.as_tensor(data)
    if isinstance(data, Mapping):
        return _like_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return kind(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like_sequence(data, [default_convert(value) for value in data])
    return data


def collate(batch, *, collate_fn_map: dict[type | tuple[type, ...], Callable] | None = None):
    """Joins samples by the functions of the map, going into mappings and sequences."""
    example = batch[0]
    functions = collate_fn_map or {}
    if type(example) in functions:
        return functions[type(example)](batch, collate_fn_map=collate_fn_map)
    for kind, function in functions.items():
        if isinstance(example, kind):
            return function(batch, collate_fn_map=collate_fn_map)

    def join(samples):
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(example, Mapping):
        return _like_mapping(example, {key: join([sample[key] for sample in batch]) for key in example})
    if isinstance(example, tuple) and hasattr(example, "_fields"):
        return type(example)(*(join(samples) for samples in zip(*batch)))
    if isinstance(example, Sequence):
        if any(len(sample) != len(example) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [join(samples) for samples in zip(*batch)]
        return columns if isinstance(example, tuple) else _like_sequence(example, columns)
    raise TypeError(default_collate_err_msg_format.format(type(example)))


def collate_tensor_fn(batch, *, collate_fn_map=None):
    """Stacks tensors."""
    return _native.stack(tuple(batch), 0)


def collate_numpy_array_fn(batch, *, collate_fn_map=None):
    """Stacks NumPy arrays, as tensors."""
    if _is_text_array(batch[0]):
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([_native.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch, *, collate_fn_map=None):
    """A tensor of NumPy numbers."""
    return _native.as_tensor(batch)


def collate_float_fn(batch, *, collate_fn_map=None):
    """A float64 tensor of Python's floats."""
    return _native.tensor(batch, dtype=_native.float64)


def collate_int_fn(batch, *, collate_fn_map=None):
    """An int64 tensor of Python's integers."""
    return _native.tensor(batch)


def collate_str_fn(batch, *, collate_fn_map=None):
    """Text stays a list."""
    return batch


default_collate_fn_map: dict[Any, Callable] = {
    Tensor: collate_tensor_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def _know_numpy() -> None:
    """Adds NumPy's types once some other module has imported it: before, no sample can be of them."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and numpy.ndarray not in default_collate_fn_map:
        others = dict(default_collate_fn_map)
        default_collate_fn_map.clear()
        default_collate_fn_map[Tensor] = others.pop(Tensor)
        default_collate_fn_map[numpy.ndarray] = collate_numpy_array_fn
        default_collate_fn_map[(numpy.bool_, numpy.number, numpy.object_)] = collate_numpy_scalar_fn
        default_collate_fn_map.update(others)


def default_collate(batch):
    """Makes a batch of samples: tensors are stacked, numbers become tensors, structures are kept."""
    _know_numpy()
    return collate(batch, collate_fn_map=default_collate_fn_map)


_know_numpy()
