"""ONNX models: files of other frameworks, read and run here, and files for them.

    >>> model = torch.onnx.load("resnet50.onnx")
    >>> logits = model(image)                # tensors or NumPy arrays, in the order of ``model.inputs``
    >>> logits = model(input=image)          # or by name
    >>> logits = model({"data/0": image})    # or by a name that is none in Python

A model runs without recording gradients.  Opsets 7 to 28 are understood.

    >>> torch.onnx.export(model.eval(), image, "model.onnx", dynamic_axes={"input": {0: "batch"}})
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from flambeau import _native
from flambeau.onnx._export import export
from flambeau.onnx._graph import UnsupportedOperatorError

__all__ = ["Model", "NodeProfile", "UnsupportedOperatorError", "ValueInfo", "export", "load", "load_from_bytes"]


class ValueInfo(NamedTuple):
    """An input or an output: what is not known is None. Sizes are numbers, names, or None for anything."""

    name: str
    dtype: _native.dtype | None
    shape: list[int | str | None] | None


class NodeProfile(NamedTuple):
    """What a node of a model did in one run."""

    name: str
    operator: str
    seconds: float
    shapes: list[list[int]]


class Model:
    """A model of an ONNX file, which :func:`load` gives. Call it."""

    def __init__(self, native: _native._OnnxModel) -> None:
        self._native = native

    @property
    def inputs(self) -> list[ValueInfo]:
        """The inputs that have to be given, in their order."""
        return [ValueInfo(*value) for value in self._native.inputs]

    @property
    def outputs(self) -> list[ValueInfo]:
        """The outputs, in their order."""
        return [ValueInfo(*value) for value in self._native.outputs]

    @property
    def opset(self) -> int:
        """The version of ONNX's operators that the file was made for."""
        return self._native.opset

    @property
    def producer(self) -> str:
        """What made the file."""
        return self._native.producer

    def __call__(self, *args: Any, **kwargs: Any):
        """The output for some inputs, a tuple if the model has several.

        Inputs are tensors or NumPy arrays: by position, by name, or one dict of names.
        """
        outputs = self._native.run(*_given(args, kwargs))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def profile(self, *args: Any, **kwargs: Any) -> tuple[Any, list[NodeProfile]]:
        """What a call gives, and what each node did, in the order in which they ran."""
        outputs, nodes = self._native.profile(*_given(args, kwargs))
        return outputs[0] if len(outputs) == 1 else tuple(outputs), [NodeProfile(*node) for node in nodes]

    def __repr__(self) -> str:
        def listed(values):
            return ", ".join(f"{v.name}: {v.shape if v.shape is not None else '?'}" for v in values)

        return f"{type(self).__name__}({listed(self.inputs)} -> {listed(self.outputs)})"


def _given(args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    if len(args) == 1 and isinstance(args[0], dict):
        return (), {**args[0], **kwargs}
    return args, kwargs


def load(path: str | os.PathLike, *, memory_limit: int | None = None) -> Model:
    """Reads an ONNX file.

    ``memory_limit`` bounds the bytes of all values that are alive at a time in a run, besides the
    model's parameters; the default is half of the machine's memory.  Tensors that the model keeps in
    other files are read from its own folder only.
    """
    os.stat(path)  # a file that is not there is FileNotFoundError, as elsewhere in Python
    return Model(_native._OnnxModel(path, memory_limit))


def load_from_bytes(content: bytes, *, memory_limit: int | None = None) -> Model:
    """Reads the content of an ONNX file that keeps all its tensors itself."""
    return Model(_native._OnnxModel.from_bytes(content, memory_limit))
