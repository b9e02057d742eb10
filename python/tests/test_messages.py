"""The words of errors. Each file in ``messages`` holds calls that fail and, below each, the error that they must give:
its type and PyTorch's text.
"""

import collections
import copy
import io
import math
import pathlib
import pickle
import re
import warnings

import pytest

import flambeau as torch

np = pytest.importorskip("numpy")

FILES = sorted((pathlib.Path(__file__).parent / "messages").glob("*.txt"))


def cases(path):
    """The pairs of code and expected text: code after ``>>> `` and ``... ``, text up to the next code."""
    code, text = [], []
    for line in path.read_text().splitlines():
        if line.startswith((">>> ", "... ")):
            if text:
                yield "\n".join(code), "\n".join(text).rstrip("\n")
                code, text = [], []
            code.append(line[4:])
        elif code:
            text.append(line)
    yield "\n".join(code), "\n".join(text).rstrip("\n")


def names():
    """What the code may use: tensors of every shape, and an image batch ``x`` with a kernel ``w`` and a bias ``b``."""

    def t(*shape, dtype="float32", grad=False):
        numbers = np.random.default_rng(sum(shape)).standard_normal(shape)
        return torch.from_numpy(np.asarray(numbers, dtype=dtype)).requires_grad_(grad)

    def ints(high, *shape):
        return torch.from_numpy(np.random.default_rng(high).integers(0, high, shape, dtype=np.int64))

    return {
        "torch": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np, "io": io, "math": math, "copy": copy,
        "pickle": pickle, "OrderedDict": collections.OrderedDict, "t": t, "ints": ints,
        "x": t(2, 4, 5, 5), "w": t(6, 4, 3, 3), "b": t(6), "__name__": "messages",
    }


def with_sorted_sets(text):
    """Text in which the words of printed sets, whose order is chance, are in alphabetical order."""
    return re.sub(r"\{('\w+'(?:, '\w+')*)\}", lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", text)


@pytest.mark.parametrize(
    "code, text",
    [pytest.param(*case, id=f"{path.stem}-{i}") for path in FILES for i, case in enumerate(cases(path))],
)
def test_error_has_these_words(code, text):
    torch.manual_seed(0)
    kind, _, words = text.partition(": ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as caught:
            exec(compile(code, "<messages>", "exec"), names())
    assert kind in [cls.__name__ for cls in type(caught.value).__mro__]
    assert with_sorted_sets(str(caught.value).replace("flambeau.", "torch.")) == with_sorted_sets(words)
