"""Initial values: bounds, shapes, and the fan that they depend on."""

import math

import flambeau as torch
import pytest
from flambeau import nn


def test_kaiming_uniform_stays_within_its_bound():
    w = nn.init.kaiming_uniform_(torch.empty(64, 32, 3, 3), nonlinearity="relu")
    bound = math.sqrt(2.0) * math.sqrt(3.0 / (32 * 9))
    assert float(w.abs().max()) <= bound
    assert float(w.abs().max()) > 0.9 * bound


def test_fans_of_a_convolution():
    assert nn.init._calculate_fan_in_and_fan_out(torch.empty(4, 3, 2, 5)) == (30, 40)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        nn.init.kaiming_uniform_(torch.empty(3))
    with pytest.raises(ValueError, match="Mode fan not supported"):
        nn.init.kaiming_uniform_(torch.empty(3, 3), mode="fan")


def test_truncated_normal_is_truncated():
    for mean, std, a, b in ((0.0, 1.0, -2.0, 2.0), (0.0, 1.0, 2.0, 3.0)):
        w = nn.init.trunc_normal_(torch.empty(2000), mean, std, a, b)
        assert float(w.min()) >= a
        assert float(w.max()) <= b


def test_dirac_passes_channels_through():
    conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight)
    x = torch.randn(1, 3, 4, 4)
    assert torch.allclose(conv(x), x)


def test_orthogonal_rows():
    m = nn.init.orthogonal_(torch.empty(3, 5))
    assert torch.allclose(m @ m.T, torch.eye(3), atol=1e-5)


def test_one_seed_one_network():
    torch.manual_seed(3)
    first = nn.Conv2d(3, 4, 3).weight
    torch.manual_seed(3)
    assert torch.equal(nn.Conv2d(3, 4, 3).weight, first)
    torch.manual_seed(3)
    channels_last = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    torch.manual_seed(3)
    channels_last.reset_parameters()
    assert torch.equal(channels_last.weight, first)
