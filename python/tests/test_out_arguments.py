"""Results written into given tensors: what is refused, and in which words. Compared with PyTorch."""

import warnings

import numpy as np
import pytest

import flambeau

torch = pytest.importorskip("torch", reason="compares with PyTorch")

CALLS = [
    "torch.cat([x, y], out=x)",
    "torch.cat([x, y], out=torch.zeros(4, 2))",
    "torch.cat([x, y], out=torch.from_numpy(np.zeros((1, 2), np.float32)))",
    "torch.gather(x, 0, i, out=x)",
    "torch.gather(x, 0, i, out=torch.zeros(2, 2).double())",
    "torch.take(x, i, out=x)",
    "torch.index_select(x, 0, torch.tensor([0, 1]), out=x)",
    "torch.masked_select(x, x > 0, out=torch.zeros(4).double())",
    "torch.amax(x, 0, out=torch.zeros(2).double())",
    "torch.max(x, 0, out=(torch.zeros(2).double(), torch.zeros(2).long()))",
    "torch.max(x, y, out=torch.zeros(2, 2).double())",
    "torch.where(x > 0, x, y, out=torch.zeros(2, 2).double())",
    "torch.mm(x, y, out=torch.zeros(2, 2).double())",
    "torch.sum(x, 0, out=torch.zeros(2).double())",
]


def outcome(module, call):
    space = {"torch": module, "np": np, "i": module.tensor([[0, 1], [1, 0]])}
    space["x"], space["y"] = (module.tensor([[1.0, -2.0], [3.0, s]]) for s in (4.0, 5.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(call, space)
        except Exception as error:  # noqa: BLE001 - what is compared
            return type(error).__name__, str(error)
    return [t.tolist() for t in result] if isinstance(result, tuple) else result.tolist()


@pytest.mark.parametrize("call", CALLS)
def test_written_or_refused_as_torch_does(call):
    assert outcome(flambeau, call) == outcome(torch, call)
