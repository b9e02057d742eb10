"""``python -m flambeau``: scripts that import torch run on flambeau."""

import subprocess
import sys
import textwrap

import pytest


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "flambeau", *arguments], capture_output=True, text=True, timeout=120, **options
    )


@pytest.fixture
def script(tmp_path):
    (tmp_path / "helper.py").write_text("VALUE = 41\n")
    path = tmp_path / "script.py"
    path.write_text(
        textwrap.dedent(
            """
            import pickle, sys
            import helper
            import torch
            import torch.nn as nn
            import torch.nn.functional as F
            from torch.utils.data import DataLoader, TensorDataset
            from torch import optim

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(2, 1)

            assert torch.nn is nn and sys.modules["flambeau.nn"] is nn
            assert type(pickle.loads(pickle.dumps(Net()))) is Net
            print(torch.__name__, __name__, sys.argv[1:], helper.VALUE)
            if sys.argv[1:] == ["fail"]:
                raise ValueError("as asked")
            """
        )
    )
    return path


def test_a_script_runs_as_main_with_its_arguments(script):
    done = run(str(script), "a", "-b")
    assert done.stdout == "flambeau __main__ ['a', '-b'] 41\n", done.stderr


def test_a_traceback_begins_in_the_script(script):
    done = run(str(script), "fail")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].strip().startswith(f'File "{script}"')
    assert lines[-1] == "ValueError: as asked"


def test_the_forms_of_the_command_line(script):
    assert run("-c", "import torch, sys; print(torch.__name__, sys.argv)", "x").stdout == "flambeau ['-c', 'x']\n"
    assert run("-", input="import torch.optim as o; print(o.__name__)").stdout == "flambeau.optim\n"
    assert run("-m", "script", "z", cwd=script.parent).stdout == "flambeau __main__ ['z'] 41\n"
    assert run("-c", "import sys; sys.exit(7)").returncode == 7
    assert run().returncode == 2
    assert run("nothing.py").returncode == 2


def test_what_is_not_there_is_absent():
    done = run("-c", "import torch.nothing")
    assert "No module named 'torch.nothing'" in done.stderr
    done = run("-c", "import torch; torch.nothing")
    assert done.stderr.splitlines()[-1] == "AttributeError: module 'flambeau' has no attribute 'nothing'"


def test_a_script_knows_its_absolute_path(tmp_path):
    (tmp_path / "where.py").write_text("import warnings\nprint(__file__)\nwarnings.warn('here')\n")
    ran = run("where.py", cwd=tmp_path)
    assert ran.stdout.strip() == str(tmp_path / "where.py")
    assert ran.stderr.startswith(f"{tmp_path / 'where.py'}:3: UserWarning: here")


def test_what_packages_ask_of_the_old_types_and_the_extension():
    code = """
        import torch
        x = torch.rand(2)
        print(x.type(), x.type(torch.LongTensor).dtype, x.type("torch.DoubleTensor").dtype, x.type(torch.int32).dtype)
        print(torch._C._log_api_usage_once("a.metric"))
        try:
            x.type(3)
        except TypeError as error:
            print(str(error).splitlines()[0])
    """
    ran = run("-c", textwrap.dedent(code))
    assert ran.stdout.splitlines() == [
        "torch.FloatTensor torch.int64 torch.float64 torch.int32", "None",
        "type() received an invalid combination of arguments - got (int), but expected one of:",
    ], ran.stderr
