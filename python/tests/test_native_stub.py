"""The stub that type checkers read says what the extension has."""

import ast
import importlib.util
from pathlib import Path

import pytest

import flambeau
from flambeau import _native

STUB = Path(flambeau.__file__).with_name("_native.pyi")
TOOL = Path(__file__).parents[1] / "tools" / "native_stub.py"


def test_the_package_is_typed():
    assert STUB.is_file() and STUB.with_name("py.typed").is_file()


def test_every_operator_is_in_it():
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    methods = {node.name for node in classes["TensorBase"].body if isinstance(node, ast.FunctionDef)}
    for place, name, *_ in _native._operator_signatures():
        assert name in (methods if place == "Tensor" else functions)


def test_it_is_up_to_date():
    if not TOOL.is_file():
        pytest.skip("the tool that writes the stub is in the sources only")
    spec = importlib.util.spec_from_file_location("native_stub", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.stub() == STUB.read_text(encoding="utf-8"), "run python/tools/native_stub.py"
