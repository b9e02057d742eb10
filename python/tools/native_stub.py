"""Writes ``flambeau/_native.pyi``: the extension module as type checkers see it.

    python python/tools/native_stub.py            # writes the file beside the package
    python python/tools/native_stub.py --check    # only says whether it is up to date

Operators come from the extension's own table of signatures, so that the stub cannot promise what
is not there.  Everything else (classes, functions written by hand) is listed by looking.
"""

from __future__ import annotations

import argparse
import keyword
import sys
from collections import defaultdict
from pathlib import Path

from flambeau import _native

PATH = Path(__file__).resolve().parents[1] / "flambeau" / "_native.pyi"

HEADER = '''"""The extension module. Written by ``python/tools/native_stub.py``; do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from typing_extensions import TypeAlias

from flambeau._tensor import Tensor

_int: TypeAlias = builtins.int
_float: TypeAlias = builtins.float
_bool: TypeAlias = builtins.bool
_Number: TypeAlias = builtins.int | builtins.float | builtins.bool

'''

#: what attributes of tensors are; the others are methods
ATTRIBUTES = {
    "data": "Tensor", "device": "_device", "dtype": "_dtype", "grad": "Tensor | None", "grad_fn": "Any", "H": "Tensor",
    "imag": "Tensor", "is_leaf": "_bool", "itemsize": "_int", "layout": "_layout", "mH": "Tensor", "mT": "Tensor",
    "nbytes": "_int", "ndim": "_int", "output_nr": "_int", "real": "Tensor", "requires_grad": "_bool",
    "retains_grad": "_bool", "shape": "_Size", "T": "Tensor", "_version": "_int",
}
#: methods of tensors that are written by hand, where more can be said than nothing
METHODS = {
    "__bool__": "(self) -> _bool", "__complex__": "(self) -> builtins.complex", "__float__": "(self) -> _float",
    "__getitem__": "(self, index: Any) -> Tensor", "__index__": "(self) -> _int", "__int__": "(self) -> _int",
    "__len__": "(self) -> _int", "__setitem__": "(self, index: Any, value: Any) -> None",
    "numpy": "(self, *, force: _bool = ...) -> Any", "tolist": "(self) -> Any",
}
FUNCTIONS = {
    "as_tensor": "(data: Any, dtype: _dtype | None = ..., device: Any = ...) -> Tensor",
    "asarray": "(obj: Any, *, dtype: _dtype | None = ..., device: Any = ..., copy: _bool | None = ..., requires_grad: _bool = ...) -> Tensor",
    "from_dlpack": "(ext_tensor: Any, **options: Any) -> Tensor",
    "from_numpy": "(ndarray: Any) -> Tensor",
    "frombuffer": "(buffer: Any, *, dtype: _dtype, count: _int = ..., offset: _int = ..., requires_grad: _bool = ...) -> Tensor",
    "tensor": "(data: Any, *, dtype: _dtype | None = ..., device: Any = ..., requires_grad: _bool = ..., pin_memory: _bool = ...) -> Tensor",
}
#: classes whose names a method or a parameter hides, under another name
ALIASES = ("dtype", "device", "layout", "memory_format", "Size")


def parameter(name: str, kind: str, nullable: bool, default: str | None) -> str:
    """``dim: _int = ...``"""
    annotation = f"{kind} | None" if nullable else kind
    name = f"{name}_" if keyword.iskeyword(name) else name
    return f"{name}: {annotation}" + ("" if default is None else " = ...")


def parameters(params: list, method: bool) -> list[str]:
    """The parameter lists of one signature: two where sizes may also be given one by one."""
    if method:
        params = params[1:]
    lead = ["self"] if method else []
    positional = [p for p in params if not p[3]]
    by_name = [parameter(n, k, o, d) for n, k, o, only, d in params if only]
    star = ["*", *by_name] if by_name else []
    # What follows a default needs one too.
    seen_default = False
    texts = []
    for name, kind, nullable, _, default in positional:
        seen_default = seen_default or default is not None
        texts.append(parameter(name, kind, nullable, "..." if seen_default else default))
    forms = [", ".join([*lead, *texts, *star])]
    if len(positional) == 1 and positional[0][1] == "Sequence[_int]":
        forms.append(", ".join([*lead, f"*{positional[0][0]}: _int", *by_name]))
    return forms


def definitions(name: str, signatures: list, method: bool, indent: str) -> list[str]:
    """An operator's signatures as overloads."""
    forms = []
    for params, returns, fields in signatures:
        if fields and returns.startswith("tuple["):
            returns = f"_{name}_result"
        forms += [f"{indent}def {name}({text}) -> {returns}: ..." for text in parameters(params, method)]
    forms = list(dict.fromkeys(forms))
    if len(forms) == 1:
        return forms
    return [line for form in forms for line in (f"{indent}@overload", form)]


def named_tuples(table: dict) -> list[str]:
    """The classes of results with named items."""
    lines = []
    found = {(name, tuple(fields)) for signatures in table.values() for name, of in signatures.items()
             for _, returns, fields in of if fields and returns.startswith("tuple[")}
    for name, fields in sorted(found):
        lines += [f"class _{name}_result(NamedTuple):", *(f"    {field}: Tensor" for field in fields), ""]
    return lines


def opaque_class(name: str, cls: type) -> list[str]:
    """A class of which only the members' names are known."""
    base = "(tuple[_int, ...])" if name == "Size" else ""
    lines = [f"class {name}{base}:", "    def __init__(self, *args: Any, **kwargs: Any) -> None: ..."]
    for member, value in sorted(vars(cls).items()):
        if member.startswith("_") or keyword.iskeyword(member):
            continue
        if callable(value) or isinstance(value, (staticmethod, classmethod)):
            lines.append(f"    def {member}(self, *args: Any, **kwargs: Any) -> Any: ...")
        else:
            lines += ["    @property", f"    def {member}(self) -> Any: ..."]
    return [*lines, ""]


def tensor_class(operators: dict) -> list[str]:
    """The class that ``Tensor`` is derived from."""
    lines = ["class TensorBase:", "    def __init__(self, *args: Any, **kwargs: Any) -> None: ..."]
    cls = _native.TensorBase
    for name in sorted({*vars(cls), *operators}):
        if name in operators:
            lines += definitions(name, operators[name], True, "    ")
        elif name in ATTRIBUTES:
            settable = name in ("data", "grad", "requires_grad")
            lines += [f"    {name}: {ATTRIBUTES[name]}"] if settable else [
                "    @property", f"    def {name}(self) -> {ATTRIBUTES[name]}: ..."
            ]
        elif name in METHODS:
            lines.append(f"    def {name}{METHODS[name]}: ...")
        elif name.startswith("__"):
            continue
        elif callable(vars(cls)[name]) or isinstance(vars(cls)[name], (staticmethod, classmethod)):
            lines.append(f"    def {name}(self, *args: Any, **kwargs: Any) -> Any: ...")
        else:
            lines += ["    @property", f"    def {name}(self) -> Any: ..."]
    return [*lines, ""]


def stub() -> str:
    """The text of the stub."""
    table: dict = defaultdict(lambda: defaultdict(list))
    for place, name, params, returns, fields in _native._operator_signatures():
        table[place][name].append((params, returns, fields))
    methods = table.pop("Tensor")
    functions = dict(table["torch"])
    for place in sorted(set(table) - {"torch"}):  # names in ``torch`` itself come first
        for name, signatures in table[place].items():
            functions.setdefault(name, signatures)
    classes, constants, others = [], [], []
    for name, value in sorted(vars(_native).items()):
        if name in functions or name == "TensorBase" or name.startswith("__"):
            continue
        if isinstance(value, type):
            classes += opaque_class(name, value)
        elif callable(value):
            others.append(f"def {name}{FUNCTIONS.get(name, '(*args: Any, **kwargs: Any) -> Any')}: ...")
        elif type(value).__name__ in ("dtype", "layout", "memory_format"):
            constants.append(f"{name}: _{type(value).__name__}")
        else:
            constants.append(f"{name}: Any")
    lines = [*classes, *(f"_{name}: TypeAlias = {name}" for name in ALIASES), "", *constants, ""]
    lines += [*named_tuples({"torch": functions, "Tensor": methods}), *tensor_class(methods), *others]
    for name in sorted(functions):
        lines += definitions(name, functions[name], False, "")
    return HEADER + "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is out of date")
    check = parser.parse_args().check
    text = stub()
    if check:
        current = PATH.is_file() and PATH.read_text(encoding="utf-8") == text
        print(f"{PATH.name} is {'up to date' if current else 'out of date: run ' + Path(__file__).name}")
        return 0 if current else 1
    PATH.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
