"""Padding, resizing, sliding windows, shuffles, sampling and unpooling, compared with PyTorch where it is installed."""

import itertools

import numpy as np
import pytest

import flambeau
from flambeau.nn import functional as F

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="the reference, torch, is not installed")


def numbers(*shape, dtype="float64"):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def same(call, *arrays, gradients=True, tolerance=1e-9):
    """``call(functional, torch-like module, *tensors)`` gives the same on both sides, and the same gradients."""
    results = []
    for module in (flambeau, torch):
        leaves = [module.from_numpy(array.copy()) for array in arrays]
        for leaf in leaves:
            leaf.requires_grad_(gradients and leaf.is_floating_point())
        out = call(module.nn.functional, module, *leaves)
        if gradients:
            (out * out.detach().cos()).sum().backward()
        results.append([out.detach().numpy()] + [leaf.grad.numpy() for leaf in leaves if leaf.grad is not None])
    ours, theirs = results
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@needs_torch
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("shape", "pad"),
    [((2, 5), (2, 1)), ((1, 2, 5), (3, -1)), ((2, 4, 5), (1, 2, 3, 0)), ((2, 3, 4, 5), (-1, 2, 2, -2)), ((2, 3, 4, 5), (1,) * 6)],
)
def test_padding_modes(mode, shape, pad):
    same(lambda f, _, x: f.pad(x, pad, mode), numbers(*shape))
    same(lambda f, _, x: f.pad(x, pad, mode), np.arange(np.prod(shape)).reshape(shape), gradients=False)


def test_a_convolution_pads_by_its_mode():
    conv = flambeau.nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect")
    x = flambeau.from_numpy(numbers(1, 2, 5, 6, dtype="float32"))
    expected = F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), conv.weight, conv.bias)
    assert flambeau.allclose(conv(x), expected, atol=1e-6)
    assert "padding_mode=reflect" in repr(conv)


MODES = [
    ("nearest", 1), ("nearest", 2), ("nearest", 3), ("nearest-exact", 1), ("nearest-exact", 2), ("nearest-exact", 3),
    ("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3), ("area", 1), ("area", 2), ("area", 3),
]


@needs_torch
@pytest.mark.parametrize(("mode", "dimensions"), MODES)
@pytest.mark.parametrize("target", [{"size": 7}, {"size": 2}, {"scale_factor": 1.7}, {"scale_factor": 0.6}])
def test_interpolation(mode, dimensions, target):
    if mode in ("linear", "bilinear", "bicubic", "trilinear"):
        corners, shrinking = (False, True), (False, True) if dimensions == 2 else (False,)
    else:
        corners, shrinking = (None,), (False,)
    for align_corners, antialias in itertools.product(corners, shrinking):
        def call(f, _, x):
            return f.interpolate(x, mode=mode, align_corners=align_corners, antialias=antialias, **target)

        same(call, numbers(2, 3, *(5, 6, 4)[:dimensions]))


@needs_torch
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
def test_bytes_are_interpolated_to_the_same_bytes(mode):
    image = np.random.default_rng(1).integers(0, 256, (1, 3, 9, 7)).astype("uint8")
    for size, antialias in itertools.product([(4, 12), (20, 3)], (False, True) if mode[0] == "b" else (False,)):
        same(lambda f, _, x: f.interpolate(x, size, mode=mode, antialias=antialias), image, gradients=False)


@needs_torch
def test_windows_as_columns_and_back():
    options = {"kernel_size": (3, 2), "dilation": (1, 2), "padding": (1, 2), "stride": (2, 1)}
    same(lambda f, _, x: f.unfold(x, **options), numbers(2, 3, 5, 4))
    columns = F.unfold(flambeau.from_numpy(numbers(2, 3, 5, 4)), **options)
    same(lambda f, _, x: f.fold(x, (5, 4), **options), numbers(*columns.shape))


@needs_torch
def test_shuffles():
    same(lambda f, _, x: f.pixel_shuffle(x, 2), numbers(2, 8, 3, 2))
    same(lambda f, _, x: f.pixel_unshuffle(x, 2), numbers(8, 4, 6))
    same(lambda f, _, x: f.channel_shuffle(x, 3), numbers(2, 6, 3))


@needs_torch
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [False, True])
def test_sampling_by_a_grid(mode, padding_mode, align_corners):
    def call(f, _, x, grid):
        return f.grid_sample(x, grid, mode, padding_mode, align_corners)

    same(call, numbers(2, 3, 4, 5), numbers(2, 3, 4, 2))
    if mode != "bicubic":
        same(call, numbers(1, 2, 3, 4, 5), numbers(1, 2, 3, 2, 3))


@needs_torch
@pytest.mark.parametrize("align_corners", [False, True])
def test_affine_grids(align_corners):
    same(lambda f, _, t: f.affine_grid(t, (2, 1, 3, 4), align_corners), numbers(2, 2, 3))
    same(lambda f, _, t: f.affine_grid(t, (2, 1, 3, 4, 2), align_corners), numbers(2, 3, 4))


@needs_torch
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_unpooling(dimensions):
    def call(f, _, x):
        pooled, places = getattr(f, f"max_pool{dimensions}d")(x, 2, return_indices=True)
        return getattr(f, f"max_unpool{dimensions}d")(pooled, places, 2)

    same(call, numbers(2, 3, *(4, 6, 4)[:dimensions]))


@needs_torch
@pytest.mark.parametrize("dimensions", [2, 3])
def test_fractional_pooling(dimensions):
    def call(f, _, x, samples):
        pool = getattr(f, f"fractional_max_pool{dimensions}d")
        return pool(x, 2, output_size=(3, 2, 2)[:dimensions], _random_samples=samples.detach())

    same(call, numbers(2, 3, *(7, 6, 5)[:dimensions]), np.random.default_rng(2).random((2, 3, dimensions)))


def test_one_hot():
    rows = F.one_hot(flambeau.tensor([[0, 2], [1, 1]]))
    assert rows.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]]
    with pytest.raises(RuntimeError, match="Class values must be smaller than num_classes."):
        F.one_hot(flambeau.tensor([3]), 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.pad(x, (1, 1), "reflect", 1.0), RuntimeError, 'Padding mode "reflect" doesn\'t take in value argument'),
        (lambda x: F.pad(x, (1, 1), "mirror"), NotImplementedError, "Unrecognised padding mode mirror"),
        (
            lambda x: F.interpolate(x, scale_factor=float("inf")), RuntimeError,
            "value cannot be converted to type int64_t without overflow",
        ),
        (
            lambda x: F.interpolate(x, (0, 3)), RuntimeError,
            "Input and output sizes should be greater than 0, but got input (H: 4, W: 5) output (H: 0, W: 3)",
        ),
        (
            lambda x: F.unfold(x, (2**62, 2)), RuntimeError, None,
        ),
        (
            lambda x: F.pixel_shuffle(x, 2), RuntimeError,
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            "input.size(-3)=3 is not divisible by 4",
        ),
    ],
)
def test_mistakes_have_pytorchs_words(call, error, message):
    with pytest.raises(error) as raised:
        call(flambeau.zeros(2, 3, 4, 5))
    assert message is None or str(raised.value) == message
