"""A model in ONNX's terms, built from the operators that it called."""

from __future__ import annotations

from typing import Any

import flambeau as torch
from flambeau import _native


class UnsupportedOperatorError(RuntimeError):
    """An operator that cannot be written to an ONNX file."""


def _base(tensor: Any) -> Any:
    """The tensor whose memory a view shows."""
    return tensor if tensor._base is None else tensor._base


class Graph:
    """Nodes, parameters and the names of tensors.

    Tensors are told apart by identity: whoever builds a graph keeps all of them alive until it is built.
    """

    def __init__(self, opset: int, parameters: list[tuple[str, Any]], reserved: list[str]) -> None:
        """A graph of an opset. Parameters keep their names, but for those that are reserved."""
        self.opset = opset
        self.nodes: list[tuple] = []
        self.initializers: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._kept: list[Any] = []
        self._settled: set[int] = set()
        self._stale: set[int] = set()
        self._used: set[str] = set(reserved)
        self._parameters = {id(tensor): self.unique(name) for name, tensor in parameters}

    def unique(self, stem: str) -> str:
        """A name that no other value has."""
        name, count = stem, 0
        while name in self._used:
            count += 1
            name = f"{stem}_{count}"
        self._used.add(name)
        return name

    def bind(self, tensor: Any, name: str) -> None:
        """Says which value a tensor is from now on: one that was written in place becomes another."""
        self._names[id(tensor)] = name
        self._kept.append(tensor)

    def settle(self, tensor: Any) -> None:
        """Says that a tensor was computed from constants alone, and so is one."""
        self._settled.add(id(tensor))
        self._kept.append(tensor)

    def overwritten(self, tensor: Any) -> None:
        """Says that a tensor was written in place: others that show the same memory are not what they were."""
        base = _base(tensor)
        self._stale.update(id(other) for other in self._kept if other is not tensor and _base(other) is base)
        self._stale.add(id(base))
        self._stale.discard(id(tensor))

    def knows(self, tensor: Any) -> bool:
        """Whether a tensor was made by what was recorded, or given to the model."""
        return id(tensor) in self._names

    def of(self, tensor: Any) -> str:
        """The name of a tensor's value. What is not known yet is a parameter or another constant."""
        if id(tensor) in self._stale:
            raise UnsupportedOperatorError(
                f"a tensor of shape {list(tensor.shape)} was changed through another one that shows the same memory, "
                "which ONNX has no word for; compute a new tensor instead"
            )
        if id(tensor) in self._names:
            return self._names[id(tensor)]
        if tensor.grad_fn is not None and id(tensor) not in self._settled:
            raise UnsupportedOperatorError(
                f"a tensor of shape {list(tensor.shape)} was made by {tensor.grad_fn.name()}, which was not seen by the "
                "export; write it with operators of torch or torch.nn.functional"
            )
        name = self._parameters.get(id(tensor)) or self.unique("constant")
        self.initializers[name] = tensor.detach()
        self.bind(tensor, name)
        return name

    def constant(self, value: Any, dtype: Any = None) -> str:
        """The name of a number, or of a list of integers (int64 unless said otherwise)."""
        tensor = _native.tensor(value, dtype=dtype or torch.int64)
        name = self.unique("constant")
        self.initializers[name] = tensor
        return name

    def operand(self, value: Any, like: Any) -> str:
        """The name of a tensor, or of a number in another tensor's dtype."""
        if isinstance(value, torch.Tensor):
            name = self.of(value)
            return name if value.dtype == like.dtype else self.node("Cast", [name], to=NUMBERS[like.dtype])
        return self.constant(value, like.dtype)

    def nodes_of(self, op_type: str, inputs: list[str], outputs: int, **attributes: Any) -> list[str]:
        """Adds a node; gives the names of its results. Attributes that are None are left out."""
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        name = f"{op_type}_{len(self.nodes)}"
        results = [self.unique(f"{name}_output_{i}" if outputs > 1 else f"{name}_output") for i in range(outputs)]
        given = [(key, value) for key, value in attributes.items() if value is not None]
        self.nodes.append((op_type, name, inputs, results, given))
        return results

    def node(self, op_type: str, inputs: list[str], **attributes: Any) -> str:
        """Adds a node with one result."""
        return self.nodes_of(op_type, inputs, 1, **attributes)[0]


#: ONNX's numbers of the dtypes
NUMBERS = {
    torch.float32: 1, torch.uint8: 2, torch.int8: 3, torch.int16: 5, torch.int32: 6, torch.int64: 7, torch.bool: 9,
    torch.float16: 10, torch.float64: 11, torch.bfloat16: 16,
}
