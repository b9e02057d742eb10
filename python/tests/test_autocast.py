"""Mixed precision."""

import pytest

import flambeau as torch


def test_products_narrow_and_losses_widen():
    x = torch.randn(4, 4)
    with torch.autocast("cpu"):
        assert torch.is_autocast_enabled("cpu")
        assert torch.mm(x, x).dtype == (x @ x).dtype == torch.bfloat16
        assert torch.nn.functional.linear(x, x).dtype == torch.bfloat16
        assert torch.nn.functional.conv1d(x[None], x[:, :, None]).dtype == torch.bfloat16
        assert torch.nn.functional.mse_loss(x.bfloat16(), x.bfloat16()).dtype == torch.float32
        assert torch.cat([x, x.bfloat16()]).dtype == torch.float32
        assert x.exp().dtype == torch.float32
        assert torch.mm(x.double(), x.double()).dtype == torch.float64
        with torch.autocast("cpu", enabled=False):
            assert torch.mm(x, x).dtype == torch.float32
    assert not torch.is_autocast_enabled("cpu") and torch.mm(x, x).dtype == torch.float32


def test_another_narrow_type():
    with torch.autocast("cpu", dtype=torch.float16):
        assert torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype == torch.float16
    assert torch.get_autocast_dtype("cpu") == torch.bfloat16


def test_gradients_keep_the_type_of_the_leaves():
    weight = torch.ones(2, 3, requires_grad=True)
    with torch.autocast("cpu"):
        loss = torch.nn.functional.linear(torch.ones(1, 3), weight).sum()
    loss.backward()
    assert weight.grad.dtype == torch.float32 and weight.grad.tolist() == [[1.0] * 3] * 2


def test_out_is_not_converted():
    out = torch.empty(2, 2)
    with torch.autocast("cpu"), pytest.raises(RuntimeError, match="can't be cast|Expected"):
        torch.mm(torch.ones(2, 2), torch.ones(2, 2), out=torch.empty(2, 2, dtype=torch.int64))
    with torch.autocast("cpu"):
        assert torch.mm(torch.ones(2, 2), torch.ones(2, 2), out=out) is out
