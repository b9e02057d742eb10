"""Datasets of images: files made here, read here and, where it can be imported, by torchvision."""

import gzip
import hashlib
import os
import pickle
import struct

import flambeau
import pytest
from flambeau.vision import datasets, io, transforms, utils

Image = pytest.importorskip("PIL.Image")
np = pytest.importorskip("numpy")


@pytest.fixture(scope="module")
def torchvision():
    pytest.importorskip("torch", reason="compares with PyTorch")
    return pytest.importorskip("torchvision", reason="compares with torchvision")


def idx(array, code=8):
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def write_mnist(root, name, prefix=("train", "t10k"), packed=False):
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    draws = np.random.default_rng(0)
    for part, count in zip(prefix, (7, 3)):
        for file, array in (
            (f"{part}-images-idx3-ubyte", draws.integers(0, 256, (count, 28, 28), dtype=np.uint8)),
            (f"{part}-labels-idx1-ubyte", draws.integers(0, 10, (count,), dtype=np.uint8)),
        ):
            (folder / file).write_bytes(idx(array))
    return folder


def same_items(mine, other):
    assert len(mine) == len(other)
    assert repr(mine) == repr(other)
    for (a, i), (b, j) in zip((mine[n] for n in range(len(mine))), (other[n] for n in range(len(other)))):
        assert (a.mode, a.size, a.tobytes(), i) == (b.mode, b.size, b.tobytes(), j)
        assert type(i) is type(j)


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
@pytest.mark.parametrize("train", [True, False])
def test_sets_like_mnist_have_torchvisions_items(torchvision, tmp_path, name, train):
    write_mnist(tmp_path, name)
    mine = getattr(datasets, name)(str(tmp_path), train=train)
    other = getattr(torchvision.datasets, name)(str(tmp_path), train=train)
    same_items(mine, other)
    assert (mine.classes, mine.class_to_idx) == (other.classes, other.class_to_idx)
    assert mine.data.numpy().tolist() == other.data.numpy().tolist()
    assert mine.targets.tolist() == other.targets.tolist()
    assert (mine.targets.dtype, mine.data.dtype) == (flambeau.int64, flambeau.uint8)


@pytest.mark.parametrize("split", datasets.EMNIST.splits)
def test_emnist(torchvision, tmp_path, split):
    write_mnist(tmp_path, "EMNIST", (f"emnist-{split}-train", f"emnist-{split}-test"))
    mine, other = (module.EMNIST(str(tmp_path), split, train=False) for module in (datasets, torchvision.datasets))
    same_items(mine, other)
    assert mine.classes == other.classes


@pytest.mark.parametrize("compat", [True, False])
def test_qmnist(torchvision, tmp_path, compat):
    folder = tmp_path / "QMNIST" / "raw"
    folder.mkdir(parents=True)
    draws = np.random.default_rng(1)
    (folder / "qmnist-train-images-idx3-ubyte").write_bytes(idx(draws.integers(0, 256, (4, 28, 28), dtype=np.uint8)))
    numbers = draws.integers(0, 1 << 20, (4, 8)).astype(">i4")
    (folder / "qmnist-train-labels-idx2-int").write_bytes(idx(numbers, code=12))
    mine, other = (module.QMNIST(str(tmp_path), compat=compat) for module in (datasets, torchvision.datasets))
    assert mine.targets.tolist() == other.targets.tolist() == numbers.tolist()
    if compat:
        same_items(mine, other)
    else:
        assert mine[2][1].tolist() == other[2][1].tolist()


def test_what_is_missing_is_said_as_torchvision_says_it(torchvision, tmp_path):
    def message(module, make):
        with pytest.raises(Exception) as caught:
            make(module)
        return type(caught.value), str(caught.value)

    (tmp_path / "empty").mkdir()
    for make in (
        lambda d: d.MNIST(str(tmp_path)),
        lambda d: d.CIFAR10(str(tmp_path)),
        lambda d: d.EMNIST(str(tmp_path), "nonsense"),
        lambda d: d.EMNIST(str(tmp_path), 3),
        lambda d: d.ImageFolder(str(tmp_path)),
        lambda d: d.ImageFolder(str(tmp_path / "empty")),
        lambda d: d.VisionDataset("x", transforms=abs, transform=abs),
        lambda d: d.FakeData(size=3)[3],
    ):
        assert message(datasets, make) == message(torchvision.datasets, make)


def test_a_download_that_fails_says_where_the_files_go(tmp_path, monkeypatch):
    class Unreachable(datasets.FashionMNIST):
        mirrors = ["http://localhost:9/"]
        _installed = None

    with pytest.raises(RuntimeError, match="Error downloading train-images-idx3-ubyte.gz") as caught:
        Unreachable(str(tmp_path), download=True)
    assert "Unreachable/raw" in str(caught.value).replace(os.sep, "/")
    assert "dataset-fashion-mnist" in str(caught.value)


def test_files_that_the_system_has_are_taken(tmp_path):
    whole = write_mnist(tmp_path, "FashionMNIST")
    installed = tmp_path / "installed"
    installed.mkdir()
    for file in whole.iterdir():
        (installed / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))

    class Installed(datasets.FashionMNIST):
        _installed = str(installed)
        mirrors = []

    taken = Installed(str(tmp_path / "new"), download=True)
    assert taken.data.tolist() == datasets.FashionMNIST(str(tmp_path)).data.tolist()


@pytest.mark.parametrize("cut", [3, 10, 100, -1])
def test_a_cut_file_is_named(tmp_path, cut):
    folder = write_mnist(tmp_path, "MNIST")
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(RuntimeError, match="train-images-idx3-ubyte"):
        datasets.MNIST(str(tmp_path))


def write_cifar(root, dataset, monkeypatch):
    """Files of a few images, with the checksums that they have."""
    folder = root / dataset.base_folder
    folder.mkdir(parents=True, exist_ok=True)
    draws = np.random.default_rng(2)

    def written(name, value):
        content = pickle.dumps(value, protocol=2)
        (folder / name).write_bytes(content)
        return hashlib.md5(content).hexdigest()

    key = "labels" if dataset.__name__ == "CIFAR10" else "fine_labels"
    lists = {}
    for kind in ("train_list", "test_list"):
        lists[kind] = [
            [name, written(name, {"data": draws.integers(0, 256, (3, 3072), dtype=np.uint8), key: [4, 0, 9]})]
            for name, _ in getattr(dataset, kind)
        ]
    meta = dict(dataset.meta)
    meta["md5"] = written(meta["filename"], {meta["key"]: [f"class {i}" for i in range(10)]})
    return {**lists, "meta": meta}


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_cifar_has_torchvisions_items(torchvision, tmp_path, monkeypatch, name):
    lists = write_cifar(tmp_path, getattr(datasets, name), monkeypatch)
    sets = []
    for module in (datasets, torchvision.datasets):
        dataset = getattr(module, name)
        for key, value in lists.items():
            monkeypatch.setattr(dataset, key, value)
        sets.append(dataset(str(tmp_path)))
    same_items(*sets)
    mine, other = sets
    assert (mine.data == other.data).all() and mine.data.shape == other.data.shape
    assert (mine.targets, mine.classes, mine.class_to_idx) == (other.targets, other.classes, other.class_to_idx)


def test_a_pickle_is_not_executed(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    lists = write_cifar(tmp_path, datasets.CIFAR100, monkeypatch)
    content = pickle.dumps({"data": Evil()}, protocol=2)
    (tmp_path / "cifar-100-python" / "train").write_bytes(content)
    lists["train_list"] = [["train", hashlib.md5(content).hexdigest()]]
    for key, value in lists.items():
        monkeypatch.setattr(datasets.CIFAR100, key, value)
    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        datasets.CIFAR100(str(tmp_path))
    assert not (tmp_path / "made").exists()


@pytest.fixture
def folder(tmp_path):
    draws = np.random.default_rng(3)
    for name in ("dog/1.png", "cat/b.jpg", "cat/a.webp", "cat/deep/c.bmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draws.integers(0, 256, (9, 12, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    return tmp_path


def test_image_folders(torchvision, folder):
    mine, other = datasets.ImageFolder(str(folder)), torchvision.datasets.ImageFolder(str(folder))
    same_items(mine, other)
    for attribute in ("classes", "class_to_idx", "samples", "imgs", "targets", "extensions"):
        assert getattr(mine, attribute) == getattr(other, attribute)
    texts = [
        module.DatasetFolder(str(folder), lambda path: open(path).read(), (".txt",), allow_empty=True)
        for module in (datasets, torchvision.datasets)
    ]
    assert texts[0][0] == texts[1][0] == ("no picture", 0)
    for module in (datasets, torchvision.datasets):
        with pytest.raises(FileNotFoundError, match="Found no valid file for the classes dog. Supported extensions are: .txt"):
            module.DatasetFolder(str(folder), open, (".txt",))


def test_fake_data(torchvision):
    for n in (0, 5):
        mine, other = (module.FakeData(6, (3, 8, 9), random_offset=2)[n] for module in (datasets, torchvision.datasets))
        assert (mine[0].tobytes(), mine[1]) == (other[0].tobytes(), other[1])


def test_transforms_are_applied_and_described(torchvision, folder):
    def dataset(module, transforms):
        return module.ImageFolder(
            str(folder), transform=transforms.Compose([transforms.Resize(4), transforms.ToTensor()]),
            target_transform=abs,
        )

    mine, other = dataset(datasets, transforms), dataset(torchvision.datasets, torchvision.transforms)
    assert repr(mine) == repr(other)
    assert np.array_equal(mine[0][0].numpy(), other[0][0].numpy())
    batch, targets = next(iter(flambeau.utils.data.DataLoader(mine, batch_size=4, num_workers=2)))
    assert (tuple(batch.shape), targets.tolist()) == ((4, 3, 4, 5), [0, 0, 0, 1])


@pytest.mark.parametrize("options", [
    {}, {"nrow": 3, "padding": 1}, {"normalize": True}, {"normalize": True, "scale_each": True, "pad_value": 0.5},
    {"normalize": True, "value_range": (-1.0, 0.5)},
])
@pytest.mark.parametrize("shape", [(5, 3, 4, 6), (2, 1, 4, 4), (3, 5, 5), (1, 6, 5), (4, 4)])
def test_grids(torchvision, tmp_path, options, shape):
    import torch

    numbers = np.random.default_rng(4).standard_normal(shape).astype(np.float32)
    mine = utils.make_grid(flambeau.from_numpy(numbers.copy()), **options)
    other = torchvision.utils.make_grid(torch.from_numpy(numbers.copy()), **options)
    assert np.array_equal(mine.numpy(), other.numpy())
    utils.save_image(flambeau.from_numpy(numbers.copy()), tmp_path / "mine.png", **options)
    torchvision.utils.save_image(torch.from_numpy(numbers.copy()), tmp_path / "other.png", **options)
    assert (tmp_path / "mine.png").read_bytes() == (tmp_path / "other.png").read_bytes()


def test_pictures_in_files(tmp_path):
    pixels = flambeau.arange(3 * 4 * 5, dtype=flambeau.uint8).view(3, 4, 5)
    io.write_png(pixels, tmp_path / "a.png")
    assert io.read_image(tmp_path / "a.png").tolist() == pixels.tolist()
    gray = io.read_image(tmp_path / "a.png", io.ImageReadMode.GRAY)
    assert tuple(gray.shape) == (1, 4, 5)
    assert tuple(io.decode_image(io.read_file(tmp_path / "a.png"), io.ImageReadMode.RGB_ALPHA).shape) == (4, 4, 5)
    io.write_jpeg(pixels, tmp_path / "a.jpg", quality=95)
    assert tuple(io.decode_jpeg(io.read_file(tmp_path / "a.jpg")).shape) == (3, 4, 5)
    with pytest.raises(Exception, match="cannot identify image file"):
        io.decode_png(io.read_file(tmp_path / "a.jpg"))
    with pytest.raises(RuntimeError, match="bytes"):
        io.encode_png(pixels.to(flambeau.float32))
