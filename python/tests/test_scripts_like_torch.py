"""Scripts as tutorials and answers to questions have them print the same text as under PyTorch, to the last character."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

SCRIPTS = sorted((pathlib.Path(__file__).parent / "scripts").glob("*.py"))


def output(*command):
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_prints_what_torch_prints(script):
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: there is nothing to compare with")
    ours = output("-m", "flambeau", str(script))
    assert ours.count("\n") > 5
    assert ours == output(str(script))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_prints_the_same_again(script):
    assert output("-m", "flambeau", str(script)) == output("-m", "flambeau", str(script))
