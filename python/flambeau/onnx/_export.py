"""Writing models: a model runs once, and the operators that it calls become nodes."""

from __future__ import annotations

import os
import warnings
from typing import Any

import flambeau as torch
from flambeau import _native

from ._graph import Graph, UnsupportedOperatorError
from ._operators import translation

#: the opset that is written by default, which every current runtime reads
DEFAULT_OPSET = 17
#: the first one in which softmax is about one axis, and axes are inputs
OLDEST_OPSET = 13


def export(
    model: Any,
    args: Any = (),
    f: str | os.PathLike | None = None,
    *,
    kwargs: dict | None = None,
    input_names: list[str] | None = None,
    output_names: list[str] | None = None,
    opset_version: int | None = None,
    dynamic_axes: dict | None = None,
    export_params: bool = True,
    verbose: bool | None = None,
    do_constant_folding: bool = True,
    dynamo: bool = False,
    training: Any = None,
    keep_initializers_as_inputs: bool | None = None,
) -> None:
    """Writes a model as an ONNX file, by running it once.

    ``args`` is a tensor or a tuple of tensors; what the model computes from them is written, with its
    parameters.  Python's own branches and loops are taken as they were, and sizes are those of
    ``args``, but for the axes in ``dynamic_axes`` (``{"input": {0: "batch"}}`` or ``{"input": [0]}``),
    which may be of any size if the model does not compute with it.  The model is exported as it is:
    call ``model.eval()`` first.

    ``opset_version`` is 17 by default.  ``do_constant_folding``, ``dynamo`` and ``verbose`` are taken as
    scripts give them and change nothing: there is one way of exporting.

    Raises ``UnsupportedOperatorError``, a ``RuntimeError``, where an operator has no counterpart.
    """
    if f is None:
        raise ValueError("export() needs the name of the file to be written, f")
    if not export_params or keep_initializers_as_inputs:
        raise NotImplementedError("parameters are always written as initialisers that are no inputs")
    opset = DEFAULT_OPSET if opset_version is None else opset_version
    if not OLDEST_OPSET <= opset <= 22:
        raise ValueError(f"opset_version should be from {OLDEST_OPSET} to 22, but got {opset}")
    args = args if isinstance(args, tuple) else (args,)
    if not all(isinstance(arg, torch.Tensor) for arg in args) or kwargs:
        raise NotImplementedError("a model is exported with tensors as positional arguments only")
    if training is None and getattr(model, "training", False):
        warnings.warn("the model is in training mode; call model.eval() before export()", UserWarning, stacklevel=2)

    names = _names(input_names, len(args), "input")
    # Fresh tensors that ask for gradients: what comes out of them carries its history, so that an operator
    # that was not recorded cannot pass for a constant.
    inputs = [arg.detach().clone() for arg in args]
    inputs = [arg.requires_grad_().clone() if arg.is_floating_point() else arg for arg in inputs]
    calls, outputs = _recorded(model, inputs)
    outputs = _flat(outputs)
    results = _names(output_names, len(outputs), "output")
    if len({*names, *results}) != len(names) + len(results):
        raise ValueError(f"inputs and outputs need different names, but got {[*names, *results]}")
    graph = Graph(opset, _parameters(model), [*names, *results])
    for name, tensor in zip(names, inputs):
        graph.bind(tensor, name)
    for call in calls:
        _translate(graph, *call)
    for name, tensor in zip(results, outputs):
        graph.nodes.append(("Identity", f"Identity_{name}", [graph.of(tensor)], [name], []))
    dynamic = _dynamic(dynamic_axes, names, results)

    def described(names: list[str], tensors: list) -> list[tuple]:
        return [
            (name, tensor, [dynamic.get((name, axis), size) for axis, size in enumerate(tensor.shape)])
            for name, tensor in zip(names, tensors)
        ]

    nodes = _needed(graph.nodes, results)
    read = {name for node in nodes for name in node[2]}
    initializers = [(name, tensor) for name, tensor in graph.initializers.items() if name in read]
    _native._save_onnx(f, nodes, initializers, (described(names, inputs), described(results, outputs)), opset)


def _recorded(model: Any, inputs: list) -> tuple[list, Any]:
    _native._start_recording()
    try:
        with torch.enable_grad():
            outputs = model(*inputs)
    except BaseException:
        _native._stop_recording()
        raise
    return _native._stop_recording(), outputs


def _translate(graph: Graph, name: str, arguments: dict, result: Any) -> None:
    given = [v for value in arguments.values() for v in (value if isinstance(value, list) else [value])]
    depends = any(isinstance(v, torch.Tensor) and graph.knows(v) for v in given)
    if name == "__setitem__" and depends:
        raise UnsupportedOperatorError("writing to a part of a tensor is not exported; use torch.where or torch.cat")
    tensors = result if isinstance(result, tuple) else (result,)
    if not any(isinstance(tensor, torch.Tensor) for tensor in tensors):
        return  # a size, a dtype
    if not depends:
        for tensor in tensors:
            graph.settle(tensor)
        return
    translate = translation(name)
    if translate is None:
        raise UnsupportedOperatorError(f"the operator {name!r} has no counterpart in ONNX that export() knows")
    values = translate(graph, arguments, result)
    for tensor, value in zip(tensors, values if isinstance(values, list) else [values]):
        if value is not None:
            graph.bind(tensor, value)
            if any(tensor is v for v in given) and _writes(name):
                graph.overwritten(tensor)


def _writes(name: str) -> bool:
    """Whether an operator writes in place."""
    return name.startswith("__i") if name.startswith("__") else name.endswith("_")


def _needed(nodes: list, outputs: list[str]) -> list:
    """The nodes that the outputs need."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node[3]):
            wanted.update(node[2])
            kept.append(node)
    return kept[::-1]


def _parameters(model: Any) -> list[tuple[str, Any]]:
    named: list[tuple[str, Any]] = []
    for kind in ("named_parameters", "named_buffers"):
        if hasattr(model, kind):
            named += getattr(model, kind)()
    return named


def _names(given: list[str] | None, count: int, stem: str) -> list[str]:
    names = list(given or [])[:count]
    return names + [stem if count == 1 else f"{stem}_{i}" for i in range(len(names), count)]


def _flat(outputs: Any) -> list:
    """The tensors of what a model returned, in order."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if isinstance(outputs, (list, tuple)):
        return [tensor for output in outputs for tensor in _flat(output)]
    raise TypeError(f"a model that is exported returns tensors, but got {type(outputs).__name__}")


def _dynamic(axes: dict | None, inputs: list[str], outputs: list[str]) -> dict[tuple[str, int], str]:
    """``{(value, axis): name}``"""
    dynamic = {}
    for value, given in (axes or {}).items():
        if value not in inputs and value not in outputs:
            raise ValueError(f"dynamic_axes names {value!r}, which is no input or output of the model")
        given = given.items() if isinstance(given, dict) else ((axis, f"{value}_dim_{axis}") for axis in given)
        dynamic.update({(value, axis): name for axis, name in given})
    return dynamic
