"""Complex tensors, compared with PyTorch where it can be imported."""

import pickle

import numpy as np
import pytest

import flambeau

torch = pytest.importorskip("torch", reason="compares with PyTorch")

PROGRAMS = [
    "torch.tensor([1 + 2j])",
    "torch.tensor([[1.5, -2j], [0, 3 + 4j]])",
    "torch.tensor(1j).item(), complex(torch.tensor(2 - 1j))",
    "torch.complex(a, b), torch.polar(a.abs(), b)",
    "z.real, z.imag, z.conj(), z.abs(), z.angle(), torch.view_as_real(z)",
    "torch.view_as_complex(torch.stack([a, b], -1))",
    "z + w, z - w, z * w, z / w, -z, z + 1, 2 - z, z * 2j, 1j * a",
    "z == w, z != z.clone(), z.sum(), z.mean(), z.sum(0, keepdim=True)",
    "z.reshape(3, 2).t().contiguous(), z[:, 1:], torch.cat([z, w]), torch.stack([z, w]), z.flip(0)",
    "z.to(torch.complex128), a.to(torch.complex64), z.dtype, (a.double() + z).dtype, z.tolist()",
    "torch.zeros(2, dtype=torch.complex64), torch.ones(2, dtype=torch.cdouble), z.is_complex(), a.is_complex()",
    "(torch.manual_seed(0), torch.randn(3, dtype=torch.complex64), torch.rand(2, dtype=torch.complex128))[1:]",
    "F.conv2d(x, k, stride=2, padding=1), F.conv_transpose2d(x, k.transpose(0, 1), kb), F.conv2d(x, k, kb, padding='same')",
]


def names(module):
    rng = np.random.default_rng(0)

    def reals(*shape):
        return module.from_numpy(rng.standard_normal(shape).astype(np.float32))

    def pairs(*shape):
        return module.complex(reals(*shape), reals(*shape))

    return {
        "torch": module, "F": module.nn.functional, "a": reals(2, 3), "b": reals(2, 3), "z": pairs(2, 3), "w": pairs(2, 3),
        "x": pairs(2, 3, 5, 5), "k": pairs(4, 3, 3, 3), "kb": pairs(4),
    }


def leaves(value):
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, tuple) else [value]


@pytest.mark.parametrize("program", PROGRAMS)
def test_same_results_as_torch(program):
    results = [leaves(eval(program, names(module))) for module in (torch, flambeau)]
    for want, got in zip(*results):
        if isinstance(want, torch.Tensor):
            assert (str(got.dtype), tuple(got.shape)) == (str(want.dtype), tuple(want.shape))
            np.testing.assert_allclose(got.numpy(), want.resolve_conj().numpy(), rtol=1e-5, atol=1e-5)
        elif type(want).__module__ == "builtins":
            assert got == pytest.approx(want) if isinstance(want, complex) else got == want
        else:
            assert str(got).partition(" at 0x")[0].startswith(str(want).partition(" at 0x")[0][:10])


@pytest.mark.parametrize("data", [[1 + 2j], [1.5 - 2j, 0.25j], [[1e-6 + 1j, 2], [3, 4]], 3j])
def test_prints_as_torch_does(data):
    assert repr(flambeau.tensor(data)) == repr(torch.tensor(data))


@pytest.mark.parametrize(
    "loss",
    [
        "(z * w).abs().sum()", "(z / w).real.sum()", "(z.conj() * 2j + a).imag.sum()", "torch.view_as_real(z * z).sum()",
        "F.conv2d(x, k, kb, stride=2).abs().sum()",
    ],
)
def test_gradients_are_torchs(loss):
    gradients = []
    for module in (torch, flambeau):
        space = names(module)
        wanted = [space[name].requires_grad_() for name in ("z", "w", "a", "x", "k", "kb")]
        eval(loss, space).backward()
        gradients.append([None if t.grad is None else t.grad.resolve_conj().numpy() for t in wanted])
    for want, got in zip(*gradients):
        assert (want is None) == (got is None)
        if want is not None:
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_files_and_pickles_keep_complex_numbers(tmp_path):
    z = flambeau.tensor([1 + 2j, -3j])
    flambeau.save({"z": z}, tmp_path / "z.pt")
    np.testing.assert_array_equal(torch.load(tmp_path / "z.pt")["z"].numpy(), z.numpy())
    torch.save({"z": torch.tensor([4 - 1j], dtype=torch.complex128)}, tmp_path / "t.pt")
    loaded = flambeau.load(tmp_path / "t.pt")["z"]
    assert loaded.dtype == flambeau.complex128 and loaded.item() == 4 - 1j
    assert pickle.loads(pickle.dumps(z)).tolist() == z.tolist()


@pytest.mark.parametrize(
    "program",
    [
        "torch.view_as_complex(torch.zeros(3))", "torch.view_as_real(a)", "a.imag", "torch.complex(a, b.double())",
        "F.conv2d(x, k.real)", "F.conv2d(x.real, k.real, kb)", "torch.tensor([1j], dtype=torch.float32)",
    ],
)
def test_same_errors_as_torch(program):
    errors = []
    for module in (torch, flambeau):
        with pytest.raises(Exception) as caught:
            eval(program, names(module))
        errors.append((type(caught.value).__name__, str(caught.value)))
    assert errors[0] == errors[1]


def test_operators_without_a_complex_kernel_say_so():
    z = flambeau.tensor([1 + 2j, 0j])
    for name in ("sort", "argmax", "cumsum", "exp", "relu", "unique", "floor"):
        with pytest.raises((NotImplementedError, RuntimeError, TypeError)) as caught:
            getattr(z, name)(*([0] if name == "cumsum" else []))
        assert "internal error" not in str(caught.value), name
