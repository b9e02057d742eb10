"""``torch.jit`` without a compiler."""

import subprocess
import sys

import pytest

import flambeau


def test_scripting_and_tracing_change_nothing():
    module = flambeau.nn.Linear(2, 3)
    x = flambeau.ones(1, 2)
    assert flambeau.jit.script(module) is module
    assert flambeau.jit.trace(module, x) is module
    with pytest.raises(RuntimeError):  # a mistake shows while tracing
        flambeau.jit.trace(module, flambeau.ones(1, 5))

    @flambeau.jit.unused
    def plain(a):
        return a

    @flambeau.jit.ignore(drop=True)
    def called(a):
        return a

    assert plain(1) == called(1) == 1
    assert not flambeau.jit.is_scripting() and flambeau.jit.isinstance([1], list[int])


def test_compiled_programs_are_refused(tmp_path):
    with pytest.raises(RuntimeError, match="state_dict"):
        flambeau.jit.save(flambeau.nn.Linear(1, 1), tmp_path / "m.pt")
    with pytest.raises(RuntimeError, match="state dict"):
        flambeau.jit.load(tmp_path / "m.pt")


def test_programs_see_the_version_that_they_were_written_for():
    program = "import torch, torch.utils.model_zoo; print(torch.__version__, torch.version.__version__)"
    out = subprocess.run([sys.executable, "-m", "flambeau", "-c", program], capture_output=True, text=True, check=True)
    shown = f"{flambeau.version.torch_version}+flambeau.{flambeau.__version__}"
    assert out.stdout.split() == [shown, shown]
