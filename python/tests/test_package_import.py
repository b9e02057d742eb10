"""The package itself: lazy, complete, honest about what is missing."""

import subprocess
import sys

import flambeau as torch
import pytest


def test_import_does_not_bring_numpy():
    code = "import sys, flambeau; print('numpy' in sys.modules, 'flambeau.nn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "False False\n"


def test_subpackages_come_on_first_use():
    assert torch.nn.functional.relu is torch.nn.modules.activation.F.relu
    assert torch.utils.data.DataLoader.__name__ == "DataLoader"
    assert torch.optim.lr_scheduler.StepLR.__name__ == "StepLR"
    with pytest.raises(AttributeError, match="module 'flambeau' has no attribute 'nothing'"):
        torch.nothing


def test_functions_of_nn_functional_are_not_at_the_top():
    assert not hasattr(torch, "gelu")
    assert not hasattr(torch, "TensorBase")
    assert hasattr(torch.nn.functional, "gelu")


def test_cuda_says_that_it_is_absent():
    assert not torch.cuda.is_available()
    assert torch.cuda.device_count() == 0
    torch.cuda.manual_seed_all(0)
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        torch.cuda.synchronize()


def test_grad_modes_decorate_and_nest():
    @torch.no_grad()
    def without(x):
        assert not torch.is_grad_enabled()
        with torch.enable_grad():
            return x * 2

    @torch.no_grad
    def steps():
        yield torch.is_grad_enabled()
        yield torch.is_grad_enabled()

    assert without(torch.ones(1, requires_grad=True)).requires_grad
    for inside in steps():
        assert not inside
        assert torch.is_grad_enabled()


def test_fork_rng_restores_the_stream():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with torch.random.fork_rng():
        torch.rand(100)
    assert torch.equal(torch.rand(3), expected)


def test_assert_close_reports_the_worst():
    torch.testing.assert_close(torch.ones(2), torch.ones(2) + 1e-7)
    with pytest.raises(AssertionError) as caught:
        torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]))
    text = str(caught.value)
    assert text.startswith("Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)")
    assert "Greatest absolute difference: 0.5 at index (1,)" in text


def test_gradcheck_finds_a_wrong_gradient():
    x = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: (v * v).sin(), (x,))
    assert torch.autograd.gradgradcheck(lambda v: (v * v).sin(), (x,))

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, v):
            return v * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        torch.autograd.gradcheck(Wrong.apply, (x,))


def test_jacobian_and_hessian():
    x = torch.tensor([1.0, 2.0])
    assert torch.autograd.functional.jacobian(lambda v: v**2, x).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert torch.autograd.functional.hessian(lambda v: (v**3).sum(), x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    _, product = torch.autograd.functional.jvp(lambda v: v**2, x, torch.ones(2))
    assert product.tolist() == [2.0, 4.0]
