"""Transforms beside torchvision's: the same numbers from the same seed, of tensors and of PIL images."""

import random

import flambeau
import pytest
from flambeau.vision import transforms as ours

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch", reason="compares with PyTorch")
torchvision = pytest.importorskip("torchvision", reason="compares with torchvision")
theirs = torchvision.transforms


def _image(height=37, width=52, channels=3):
    return np.random.default_rng(0).integers(0, 256, (channels, height, width), dtype=np.uint8)


def _pil(height=37, width=52):
    Image = pytest.importorskip("PIL.Image")
    return Image.fromarray(_image(height, width).transpose(1, 2, 0))


def _numbers(result):
    if isinstance(result, (tuple, list)):
        return np.concatenate([_numbers(part).reshape(-1) for part in result])
    if hasattr(result, "detach"):
        return result.detach().numpy()
    return np.asarray(result)


def _both(make, mine, other):
    """Applies a transform here and there, from one seed; gives both results."""
    results = []
    for package, transforms, image in ((flambeau, ours, mine), (torch, theirs, other)):
        package.manual_seed(7)
        random.seed(7)
        transform = make(transforms, package)
        # Several times: one image alone may leave a random transform idle.
        results.append([_numbers(transform(image)) for _ in range(6)])
    return results


def _assert_same(make, image, tolerance):
    mine, other = (image, image)
    if isinstance(image, np.ndarray):
        mine, other = flambeau.from_numpy(image.copy()), torch.from_numpy(image.copy())
    for a, b in zip(*_both(make, mine, other)):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max()) <= tolerance


EITHER = {
    "resize to a size": lambda t, _: t.Resize((20, 31)),
    "resize the shorter side": lambda t, _: t.Resize(20),
    "resize with a longest side": lambda t, _: t.Resize(20, max_size=24),
    "resize bicubic": lambda t, _: t.Resize(23, interpolation=t.InterpolationMode.BICUBIC),
    "resize nearest": lambda t, _: t.Resize(23, interpolation=t.InterpolationMode.NEAREST),
    "enlarge": lambda t, _: t.Resize((61, 80)),
    "center crop": lambda t, _: t.CenterCrop(21),
    "center crop of more than there is": lambda t, _: t.CenterCrop((41, 30)),
    "five crops": lambda t, _: t.FiveCrop(9),
    "ten crops": lambda t, _: t.TenCrop((9, 8), vertical_flip=True),
    "pad": lambda t, _: t.Pad((1, 2, 3, 4), fill=9),
    "pad two": lambda t, _: t.Pad((1, 2)),
    "pad edge": lambda t, _: t.Pad(3, padding_mode="edge"),
    "pad reflect": lambda t, _: t.Pad((3, 5), padding_mode="reflect"),
    "pad symmetric": lambda t, _: t.Pad((3, 5, 0, 2), padding_mode="symmetric"),
    "horizontal flip": lambda t, _: t.RandomHorizontalFlip(),
    "vertical flip": lambda t, _: t.RandomVerticalFlip(0.4),
    "random crop": lambda t, _: t.RandomCrop((20, 21), padding=4),
    "random crop, padded": lambda t, _: t.RandomCrop((50, 60), pad_if_needed=True, padding_mode="edge"),
    "random resized crop": lambda t, _: t.RandomResizedCrop(16),
    "random resized crop of hopeless proportions": lambda t, _: t.RandomResizedCrop(16, ratio=(9.0, 10.0), scale=(0.9, 1.0)),
    "grayscale": lambda t, _: t.Grayscale(),
    "grayscale in three channels": lambda t, _: t.Grayscale(3),
    "random grayscale": lambda t, _: t.RandomGrayscale(0.5),
    "invert": lambda t, _: t.RandomInvert(),
    "rotation": lambda t, _: t.RandomRotation(30),
    "rotation about a corner": lambda t, _: t.RandomRotation((10, 80), center=(0, 0), fill=7),
    "rotation with room": lambda t, _: t.RandomRotation((20, 70), expand=True),
    "affine": lambda t, _: t.RandomAffine(20, translate=(0.1, 0.2), scale=(0.8, 1.3), shear=(-10, 10, -5, 5)),
    "jitter": lambda t, _: t.ColorJitter(0.4, 0.3, 0.5, 0.2),
    "jitter in ranges": lambda t, _: t.ColorJitter(brightness=(0.5, 2.0), hue=(-0.3, 0.1)),
    "blur": lambda t, _: t.GaussianBlur((3, 7)),
    "some of several": lambda t, _: t.RandomApply([t.RandomHorizontalFlip(), t.CenterCrop(30)], p=0.6),
    "one of several": lambda t, _: t.RandomChoice([t.CenterCrop(30), t.RandomCrop(30)]),
    "any order": lambda t, _: t.RandomOrder([t.Pad(2), t.RandomCrop(30), t.RandomHorizontalFlip()]),
    "composed": lambda t, _: t.Compose([t.Resize(32), t.RandomCrop(28), t.Lambda(lambda image: image)]),
}
TENSORS = {
    "convert": lambda t, p: t.ConvertImageDtype(p.float32),
    "convert to more bits": lambda t, p: t.ConvertImageDtype(p.int32),
    "convert and back": lambda t, p: t.Compose([t.ConvertImageDtype(p.float64), t.ConvertImageDtype(p.uint8)]),
    "normalize": lambda t, p: t.Compose([t.ConvertImageDtype(p.float32), t.Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.4))]),
    "no antialias": lambda t, _: t.Resize(20, antialias=False),
    "erase": lambda t, _: t.RandomErasing(0.8),
    "erase with a colour": lambda t, _: t.RandomErasing(1.0, value=(1, 2, 3)),
    "erase with noise": lambda t, p: t.Compose([t.ConvertImageDtype(p.float32), t.RandomErasing(1.0, value="random")]),
    "rotation, bilinear": lambda t, _: t.RandomRotation(30, interpolation=t.InterpolationMode.BILINEAR, fill=(1, 2, 3)),
}
PICTURES = {
    "to a tensor": lambda t, _: t.ToTensor(),
    "to a tensor of bytes": lambda t, _: t.PILToTensor(),
    "and back": lambda t, _: t.Compose([t.ToTensor(), t.ToPILImage()]),
    "resize lanczos": lambda t, _: t.Resize(23, interpolation=t.InterpolationMode.LANCZOS),
}


# A byte may be rounded the other way where the exact value is a half.
@pytest.mark.parametrize("name", [*EITHER, *TENSORS])
def test_bytes(name):
    _assert_same({**EITHER, **TENSORS}[name], _image(), 2e-5 if name in ("normalize", "convert", "erase with noise") else 1)


@pytest.mark.parametrize("name", [*EITHER, "no antialias", "erase"])
def test_floats_in_batches(name):
    batch = np.stack([_image(), _image()[:, ::-1]]).astype(np.float32) / 255
    _assert_same({**EITHER, **TENSORS}[name], batch, 2e-5)


@pytest.mark.parametrize("name", [*EITHER, *PICTURES])
def test_pictures(name):
    # Bit for bit, but for what is computed as tensors.
    tolerance = {"blur": 1, "to a tensor": 1e-7}.get(name, 0)
    _assert_same({**EITHER, **PICTURES}[name], _pil(), tolerance)


@pytest.mark.parametrize("mode", ["L", "1", "I", "F", "RGBA"])
def test_modes_of_pictures(mode):
    image = _pil().convert(mode)
    _assert_same(lambda t, _: t.ToTensor(), image, 1e-7)
    _assert_same(lambda t, _: t.PILToTensor(), image, 0)
    _assert_same(lambda t, _: t.Compose([t.ToTensor(), t.ToPILImage()]), image, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.Resize((1, 2, 3)), lambda t: t.Resize(2.5), lambda t: t.CenterCrop((1, 2, 3)), lambda t: t.Lambda(3),
        lambda t: t.Pad("x"), lambda t: t.Pad((1, 2, 3)), lambda t: t.Pad(1, padding_mode="x"),
        lambda t: t.ColorJitter(-1), lambda t: t.ColorJitter(hue=0.7), lambda t: t.ColorJitter(brightness="x"),
        lambda t: t.RandomErasing(2), lambda t: t.RandomErasing(scale=(0, 2)), lambda t: t.RandomErasing(value="x"),
        lambda t: t.RandomRotation(-1), lambda t: t.RandomRotation((1, 2, 3)), lambda t: t.RandomAffine(1, scale=(0, 1)),
        lambda t: t.RandomAffine(1, translate=(2, 0)), lambda t: t.GaussianBlur(2), lambda t: t.GaussianBlur(3, (2, 1)),
        lambda t: t.RandomChoice(3), lambda t: t.ToTensor()("x"), lambda t: t.PILToTensor()(3),
    ],
)
def test_mistakes_are_told_in_torchvisions_words(make):
    with pytest.raises(Exception) as expected:
        make(theirs)
    with pytest.raises(type(expected.value)) as caught:
        make(ours)
    assert str(caught.value) == str(expected.value)


@pytest.mark.parametrize("name", [*EITHER, *TENSORS, *PICTURES])
def test_they_look_alike(name):
    make = {**EITHER, **TENSORS, **PICTURES}[name]
    assert repr(make(ours, torch)) == repr(make(theirs, torch))


def test_presets_of_weights():
    from flambeau.vision import models

    for weights in ("ResNet50_Weights.IMAGENET1K_V2", "EfficientNet_B1_Weights.IMAGENET1K_V1", "FCN_ResNet50_Weights.DEFAULT"):
        name, member = weights.split(".")
        module = torchvision.models.segmentation if name.startswith("FCN") else torchvision.models
        preset, expected = models.get_weight(weights).transforms(), getattr(module, name)[member].transforms()
        picture = _pil(300, 333)
        difference = np.abs(_numbers(preset(picture)) - _numbers(expected(picture))).max()
        assert difference <= 1e-6
        assert repr(preset) == repr(expected)
