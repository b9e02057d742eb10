"""Empty inputs, empty outputs and flags of computed tensors, compared with PyTorch."""

import pytest

import flambeau

torch = pytest.importorskip("torch", reason="compares with PyTorch")

PROGRAMS = [
    "F.group_norm(torch.zeros(1, 2, 0), 1)",
    "F.max_pool3d(torch.zeros(0, 1, 2, 10), 1)",
    "F.max_pool3d(torch.zeros(0, 1, 2, 10, 3), 1)",
    "F.batch_norm(torch.zeros(0), torch.zeros(0), torch.zeros(0), training=True)",
    "F.batch_norm(torch.zeros(3), torch.zeros(0), torch.zeros(0))",
    "F.adaptive_max_pool2d(torch.ones(1, 2, 3, 3, requires_grad=True), 0).sum().backward()",
    "F.max_pool1d(torch.ones(1, 1, 4), 3, 2, 0, 2)",
    "F.max_pool1d(torch.ones(1, 1, 4), 3, 2, 0, 2, return_indices=True)",
    "F.max_pool1d(torch.ones(1, 0), 1, return_indices=True)",
    "F.soft_margin_loss(torch.ones(5, 4), torch.ones(5))",
    "torch.roll(torch.tensor(1.0), 0, 0)",
    "torch.ones(3).unfold(0)",
    "torch.max(2, 3)",
    "(torch.ones(2, requires_grad=True) * 2).requires_grad_(True).shape",
    "(torch.ones(2, requires_grad=True) * 2).requires_grad_(False)",
    "len((torch.ones(2, requires_grad=True) * 2).grad_fn.next_functions)",
]


def outcome(module, program):
    try:
        result = eval(program, {"torch": module, "F": module.nn.functional})
    except Exception as error:  # noqa: BLE001 - what is compared
        return type(error).__name__, str(error)
    return tuple(result.shape) if hasattr(result, "shape") else result


@pytest.mark.parametrize("program", PROGRAMS)
def test_same_as_torch(program):
    assert outcome(flambeau, program) == outcome(torch, program)


def test_hardsigmoid_has_torchs_factor_in_double_precision():
    gradients = []
    for module in (torch, flambeau):
        x = module.tensor([0.5, -4.0], dtype=module.float64, requires_grad=True)
        module.nn.functional.hardsigmoid(x).sum().backward()
        gradients.append(x.grad.tolist())
    assert gradients[0] == gradients[1]
