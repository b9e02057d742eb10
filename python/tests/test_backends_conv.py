"""The planner of convolutions: what it tells, and the switches that it obeys."""

import os
import subprocess
import sys

import flambeau as torch
import pytest
from flambeau.backends import conv

F = torch.nn.functional


@pytest.fixture(autouse=True)
def switches():
    with conv.flags():
        yield


def winograd_layer():
    return torch.randn(2, 32, 56, 56), torch.randn(32, 32, 3, 3)


def test_an_explanation_is_a_text_with_facts():
    x, w = torch.zeros(1, 64, 56, 56), torch.zeros(128, 64, 3, 3)
    found = conv.explain(x, w, torch.zeros(128), stride=2, padding=1)
    assert found.output_shape == [1, 128, 28, 28] == list(F.conv2d(x, w, None, 2, 1).shape)
    assert found.flops == 2 * 28 * 28 * 128 * 64 * 9
    assert found.bytes == 4 * (x.numel() + w.numel() + 128 * 28 * 28)
    assert found.intensity == pytest.approx(found.flops / found.bytes)
    assert found.dtype == "float32" and not found.measured and not found.channels_last
    assert found.algorithm in str(found) and "stride 2, padding 1" in str(found)
    assert found.as_dict()["algorithm"] == found.algorithm
    assert found.algorithm not in [other["algorithm"] for other in found.others]
    assert "algorithm" in dir(found) and found.algorithm in repr(found)
    with pytest.raises(AttributeError):
        found.nonsense


def test_gradients_lines_and_formats():
    x, w = torch.zeros(3, 5, 9), torch.zeros(4, 5, 3)
    assert conv.explain(x, w).output_shape == [3, 4, 7]
    assert conv.explain(x, w, direction="data_gradient").result_shape == [3, 5, 9]
    assert conv.explain(x, w, direction="weight_gradient").result_shape == [4, 5, 3]
    image = torch.zeros(2, 8, 6, 7).to(memory_format=torch.channels_last)
    assert conv.explain(image, torch.zeros(8, 1, 3, 3), padding="same", groups=8).channels_last
    assert conv.explain(torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 2, 3), padding=(1, 0)).output_shape == [1, 4, 9, 6]
    half = conv.explain(torch.zeros(1, 3, 8, 8).bfloat16(), torch.zeros(4, 3, 3, 3).bfloat16())
    assert (half.dtype, half.computed_in) == ("bfloat16", "float32")


def test_mistakes_are_those_of_the_convolution():
    x, w = torch.zeros(1, 3, 8, 8), torch.zeros(4, 2, 3, 3)
    with pytest.raises(RuntimeError) as expected:
        F.conv2d(x, w)
    with pytest.raises(RuntimeError) as found:
        conv.explain(x, w)
    assert str(found.value) == str(expected.value)
    with pytest.raises(RuntimeError, match="Invalid padding string: 'full'"):
        conv.explain(x, torch.zeros(4, 3, 3, 3), padding="full")
    with pytest.raises(ValueError, match="direction must be"):
        conv.explain(x, torch.zeros(4, 3, 3, 3), direction="sideways")
    with pytest.raises(TypeError, match="argument 'weight' must be Tensor, not list"):
        conv.explain(x, [1])
    with pytest.raises(NotImplementedError, match="int64"):
        conv.explain(x.long(), torch.zeros(4, 3, 3, 3).long())


def test_winograd_is_not_chosen_where_it_is_not_allowed():
    x, w = winograd_layer()
    assert conv.allow_winograd is True
    assert conv.explain(x, w, padding=1).algorithm.startswith("winograd")
    fast = F.conv2d(x, w, padding=1)
    conv.allow_winograd = False
    assert conv.allow_winograd is False
    found = conv.explain(x, w, padding=1)
    assert not found.algorithm.startswith("winograd") and "not allowed" in str(found)
    exact = F.conv2d(x, w, padding=1)
    # The switch reaches what computes: other operations give other last digits.
    assert not torch.equal(fast, exact)
    assert torch.allclose(fast, exact, atol=1e-3)
    conv.allow_winograd = True
    assert torch.equal(F.conv2d(x, w, padding=1), fast)


def test_benchmark_remembers_the_fastest_until_a_switch_changes():
    x, w = winograd_layer()
    conv.benchmark = True
    assert not conv.explain(x, w, padding=1).measured
    first = F.conv2d(x, w, padding=1)
    assert conv.explain(x, w, padding=1).measured
    assert torch.equal(F.conv2d(x, w, padding=1), first)
    conv.allow_winograd = False
    assert not conv.explain(x, w, padding=1).measured


def test_switches_take_booleans_and_blocks_restore_them():
    assert conv.deterministic is True
    conv.deterministic = False
    assert conv.deterministic is True
    with conv.flags(allow_winograd=False, benchmark=True):
        assert (conv.allow_winograd, conv.benchmark) == (False, True)
    assert (conv.allow_winograd, conv.benchmark) == (True, False)
    for value in (1, None, "yes"):
        with pytest.raises(TypeError, match="must be a bool"):
            conv.allow_winograd = value
    assert conv.set_flags(_benchmark=True) == (True, True, False)
    assert torch.backends.conv is conv


SCRIPT = """
import flambeau as torch
conv = torch.backends.conv
torch.manual_seed(0)
x, w = torch.randn(2, 16, 20, 20), torch.randn(16, 16, 3, 3)
conv.benchmark = {benchmark}
torch.nn.functional.conv2d(x, w, padding=1)
print(conv.explain(x, w, padding=1).measured)
"""


def run_with_plans(file, benchmark):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(benchmark=benchmark)],
        env={**os.environ, "FLAMBEAU_PLANS": str(file)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr


def test_a_file_keeps_measured_plans(tmp_path):
    file = tmp_path / "plans.txt"
    assert run_with_plans(file, False) == ("False", "")
    assert not file.exists()
    assert run_with_plans(file, True) == ("True", "")
    written = file.read_text()
    assert written.startswith("flambeau plans") and list(tmp_path.iterdir()) == [file]
    # The next process follows the file without measuring.
    assert run_with_plans(file, False) == ("True", "")
    assert file.read_text() == written


def test_a_file_from_elsewhere_is_ignored_with_a_warning(tmp_path):
    file = tmp_path / "plans.txt"
    run_with_plans(file, True)
    good = file.read_text()
    file.write_text(good.replace("= ", "= x", 1))
    found, warning = run_with_plans(file, False)
    assert found == "False" and "corrupt" in warning
    # A measurement replaces it.
    assert run_with_plans(file, True)[0] == "True"
    assert run_with_plans(file, False) == ("True", "")
    file.write_text("dear diary\n")
    found, warning = run_with_plans(file, True)
    assert found == "True" and "not a file of plans" in warning
    assert file.read_text() == "dear diary\n"
