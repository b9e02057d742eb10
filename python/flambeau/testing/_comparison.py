"""``assert_close``: equality of tensors up to rounding."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

from flambeau import _native
from flambeau._tensor import Tensor

__all__ = ["assert_allclose", "assert_close"]

#: dtype -> (relative, absolute) tolerance
_TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}


def _name(dtype) -> str:
    return str(dtype).rpartition(".")[2]


def _default_tolerances(*tensors: Tensor) -> tuple[float, float]:
    pairs = [_TOLERANCES.get(_name(tensor.dtype), (0.0, 0.0)) for tensor in tensors]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)




def _fail(text: str, where: str, msg, error=AssertionError):
    if where:
        text = f"{text}\n\nThe failure occurred for item {where}"
    if callable(msg):
        text = msg(text)
    elif msg is not None:
        text = msg
    raise error(text)


def _as_tensor(value):
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (bool, int, float, complex)) or hasattr(value, "__array__"):
        return _native.as_tensor(value)
    return None


def assert_close(
    actual, expected, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg=None,
) -> None:
    """Raises AssertionError unless |actual - expected| <= atol + rtol |expected|, through any structure."""
    if (rtol is None) != (atol is None):
        missing = "atol" if atol is None else "rtol"
        raise ValueError(
            f"rtol and atol must both be specified or both be unspecified, but got no {missing}."
        )
    options = (rtol, atol, equal_nan, check_dtype, check_stride, msg)
    _compare(actual, expected, "", options)


def _compare(actual, expected, where: str, options) -> None:
    msg = options[-1]
    if isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            missing = sorted(map(str, expected.keys() - actual.keys()))
            additional = sorted(map(str, actual.keys() - expected.keys()))
            _fail(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {missing}\nAdditional keys in the actual mapping: {additional}",
                where, msg,
            )
        for key in expected:
            _compare(actual[key], expected[key], f"{where}[{key!r}]", options)
        return
    if (
        isinstance(actual, Sequence) and isinstance(expected, Sequence)
        and not isinstance(actual, str) and not isinstance(expected, str)
    ):
        if len(actual) != len(expected):
            _fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", where, msg)
        for i, (a, b) in enumerate(zip(actual, expected)):
            _compare(a, b, f"{where}[{i}]", options)
        return
    if actual is None or expected is None:
        if actual is not expected:
            _fail(f"None mismatch: {actual} is not {expected}", where, msg)
        return
    if not isinstance(actual, Tensor) and not isinstance(expected, Tensor) and isinstance(actual, (int, float, complex)):
        _compare_numbers(actual, expected, where, options)
        return
    a, b = _as_tensor(actual), _as_tensor(expected)
    if a is None or b is None or isinstance(actual, Tensor) != isinstance(expected, Tensor):
        _fail(
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.", where, None,
            TypeError,
        )
    _compare_tensors(a, b, where, options)


def _compare_numbers(actual, expected, where, options) -> None:
    rtol, atol, equal_nan, *_, msg = options
    if rtol is None:
        rtol, atol = (0.0, 0.0) if isinstance(actual, int) and isinstance(expected, int) else (1e-7, 1e-7)
    if actual == expected or (equal_nan and actual != actual and expected != expected):
        return
    difference = abs(actual - expected)
    if difference <= atol + rtol * abs(expected):
        return
    relative = difference / abs(expected) if expected else math.inf
    kind = "Scalars are not equal!" if rtol == atol == 0 else "Scalars are not close!"
    limits = "" if rtol == atol == 0 else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")
    _fail(
        f"{kind}\n\nExpected {expected} but got {actual}.\nAbsolute difference: {difference}{limits[0] if limits else ''}\n"
        f"Relative difference: {relative}{limits[1] if limits else ''}",
        where, msg,
    )


def _compare_tensors(actual: Tensor, expected: Tensor, where, options) -> None:
    rtol, atol, equal_nan, check_dtype, check_stride, msg = options
    if actual.shape != expected.shape:
        _fail(
            f"The values for attribute 'shape' do not match: {actual.shape} != {expected.shape}.", where, msg
        )
    if check_dtype and actual.dtype != expected.dtype:
        _fail(
            f"The values for attribute 'dtype' do not match: {actual.dtype} != {expected.dtype}.", where, msg
        )
    if check_stride and actual.stride() != expected.stride():
        _fail(
            f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}.", where, msg
        )
    if rtol is None:
        rtol, atol = _default_tolerances(actual, expected)
    actual, expected = actual.detach(), expected.detach()
    common = _native.promote_types(actual.dtype, expected.dtype)
    actual, expected = actual.to(common), expected.to(common)
    if common == _native.bool:
        matches = actual == expected
        actual, expected = actual.to(_native.int64), expected.to(_native.int64)
    else:
        matches = _native.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if bool(matches.all()):
        return
    count = int((~matches).sum())
    total = max(matches.numel(), 1)
    difference = (actual - expected).abs().masked_fill(matches, 0)
    relative = (difference.to(_native.float64) / expected.abs().to(_native.float64)).masked_fill(matches, 0)

    def worst(values):
        flat = int(values.flatten().argmax())
        index = []
        for size in reversed(values.shape):
            flat, position = divmod(flat, size)
            index.append(position)
        return values.max().item(), tuple(reversed(index))

    exact = rtol == atol == 0
    largest, at = worst(difference)
    largest_relative, at_relative = worst(relative)
    places = ("", "") if actual.dim() == 0 else (f" at index {at}", f" at index {at_relative}")
    limits = ("", "") if exact else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")
    if actual.dim() == 0:
        _compare_numbers(actual.item(), expected.item(), where, (rtol, atol, equal_nan, msg))
    _fail(
        f"Tensor-likes are not {'equal' if exact else 'close'}!\n\n"
        f"Mismatched elements: {count} / {total} ({count / total:.1%})\n"
        f"Greatest absolute difference: {largest}{places[0]}{limits[0]}\n"
        f"Greatest relative difference: {largest_relative}{places[1]}{limits[1]}",
        where, msg,
    )


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg="") -> None:
    """The deprecated form of ``assert_close``, indifferent to dtypes."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
        "`torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
        "https://github.com/pytorch/pytorch/issues/61844.",
        FutureWarning,
        stacklevel=2,
    )
    actual = actual if isinstance(actual, Tensor) else _native.tensor(actual)
    expected = expected if isinstance(expected, Tensor) else _native.tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        rtol, atol = _default_tolerances(actual, expected)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)
