"""Operators beside PyTorch's own, where it can be imported: values, gradients, and errors."""

import numpy as np
import pytest

import flambeau

torch = pytest.importorskip("torch", reason="PyTorch, which these tests compare with, is not installed")


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


#: name -> (operator of a module and float64 tensors, shapes of the tensors)
OPERATORS = {
    "addbmm_": (lambda m, x, a, b: x.clone().addbmm_(a, b, beta=0.5), [(2, 4), (3, 2, 5), (3, 5, 4)]),
    "cartesian_prod": (lambda m, a, b: m.cartesian_prod(a, b), [(3,), (2,)]),
    "cdist p=1": (lambda m, a, b: m.cdist(a, b, p=1.0), [(2, 3, 4), (2, 5, 4)]),
    "cdist p=3": (lambda m, a, b: m.cdist(a, b, p=3.0), [(3, 4), (5, 4)]),
    "combinations": (lambda m, x: m.combinations(x, 3, with_replacement=True), [(4,)]),
    "conv_tbc": (lambda m, x, w, b: m.conv_tbc(x, w, b, 1), [(5, 2, 3), (3, 3, 4), (4,)]),
    "corrcoef": (lambda m, x: m.corrcoef(x), [(3, 6)]),
    "cosine_embedding_loss": (
        lambda m, a, b: m.nn.functional.cosine_embedding_loss(a, b, m.tensor([1, -1, 1]), margin=0.2),
        [(3, 4), (3, 4)],
    ),
    "cosine_similarity": (lambda m, a, b: m.nn.functional.cosine_similarity(a, b, dim=-1), [(3, 1, 4), (5, 4)]),
    "cov": (lambda m, x: m.cov(x, fweights=m.tensor([1, 2, 1, 3])), [(3, 4)]),
    "ctc_loss": (
        lambda m, x: m.nn.functional.ctc_loss(
            x.log_softmax(2), m.tensor([[1, 2, 2], [3, 1, 0]]), m.tensor([6, 5]), m.tensor([3, 2])
        ),
        [(6, 2, 4)],
    ),
    "cumulative_trapezoid": (lambda m, y, x: m.cumulative_trapezoid(y, x), [(3, 4), (4,)]),
    "diag": (lambda m, x: m.diag(x, -1), [(4,)]),
    "diag of a matrix": (lambda m, x: x.diag(1), [(3, 4)]),
    "diag_embed": (lambda m, x: m.diag_embed(x, 1, 0, 2), [(2, 3)]),
    "diff": (lambda m, x: m.diff(x, n=2, dim=0), [(4, 3)]),
    "embedding_bag": (
        lambda m, w, s: m.nn.functional.embedding_bag(
            m.tensor([0, 3, 1, 1]), w, m.tensor([0, 2, 2]), mode="sum", per_sample_weights=s, padding_idx=3
        ),
        [(4, 3), (4,)],
    ),
    "embedding_bag max": (
        lambda m, w: m.nn.functional.embedding_bag(m.tensor([[0, 3, 1], [2, 2, 0]]), w, mode="max"), [(4, 3)]
    ),
    "index_fill": (lambda m, x, v: x.index_fill(1, m.tensor([0, 2, 2]), v.sum()), [(2, 3), (1,)]),
    "logsumexp of a number": (lambda m, x: m.logsumexp(x * 1000, 0), [()]),
    "matrix norm nuc": (lambda m, x: m.linalg.matrix_norm(x, "nuc"), [(2, 3, 4)]),
    "matrix norm 2": (lambda m, x: m.linalg.matrix_norm(x, 2, dim=(0, 2), keepdim=True), [(4, 2, 3)]),
    "matrix norm inf": (lambda m, x: m.linalg.matrix_norm(x, float("inf")), [(3, 4)]),
    "meshgrid": (lambda m, a, b: m.meshgrid(a, b, indexing="xy"), [(2,), (3,)]),
    "multi_margin_loss": (
        lambda m, x: m.nn.functional.multi_margin_loss(
            x, m.tensor([1, 0, 3]), p=2, weight=m.tensor([0.5, 1.0, 2.0, 1.5], dtype=m.float64)
        ),
        [(3, 4)],
    ),
    "multilabel_margin_loss": (
        lambda m, x: m.nn.functional.multilabel_margin_loss(x, m.tensor([[1, 3, -1, 0], [0, -1, 1, 2]])), [(2, 4)]
    ),
    "nanquantile": (lambda m, x: m.nanquantile(x, 0.3, dim=0), [(5, 2)]),
    "pairwise_distance": (lambda m, a, b: m.nn.functional.pairwise_distance(a, b, p=3), [(3, 4), (3, 4)]),
    "pdist": (lambda m, x: m.nn.functional.pdist(x), [(4, 3)]),
    "digamma": (lambda m, x: m.digamma(x.abs() + 0.5), [(5,)]),
    "i0": (lambda m, x: m.i0(x * 5), [(5,)]),
    "i1": (lambda m, x: m.special.i1(x * 5), [(5,)]),
    "logcumsumexp": (lambda m, x: m.logcumsumexp(x * 100, 1), [(3, 5)]),
    "mvlgamma": (lambda m, x: m.mvlgamma(x.abs() + 2, 3), [(5,)]),
    "polygamma": (lambda m, x: m.polygamma(2, x), [(5,)]),
    "quantile": (
        lambda m, x: m.quantile(x, m.tensor([0.1, 0.6], dtype=m.float64), dim=1, keepdim=True, interpolation="midpoint"),
        [(3, 5)],
    ),
    "renorm": (lambda m, x: m.renorm(x, 2, 0, 1.0), [(3, 4)]),
    "repeat_interleave": (lambda m, x: x.repeat_interleave(m.tensor([2, 0, 1]), dim=1), [(2, 3)]),
    "rot90": (lambda m, x: m.rot90(x, 3, [0, 2]), [(2, 3, 4)]),
    "scaled_dot_product_attention": (
        lambda m, q, k, v: m.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True),
        [(2, 4, 3), (2, 4, 3), (2, 4, 5)],
    ),
    "take_along_dim": (lambda m, x: m.take_along_dim(x, m.tensor([[-1, 0]]), 1), [(2, 3)]),
    "trapezoid": (lambda m, y: m.trapezoid(y, dx=0.5, dim=0), [(4, 3)]),
    "tril": (lambda m, x: m.tril(x, -1), [(2, 3, 4)]),
    "triplet_margin_loss": (
        lambda m, a, p, n: m.nn.functional.triplet_margin_loss(a, p, n, margin=2.0, swap=True), [(3, 4)] * 3
    ),
    "triu_": (lambda m, x: (x * 1).triu_(1), [(3, 4)]),
}


def evaluate(module, function, arrays):
    """Results and gradients as NumPy arrays."""
    leaves = [module.tensor(a, dtype=module.float64, requires_grad=True) for a in arrays]
    results = function(module, *leaves)
    results = results if isinstance(results, (tuple, list)) else [results]
    total = sum((r * module.arange(1.0, r.numel() + 1, dtype=module.float64).reshape(r.shape)).sum() for r in results)
    total.backward()
    return [r.detach().numpy() for r in results], [leaf.grad.numpy() for leaf in leaves]


@pytest.mark.parametrize("name", OPERATORS)
def test_values_and_gradients(name):
    function, shapes = OPERATORS[name]
    arrays = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]
    want, want_gradients = evaluate(torch, function, arrays)
    got, got_gradients = evaluate(flambeau, function, arrays)
    for a, b in zip(want + want_gradients, got + got_gradients):
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.linspace(-1, 2, 7),
        lambda m: m.linspace(0.1, 0.9, 1001),
        lambda m: m.linspace(3, -4, 6, dtype=m.int64),
        lambda m: m.linspace(m.tensor(0.5), 2, 3, dtype=m.float64),
        lambda m: m.logspace(-2, 3, 9),
        lambda m: m.logspace(0, 3, 5, base=2, dtype=m.float64),
        lambda m: m.tril_indices(3, 4, 1),
        lambda m: m.triu_indices(4, 3, -1, dtype=m.int32),
        lambda m: m.repeat_interleave(m.tensor([2, 0, 3])),
        lambda m: m.vander(m.tensor([1, 2, 3]), increasing=True),
        lambda m: m.linalg.qr(m.tensor([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0]]))[0],
        lambda m: m.linalg.qr(m.tensor([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0]]), "complete")[1],
        lambda m: (m.manual_seed(7), m.nn.functional.rrelu(m.tensor([-1.0, 2.0, -3.0, -0.5]), training=True))[1],
        lambda m: m.zeros(2).resize_(3, 1).new_zeros(2),
        lambda m: m.tensor([1.0, 2.0]).apply_(lambda v: v * 3).map_(m.tensor([1.0, 1.0]), lambda a, b: a - b),
        lambda m: m.ones(2).new_tensor([1, 2]),
    ],
)
def test_the_same_numbers(make):
    want, got = make(torch), make(flambeau)
    assert str(got.dtype).split(".")[-1] == str(want.dtype).split(".")[-1]
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.linspace(0, 1, -1),
        lambda m: m.linspace(m.ones(2), 1, 3),
        lambda m: m.tril(m.ones(2)),
        lambda m: m.tril_indices(-1, 2),
        lambda m: m.diag(m.ones(2, 3, 4)),
        lambda m: m.repeat_interleave(m.ones(2, 3), -2, dim=0),
        lambda m: m.repeat_interleave(m.ones(2, 3), m.tensor([1, 2, 3]), dim=0),
        lambda m: m.rot90(m.ones(2, 3), 1, [0, 5]),
        lambda m: m.quantile(m.ones(2), 1.5),
        lambda m: m.quantile(m.ones(2), 0.5, interpolation="x"),
        lambda m: m.diff(m.ones(3), -1),
        lambda m: m.cov(m.ones(2, 2), fweights=m.ones(2)),
        lambda m: m.renorm(m.ones(2, 2), 1, 0, -1),
        lambda m: m.linalg.matrix_norm(m.ones(2, 2), 3),
        lambda m: m.linalg.qr(m.ones(2, 2), "x"),
        lambda m: m.nn.functional.multi_margin_loss(m.ones(2, 2), m.tensor([1, 2])),
        lambda m: m.nn.functional.cosine_similarity(m.ones(2), m.ones(2)),
        lambda m: m.nn.functional.pdist(m.ones(2)),
        lambda m: m.nn.functional.rrelu(m.ones(2), 0.5, 0.2),
        lambda m: m.nn.functional.scaled_dot_product_attention(m.ones(2), m.ones(2, 2), m.ones(2, 2)),
        lambda m: m.nn.functional.conv_transpose2d(m.ones(2, 4, 5, 5), m.ones(4, 6, 3, 3), dilation=0),
        lambda m: m.nn.functional.conv_transpose2d(m.ones(2, 4, 5, 5), m.ones(4, 6, 3, 3), padding=9),
        lambda m: m.nn.functional.conv2d(m.ones(2, 4, 5, 5).double(), m.ones(6, 4, 3, 3).double(), dilation=0),
        lambda m: m.ones(2, requires_grad=True).resize_(1),
        lambda m: m.add(m.ones(3), 1, out=m.ones(1).expand(3)),
        lambda m: m.nn.functional.group_norm(m.ones(1, 0, 2), 1),
        lambda m: m.tensor(["a"]),
        lambda m: m.ones(2) + "a",
    ],
)
def test_the_same_errors(call):
    with pytest.raises(Exception) as want:
        call(torch)
    with pytest.raises(type(want.value)) as got:
        call(flambeau)
    assert str(got.value) == str(want.value)


def test_a_bias_without_input_channels_gets_zeros():
    for module in (torch, flambeau):
        weight = module.ones(3, 0, 2, 2, requires_grad=True)
        bias = module.ones(3, requires_grad=True)
        module.nn.functional.conv2d(module.ones(1, 0, 4, 4), weight, bias).sum().backward()
        assert bias.grad.tolist() == [0.0, 0.0, 0.0] and tuple(weight.grad.shape) == (3, 0, 2, 2)


def test_gradients_of_one_argument_of_a_convolution():
    x, w, g = numbers(2, 4, 5, 5), numbers(6, 4, 3, 3), numbers(2, 6, 3, 3)
    of = lambda m: [m.tensor(a) for a in (x, w, g)]  # noqa: E731
    for kind in ("conv2d_input", "conv2d_weight"):
        results = []
        for m in (torch, flambeau):
            image, kernel, grad = of(m)
            arguments = (image.shape, kernel, grad) if kind == "conv2d_input" else (image, kernel.shape, grad)
            results.append(getattr(m.nn.grad, kind)(*arguments).numpy())
        np.testing.assert_allclose(results[1], results[0], rtol=1e-9, atol=1e-10)
