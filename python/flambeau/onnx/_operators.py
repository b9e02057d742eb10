"""How torch's operators are said in ONNX.

An entry of ``TABLE`` takes the graph that is built, the operator's arguments by name, and its
result; it gives the name of the value that the result is (a list of names for several results).
"""

from __future__ import annotations

import math
from typing import Any, Callable

import flambeau as torch

from ._graph import NUMBERS, Graph, UnsupportedOperatorError

Translation = Callable[[Graph, dict, Any], Any]
TABLE: dict[str, Translation] = {}


def _translates(*names: str) -> Callable[[Translation], Translation]:
    def register(function: Translation) -> Translation:
        TABLE.update(dict.fromkeys(names, function))
        return function

    return register


def _optional(g: Graph, tensor: Any) -> str:
    return "" if tensor is None else g.of(tensor)


def _dim(dim: int, tensor: Any) -> int:
    return dim % max(tensor.dim(), 1)


def _sizes(value: list[int], n: int) -> list[int]:
    """One number for each of n dimensions."""
    return list(value) * n if len(value) == 1 else list(value)


# --- elements -----------------------------------------------------------------------------------

_UNARY = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs",
    "neg": "Neg", "floor": "Floor", "ceil": "Ceil", "round": "Round", "sign": "Sign", "erf": "Erf", "sin": "Sin",
    "cos": "Cos", "reciprocal": "Reciprocal", "softsign": "Softsign", "logical_not": "Not",
}


def _unary(op_type: str) -> Translation:
    return lambda g, a, _: g.node(op_type, [g.of(a["input"])])


for _name, _op_type in _UNARY.items():
    TABLE[_name] = _unary(_op_type)


@_translates("clone", "contiguous", "detach", "alias", "positive")
def _same(g, a, result):
    return g.of(a["input"])


@_translates("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def _dropout(g, a, result):
    if a["train"] and a["p"] > 0:
        raise UnsupportedOperatorError("dropout in training is not exported; call model.eval() first")
    return g.of(a["input"])


@_translates("gelu")
def _gelu(g, a, result):
    x = g.of(a["input"])
    if g.opset >= 20:
        return g.node("Gelu", [x], approximate=a["approximate"])
    if a["approximate"] != "none":
        raise UnsupportedOperatorError("the approximated gelu needs opset_version=20 at least")
    root, half, one = (g.constant(value, a["input"].dtype) for value in (math.sqrt(0.5), 0.5, 1.0))
    share = g.node("Erf", [g.node("Mul", [x, root])])
    return g.node("Mul", [g.node("Mul", [x, half]), g.node("Add", [share, one])])


@_translates("silu")
def _silu(g, a, result):
    x = g.of(a["input"])
    return g.node("Mul", [x, g.node("Sigmoid", [x])])


@_translates("mish")
def _mish(g, a, result):
    x = g.of(a["input"])
    return g.node("Mul", [x, g.node("Tanh", [g.node("Softplus", [x])])])


@_translates("hardsigmoid")
def _hardsigmoid(g, a, result):
    return g.node("HardSigmoid", [g.of(a["input"])], alpha=1 / 6, beta=0.5)


@_translates("hardswish")
def _hardswish(g, a, result):
    x = g.of(a["input"])
    return g.node("Mul", [x, g.node("HardSigmoid", [x], alpha=1 / 6, beta=0.5)])


def _limited(g: Graph, x: Any, low: Any, high: Any) -> str:
    limits = ["" if limit is None else g.operand(limit, x) for limit in (low, high)]
    return g.node("Clip", [g.of(x), *limits])


@_translates("hardtanh")
def _hardtanh(g, a, result):
    return _limited(g, a["input"], a["min_val"], a["max_val"])


@_translates("relu6")
def _relu6(g, a, result):
    return _limited(g, a["input"], 0, 6)


@_translates("clamp", "clip")
def _clamp(g, a, result):
    if any(isinstance(a[k], torch.Tensor) for k in ("min", "max")):
        raise UnsupportedOperatorError("clamp with tensors as limits is not exported; use numbers")
    return _limited(g, a["input"], a["min"], a["max"])


@_translates("leaky_relu")
def _leaky_relu(g, a, result):
    return g.node("LeakyRelu", [g.of(a["input"])], alpha=float(a["negative_slope"]))


@_translates("elu")
def _elu(g, a, result):
    if a["scale"] != 1 or a["input_scale"] != 1:
        raise UnsupportedOperatorError("elu with scales is not exported")
    return g.node("Elu", [g.of(a["input"])], alpha=float(a["alpha"]))


@_translates("selu")
def _selu(g, a, result):
    return g.node("Selu", [g.of(a["input"])])


@_translates("celu")
def _celu(g, a, result):
    return g.node("Celu", [g.of(a["input"])], alpha=float(a["alpha"]))


@_translates("softplus")
def _softplus(g, a, result):
    if a["beta"] != 1:
        raise UnsupportedOperatorError("softplus with another beta than 1 is not exported")
    return g.node("Softplus", [g.of(a["input"])])


@_translates("prelu")
def _prelu(g, a, result):
    slope = g.of(a["weight"])
    if a["weight"].numel() > 1:
        axes = list(range(1, a["input"].dim() - 1))
        slope = _unsqueezed(g, slope, axes) if axes else slope
    return g.node("PRelu", [g.of(a["input"]), slope])


@_translates("softmax")
def _softmax(g, a, result):
    return g.node("Softmax", [g.operand(a["input"], result)], axis=_dim(a["dim"], a["input"]))


@_translates("log_softmax")
def _log_softmax(g, a, result):
    return g.node("LogSoftmax", [g.operand(a["input"], result)], axis=_dim(a["dim"], a["input"]))


def _binary(op_type: str, swapped: bool = False) -> Translation:
    def translate(g, a, result):
        # A comparison's result is no number; what is compared has its operands' common dtype.
        others = [v for v in (a["input"], a["other"]) if isinstance(v, torch.Tensor)]
        like = result if result.dtype != torch.bool else max(others, key=lambda t: (t.is_floating_point(), t.dim()))
        if a.get("alpha", 1) != 1:
            raise UnsupportedOperatorError("add and sub with another alpha than 1 are not exported")
        if a.get("rounding_mode") is not None:
            raise UnsupportedOperatorError("div with a rounding mode is not exported")
        operands = [g.operand(a["input"], like), g.operand(a["other"], like)]
        return g.node(op_type, operands[::-1] if swapped else operands)

    return translate


for _names, _op_type in {
    ("add", "__add__", "__radd__", "__iadd__"): "Add", ("sub", "subtract", "__sub__", "__isub__"): "Sub",
    ("mul", "multiply", "__mul__", "__rmul__", "__imul__"): "Mul",
    ("div", "divide", "true_divide", "__truediv__", "__itruediv__", "__div__"): "Div",
    ("maximum",): "Max", ("minimum",): "Min", ("gt", "__gt__"): "Greater", ("lt", "__lt__"): "Less",
    ("ge", "__ge__"): "GreaterOrEqual", ("le", "__le__"): "LessOrEqual", ("eq", "__eq__"): "Equal",
}.items():
    _translates(*_names)(_binary(_op_type))
_translates("rsub", "__rsub__")(_binary("Sub", swapped=True))
_translates("__rtruediv__", "__rdiv__")(_binary("Div", swapped=True))


@_translates("pow", "__pow__")
def _pow(g, a, result):
    if "input" not in a:
        raise UnsupportedOperatorError("a number to the power of a tensor is not exported")
    return g.node("Pow", [g.operand(a["input"], result), g.operand(a["exponent"], result)])


@_translates("to", "float", "double", "half", "type_as")
def _to(g, a, result):
    x = a["input"]
    return g.of(x) if x.dtype == result.dtype else g.node("Cast", [g.of(x)], to=NUMBERS[result.dtype])


# --- layers -------------------------------------------------------------------------------------


@_translates("conv1d", "conv2d", "conv3d")
def _conv(g, a, result):
    n = a["input"].dim() - 2
    if a["weight"].dim() != n + 2:
        raise UnsupportedOperatorError("a convolution of an image without a batch dimension is not exported")
    dilation, kernel = _sizes(a["dilation"], n), list(a["weight"].shape[2:])
    pads = a["padding"]
    if isinstance(pads, str):
        total = [d * (k - 1) if pads == "same" else 0 for d, k in zip(dilation, kernel)]
        pads = [t // 2 for t in total] + [t - t // 2 for t in total]
    else:
        pads = _sizes(pads, n) * 2
    return g.node(
        "Conv", [g.of(a["input"]), g.of(a["weight"]), _optional(g, a["bias"])],
        kernel_shape=kernel, strides=_sizes(a["stride"], n), pads=pads, dilations=dilation, group=a["groups"],
    )


@_translates("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(g, a, result):
    n = a["input"].dim() - 2
    if a["weight"].dim() != n + 2:
        raise UnsupportedOperatorError("a convolution of an image without a batch dimension is not exported")
    return g.node(
        "ConvTranspose", [g.of(a["input"]), g.of(a["weight"]), _optional(g, a["bias"])],
        kernel_shape=list(a["weight"].shape[2:]), strides=_sizes(a["stride"], n), pads=_sizes(a["padding"], n) * 2,
        dilations=_sizes(a["dilation"], n), group=a["groups"], output_padding=_sizes(a["output_padding"], n),
    )


@_translates("linear")
def _linear(g, a, result):
    x, weight, bias = a["input"], a["weight"], a["bias"]
    if x.dim() == 2 and weight.dim() == 2:
        return g.node("Gemm", [g.of(x), g.of(weight), _optional(g, bias)], transB=1)
    if weight.dim() != 2:
        raise UnsupportedOperatorError("a linear layer with a vector as weight is not exported")
    product = g.node("MatMul", [g.of(x), g.node("Transpose", [g.of(weight)], perm=[1, 0])])
    return product if bias is None else g.node("Add", [product, g.of(bias)])


@_translates("matmul", "mm", "bmm", "__matmul__")
def _matmul(g, a, result):
    other = a["other"] if "other" in a else a["mat2"]
    return g.node("MatMul", [g.of(a["input"]), g.of(other)])


@_translates("addmm")
def _addmm(g, a, result):
    inputs = [g.of(a["mat1"]), g.of(a["mat2"]), g.of(a["input"])]
    return g.node("Gemm", inputs, alpha=float(a["alpha"]), beta=float(a["beta"]))


def _channels(g: Graph, tensor: Any, like: Any, value: float) -> str:
    """A vector with a number for each channel, or a constant where there is none."""
    return g.of(tensor) if tensor is not None else g.constant([value] * like.shape[1], like.dtype)


@_translates("batch_norm")
def _batch_norm(g, a, result):
    x = a["input"]
    if a["training"]:
        raise UnsupportedOperatorError("batch_norm in training is not exported; call model.eval() first")
    inputs = [
        g.of(x), _channels(g, a["weight"], x, 1.0), _channels(g, a["bias"], x, 0.0), g.of(a["running_mean"]),
        g.of(a["running_var"]),
    ]
    return g.node("BatchNormalization", inputs, epsilon=a["eps"])


@_translates("instance_norm")
def _instance_norm(g, a, result):
    x = a["input"]
    if not a["use_input_stats"]:
        raise UnsupportedOperatorError("instance_norm with running statistics is not exported")
    inputs = [g.of(x), _channels(g, a["weight"], x, 1.0), _channels(g, a["bias"], x, 0.0)]
    return g.node("InstanceNormalization", inputs, epsilon=a["eps"])


@_translates("layer_norm")
def _layer_norm(g, a, result):
    if g.opset < 17:
        raise UnsupportedOperatorError("layer_norm needs opset_version=17 at least")
    weight = a["weight"]
    scale = g.of(weight) if weight is not None else g.of(torch.ones(a["normalized_shape"], dtype=a["input"].dtype))
    axis = a["input"].dim() - len(a["normalized_shape"])
    return g.node("LayerNormalization", [g.of(a["input"]), scale, _optional(g, a["bias"])], axis=axis, epsilon=a["eps"])


@_translates("group_norm")
def _group_norm(g, a, result):
    x, groups = a["input"], a["num_groups"]
    if g.opset >= 21:
        inputs = [g.of(x), _channels(g, a["weight"], x, 1.0), _channels(g, a["bias"], x, 0.0)]
        return g.node("GroupNormalization", inputs, epsilon=a["eps"], num_groups=groups)
    # Groups as the channels of an instance normalisation.
    rows = g.node("Reshape", [g.of(x), g.constant([0, groups, -1])])
    ones, zeros = (g.constant([value] * groups, x.dtype) for value in (1.0, 0.0))
    normal = g.node("InstanceNormalization", [rows, ones, zeros], epsilon=a["eps"])
    normal = g.node("Reshape", [normal, g.node("Shape", [g.of(x)])])
    axes = list(range(1, x.dim() - 1))
    for op_type, parameter in (("Mul", a["weight"]), ("Add", a["bias"])):
        if parameter is not None:
            normal = g.node(op_type, [normal, _unsqueezed(g, g.of(parameter), axes) if axes else g.of(parameter)])
    return normal


def _window(a: dict, n: int) -> dict:
    kernel = _sizes(a["kernel_size"], n)
    return {
        "kernel_shape": kernel, "strides": _sizes(a["stride"], n) if a["stride"] else kernel,
        "pads": _sizes(a["padding"], n) * 2, "ceil_mode": int(a["ceil_mode"]),
    }


@_translates("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(g, a, result):
    n = a["input"].dim() - 2
    return g.node("MaxPool", [g.of(a["input"])], dilations=_sizes(a["dilation"], n), **_window(a, n))


@_translates("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(g, a, result):
    if a.get("divisor_override") is not None:
        raise UnsupportedOperatorError("an average pooling with divisor_override is not exported")
    window = _window(a, a["input"].dim() - 2)
    return g.node("AveragePool", [g.of(a["input"])], count_include_pad=int(a["count_include_pad"]), **window)


def _adaptive(single: str, windowed: str) -> Translation:
    def translate(g, a, result):
        sizes = list(a["input"].shape[2:])
        outputs = _sizes(a["output_size"], len(sizes))
        if all(o == 1 for o in outputs):
            value = g.node(single, [g.of(a["input"])])
        elif any(s % o for s, o in zip(sizes, outputs)):
            raise UnsupportedOperatorError(
                f"adaptive pooling from {sizes} to {outputs} is not exported: only sizes that are multiples of the result"
            )
        else:
            kernel = [s // o for s, o in zip(sizes, outputs)]
            value = g.node(windowed, [g.of(a["input"])], kernel_shape=kernel, strides=kernel)
        return value if isinstance(result, torch.Tensor) else [value, None]

    return translate


_translates("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")(
    _adaptive("GlobalAveragePool", "AveragePool")
)
_translates("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")(_adaptive("GlobalMaxPool", "MaxPool"))


def _upsample(mode: str) -> Translation:
    def translate(g, a, result):
        x = a["input"]
        if mode == "nearest":
            how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        else:
            how = {"coordinate_transformation_mode": "align_corners" if a["align_corners"] else "pytorch_half_pixel"}
        # Batch and channels are left out of the sizes, so that they may be any.
        n = x.dim() - 2
        scales = [result.shape[2 + i] / x.shape[2 + i] for i in range(n)]
        if all(scale.is_integer() for scale in scales):
            target = ["", "", g.constant([1.0, 1.0, *scales], torch.float32)]
        else:
            lead = _shape_part(g, g.of(x), 0, 2)
            sizes = g.node("Concat", [lead, g.constant(list(result.shape[2:]))], axis=0)
            target = ["", "", "", sizes]
        coefficient = -0.75 if mode == "cubic" else None
        return g.node("Resize", [g.of(x), *target[1:]], mode=mode, cubic_coeff_a=coefficient, **how)

    return translate


_translates("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")(_upsample("nearest"))
_translates("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d")(_upsample("linear"))
_translates("upsample_bicubic2d")(_upsample("cubic"))


def _pads(g: Graph, a: dict, mode: str, value: Any = None) -> str:
    pad, n = a["pad"] if "pad" in a else a["padding"], a["input"].dim()
    sides = [(0, 0)] * (n - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    pads = g.constant([begin for begin, _ in sides] + [end for _, end in sides])
    constant = "" if value is None else g.constant(value, a["input"].dtype)
    return g.node("Pad", [g.of(a["input"]), pads, constant], mode=mode)


@_translates("constant_pad_nd")
def _constant_pad(g, a, result):
    return _pads(g, a, "constant", a["value"])


@_translates("pad")
def _pad(g, a, result):
    if a["mode"] == "circular":
        return _circular_pad(g, a, result)
    mode = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}[a["mode"]]
    return _pads(g, a, mode, (a["value"] or 0) if mode == "constant" else None)


@_translates("reflection_pad1d", "reflection_pad2d", "reflection_pad3d")
def _reflection_pad(g, a, result):
    return _pads(g, a, "reflect")


@_translates("replication_pad1d", "replication_pad2d", "replication_pad3d")
def _replication_pad(g, a, result):
    return _pads(g, a, "edge")


@_translates("_pad_circular")
def _circular_pad(g, a, result):
    if g.opset < 19:
        raise UnsupportedOperatorError("circular padding needs opset_version=19 at least")
    return _pads(g, a, "wrap")


@_translates("pixel_shuffle")
def _pixel_shuffle(g, a, result):
    return g.node("DepthToSpace", [g.of(a["input"])], blocksize=a["upscale_factor"], mode="CRD")


@_translates("channel_shuffle")
def _channel_shuffle(g, a, result):
    _, channels, *sizes = a["input"].shape
    split = g.node("Reshape", [g.of(a["input"]), g.constant([0, a["groups"], channels // a["groups"], *sizes])])
    order = [0, 2, 1, *range(3, 3 + len(sizes))]
    return g.node("Reshape", [g.node("Transpose", [split], perm=order), g.constant([0, channels, *sizes])])


# --- shapes -------------------------------------------------------------------------------------


def _shape_part(g: Graph, name: str, start: int, end: int) -> str:
    if g.opset >= 15:
        return g.node("Shape", [name], start=start, end=end)
    return g.node("Slice", [g.node("Shape", [name]), g.constant([start]), g.constant([end])])


def _unsqueezed(g: Graph, name: str, axes: list[int]) -> str:
    return g.node("Unsqueeze", [name, g.constant(axes)])


@_translates("reshape", "view", "unflatten", "view_as", "reshape_as")
def _reshape(g, a, result):
    if a["input"].dtype != result.dtype:
        raise UnsupportedOperatorError("a view of the same bytes in another dtype is not exported")
    before, after = list(a["input"].shape), list(result.shape)
    # A leading size that stays is copied, so that another batch size works, too.
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    sizes = [0] * same + after[same:]
    if len(after) - same == 1 and 0 not in after:
        sizes[-1] = -1
    return g.node("Reshape", [g.of(a["input"]), g.constant(sizes)])


@_translates("flatten")
def _flatten(g, a, result):
    x = a["input"]
    if x.dim() >= 2 and _dim(a["start_dim"], x) == 1 and _dim(a["end_dim"], x) == x.dim() - 1:
        return g.node("Flatten", [g.of(x)], axis=1)
    return _reshape(g, a, result)


@_translates("permute")
def _permute(g, a, result):
    return g.node("Transpose", [g.of(a["input"])], perm=[_dim(d, a["input"]) for d in a["dims"]])


@_translates("transpose", "swapaxes", "t")
def _transpose(g, a, result):
    order = list(range(a["input"].dim()))
    if order:
        first, second = (_dim(a.get(key, i), a["input"]) for i, key in enumerate(("dim0", "dim1")))
        order[first], order[second] = order[second], order[first]
    return g.node("Transpose", [g.of(a["input"])], perm=order)


@_translates("unsqueeze")
def _unsqueeze(g, a, result):
    return _unsqueezed(g, g.of(a["input"]), [a["dim"] % result.dim()])


@_translates("squeeze")
def _squeeze(g, a, result):
    x, dim = a["input"], a.get("dim")
    dims = range(x.dim()) if dim is None else [_dim(d, x) for d in (dim if isinstance(dim, list) else [dim])]
    axes = [d for d in dims if x.shape[d] == 1]
    if not axes:
        return g.of(x)
    return g.node("Squeeze", [g.of(x), g.constant(axes)])


@_translates("expand", "expand_as")
def _expand(g, a, result):
    return g.node("Expand", [g.of(a["input"]), g.constant(list(result.shape))])


@_translates("cat", "concat", "concatenate")
def _cat(g, a, result):
    like = [g.operand(t, result) for t in a["tensors"]]
    return g.node("Concat", like, axis=_dim(a["dim"], result))


@_translates("stack")
def _stack(g, a, result):
    dim = _dim(a["dim"], result)
    return g.node("Concat", [_unsqueezed(g, g.operand(t, result), [dim]) for t in a["tensors"]], axis=dim)


@_translates("chunk", "split", "split_with_sizes")
def _split(g, a, result):
    dim = _dim(a["dim"], a["input"])
    sizes = [part.shape[dim] for part in result]
    return g.nodes_of("Split", [g.of(a["input"]), g.constant(sizes)], len(sizes), axis=dim)


def _sliced(g: Graph, x: str, slices: dict[int, tuple[int, int, int]]) -> str:
    if not slices:
        return x
    starts, ends, steps = (g.constant([part[i] for part in slices.values()]) for i in range(3))
    return g.node("Slice", [x, starts, ends, g.constant(list(slices)), steps])


@_translates("narrow")
def _narrow(g, a, result):
    if isinstance(a["start"], torch.Tensor):
        raise UnsupportedOperatorError("narrow with a tensor as start is not exported")
    dim = _dim(a["dim"], a["input"])
    start = a["start"] % max(a["input"].shape[dim], 1)
    return _sliced(g, g.of(a["input"]), {dim: (start, start + a["length"], 1)})


@_translates("select")
def _select(g, a, result):
    return g.node("Gather", [g.of(a["input"]), g.constant(a["index"])], axis=_dim(a["dim"], a["input"]))


@_translates("__getitem__")
def _getitem(g, a, result):
    index = a["index"] if isinstance(a["index"], tuple) else (a["index"],)
    x = a["input"]
    plain = all(i is None or i is Ellipsis or isinstance(i, (int, slice)) and not isinstance(i, bool) for i in index)
    if not plain:
        raise UnsupportedOperatorError("subscripts that are tensors or lists are not exported; only integers and slices")
    used = sum(i is not None and i is not Ellipsis for i in index)
    full = [slice(None)] * (x.dim() - used)
    at = index.index(Ellipsis) if Ellipsis in index else len(index)
    index = [*index[:at], *full, *index[at + 1:]]
    slices, picked, added, dim = {}, [], [], 0
    for i in index:
        if i is None:
            added.append(dim + len(added) - len(picked))
            continue
        if isinstance(i, slice):
            if i != slice(None):
                stop = 2**63 - 1 if i.stop is None else i.stop
                slices[dim] = (i.start or 0, stop, i.step or 1)
        else:
            picked.append((dim, i))
        dim += 1
    value = _sliced(g, g.of(x), slices)
    for dim, i in reversed(picked):
        value = g.node("Gather", [value, g.constant(i)], axis=dim)
    return _unsqueezed(g, value, added) if added else value


# --- reductions ---------------------------------------------------------------------------------


def _reduced(name: str) -> Translation:
    def translate(g, a, result):
        x, dims = a["input"], a.get("dim")
        dims = [dims] if isinstance(dims, int) else list(dims or [])
        axes = [_dim(d, x) for d in dims] or list(range(x.dim()))
        source = g.of(x) if x.dtype == result.dtype else g.node("Cast", [g.of(x)], to=NUMBERS[result.dtype])
        keep = int(a.get("keepdim", False))
        if name == "ReduceSum" or g.opset >= 18:
            return g.node(name, [source, g.constant(axes)], keepdims=keep)
        return g.node(name, [source], axes=axes, keepdims=keep)

    return translate


for _name, _op_type in {"mean": "ReduceMean", "sum": "ReduceSum", "amax": "ReduceMax", "amin": "ReduceMin"}.items():
    TABLE[_name] = _reduced(_op_type)


def translation(name: str) -> Translation | None:
    """The entry of an operator. One that writes in place computes what its namesake does."""
    if name in TABLE:
        return TABLE[name]
    if name.endswith("_") and not name.startswith("__"):
        return TABLE.get(name[:-1])
    return None
