"""MNIST and the sets made after it, in IDX files."""

from __future__ import annotations

import math
import os
import shutil
import string
import sys
import warnings

import flambeau as torch

from .utils import check_integrity, download_and_extract_archive, extract_archive, verify_str_arg
from .vision import VisionDataset

__all__ = ["EMNIST", "KMNIST", "MNIST", "QMNIST", "FashionMNIST"]

_FILES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def _renamed(name: str, now: str) -> property:
    def getter(self):
        warnings.warn(f"{name} has been renamed {now}")
        return getattr(self, now)

    return property(getter)


def _image(pixels):
    """A PIL image of one channel's bytes ``(H, W)``."""
    from PIL import Image

    height, width = pixels.shape
    return Image.frombuffer("L", (width, height), pixels.numpy().tobytes(), "raw", "L", 0, 1)


class MNIST(VisionDataset):
    """70,000 handwritten digits of 28 by 28 pixels, in the files ``root/MNIST/raw/train-images-idx3-ubyte``, ….

    ``data`` has all images ``(N, 28, 28)``, ``targets`` their classes; an item is a PIL image and an ``int``, changed by
    the transforms. ``download`` fetches files that are missing.
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
    resources = list(zip(_FILES, (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432", "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    )))
    training_file = "training.pt"
    test_file = "test.pt"
    classes = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight",
        "9 - nine",
    ]
    #: where a package of the operating system puts the packed files, and how to get that package
    _installed: str | None = None
    _advice = ""

    train_labels = _renamed("train_labels", "targets")
    test_labels = _renamed("test_labels", "targets")
    train_data = _renamed("train_data", "data")
    test_data = _renamed("test_data", "data")

    def __init__(self, root, train: bool = True, transform=None, target_transform=None, download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if self._check_legacy_exist():
            self.data, self.targets = self._load_legacy_data()
            return
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        self.data, self.targets = self._load_data()

    def _check_legacy_exist(self) -> bool:
        return all(
            check_integrity(os.path.join(self.processed_folder, file)) for file in (self.training_file, self.test_file)
        )

    def _load_legacy_data(self):
        return torch.load(os.path.join(self.processed_folder, self.training_file if self.train else self.test_file))

    def _load_data(self):
        part = "train" if self.train else "t10k"
        images = read_image_file(os.path.join(self.raw_folder, f"{part}-images-idx3-ubyte"))
        return images, read_label_file(os.path.join(self.raw_folder, f"{part}-labels-idx1-ubyte"))

    def __getitem__(self, index: int):
        return self._transformed(_image(self.data[index]), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    @property
    def raw_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.classes)}

    def _check_exists(self) -> bool:
        names = (os.path.splitext(os.path.basename(url))[0] for url, _ in self.resources)
        return all(check_integrity(os.path.join(self.raw_folder, name)) for name in names)

    def download(self) -> None:
        """Puts the files into ``raw_folder`` that are not there: from where the system has them, or a mirror."""
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for name, md5 in self.resources:
            installed = self._installed and os.path.join(self._installed, name)
            # packed again by the system's packagers, so the mirrors' checksum is not its own
            if installed and check_integrity(installed):
                extract_archive(installed, self.raw_folder)
            else:
                self._fetch(name, md5)

    def _fetch(self, name: str, md5: str) -> None:
        tried = []
        for mirror in self.mirrors:
            try:
                return download_and_extract_archive(mirror + name, self.raw_folder, filename=name, md5=md5)
            except (RuntimeError, OSError) as error:  # a URLError is an OSError
                tried.append(f"Tried {mirror}, got:\n{error}\n")
        raise RuntimeError(
            f"Error downloading {name}:\n{''.join(tried)}"
            f"Put {', '.join(name for name, _ in self.resources)} into {self.raw_folder}{self._advice}."
        )

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"


class FashionMNIST(MNIST):
    """70,000 pictures of clothes; as ``MNIST``."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = list(zip(_FILES, (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe", "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    )))
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    _installed = "/usr/share/datasets/fashion-mnist"
    _advice = ", or install Debian's package dataset-fashion-mnist (apt-get install dataset-fashion-mnist)"


class KMNIST(MNIST):
    """70,000 characters of old Japanese script; as ``MNIST``."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = list(zip(_FILES, (
        "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344", "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    )))
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


class EMNIST(MNIST):
    """Handwritten letters and digits, in six selections (``split``); images are stored with rows for columns."""

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    _merged_classes = set("cijklmopsuvwxyz")
    _all_classes = set(string.digits + string.ascii_letters)
    classes_split_dict = {
        "byclass": sorted(_all_classes),
        "bymerge": sorted(_all_classes - _merged_classes),
        "balanced": sorted(_all_classes - _merged_classes),
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root, split: str, **kwargs) -> None:
        self.split = verify_str_arg(split, "split", self.splits)
        self.training_file = f"training_{split}.pt"
        self.test_file = f"test_{split}.pt"
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[self.split]

    @property
    def _file_prefix(self) -> str:
        return f"emnist-{self.split}-{'train' if self.train else 'test'}"

    @property
    def images_file(self) -> str:
        return os.path.join(self.raw_folder, f"{self._file_prefix}-images-idx3-ubyte")

    @property
    def labels_file(self) -> str:
        return os.path.join(self.raw_folder, f"{self._file_prefix}-labels-idx1-ubyte")

    def _load_data(self):
        return read_image_file(self.images_file), read_label_file(self.labels_file)

    def _check_exists(self) -> bool:
        return all(check_integrity(file) for file in (self.images_file, self.labels_file))

    def download(self) -> None:
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        try:
            download_and_extract_archive(self.url, self.raw_folder, md5=self.md5)
        except (RuntimeError, OSError) as error:
            raise RuntimeError(
                f"Error downloading {self.url}: {error}. Put the files of that archive into {self.raw_folder}, unpacked."
            ) from error
        folder = os.path.join(self.raw_folder, "gzip")
        for name in os.listdir(folder):
            if name.endswith(".gz"):
                extract_archive(os.path.join(folder, name), self.raw_folder)
        shutil.rmtree(folder)


_QMNIST = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"


class QMNIST(MNIST):
    """MNIST made again from its sources, with 60,000 images to test with (``what``: one of ``subsets``).

    With ``compat``, a target is the class; else the eight numbers known of the image.
    """

    subsets = {"train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist"}
    resources = {
        "train": [
            (f"{_QMNIST}qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
            (f"{_QMNIST}qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        ],
        "test": [
            (f"{_QMNIST}qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
            (f"{_QMNIST}qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        ],
        "nist": [
            (f"{_QMNIST}xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
            (f"{_QMNIST}xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ],
    }

    def __init__(self, root, what: str | None = None, compat: bool = True, train: bool = True, **kwargs) -> None:
        if what is None:
            what = "train" if train else "test"
        self.what = verify_str_arg(what, "what", tuple(self.subsets))
        self.compat = compat
        self.data_file = self.training_file = self.test_file = f"{what}.pt"
        super().__init__(root, train, **kwargs)

    def _file(self, number: int) -> str:
        url, _ = self.resources[self.subsets[self.what]][number]
        return os.path.join(self.raw_folder, os.path.splitext(os.path.basename(url))[0])

    @property
    def images_file(self) -> str:
        return self._file(0)

    @property
    def labels_file(self) -> str:
        return self._file(1)

    def _check_exists(self) -> bool:
        return all(check_integrity(file) for file in (self.images_file, self.labels_file))

    def _load_data(self):
        data = read_image_file(self.images_file)
        targets = read_sn3_pascalvincent_tensor(self.labels_file).long()
        if targets.ndimension() != 2:
            raise ValueError(f"targets should have 2 dimensions instead of {targets.ndimension()}")
        chosen = {"test10k": slice(0, 10000), "test50k": slice(10000, None)}.get(self.what, slice(None))
        return data[chosen].clone(), targets[chosen].clone()

    def download(self) -> None:
        if self._check_exists():
            return
        os.makedirs(self.raw_folder, exist_ok=True)
        for url, md5 in self.resources[self.subsets[self.what]]:
            try:
                download_and_extract_archive(url, self.raw_folder, md5=md5)
            except (RuntimeError, OSError) as error:
                raise RuntimeError(
                    f"Error downloading {url}: {error}. Put that file into {self.raw_folder}, unpacked."
                ) from error

    def __getitem__(self, index: int):
        target = self.targets[index]
        return self._transformed(_image(self.data[index]), int(target[0]) if self.compat else target)

    def extra_repr(self) -> str:
        return f"Split: {self.what}"


#: the codes of IDX files
SN3_PASCALVINCENT_TYPEMAP = {
    8: torch.uint8, 9: torch.int8, 11: torch.int16, 12: torch.int32, 13: torch.float32, 14: torch.float64,
}


def read_sn3_pascalvincent_tensor(path, strict: bool = True):
    """The array of an IDX file: two zeros, a code of the type, the count of dimensions, sizes, numbers, all big-endian.

    With ``strict`` unset, bytes beyond the last number are passed over.
    """
    with open(path, "rb") as file:
        content = file.read()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in SN3_PASCALVINCENT_TYPEMAP or not 1 <= content[3] <= 3:
        raise RuntimeError(f"{path}: not an IDX file")
    dtype, dimensions = SN3_PASCALVINCENT_TYPEMAP[content[2]], content[3]
    start = 4 * (dimensions + 1)
    shape = [int.from_bytes(content[at:at + 4], "big") for at in range(4, start, 4)]
    size = dtype.itemsize
    count = math.prod(shape)
    there = len(content) - start
    if there < count * size or (strict and there > count * size):
        raise RuntimeError(f"{path}: an array {shape} of {dtype} has {count * size} bytes, and the file {max(there, 0)}")
    numbers = bytearray(content[start:start + count * size])
    if sys.byteorder == "little" and size > 1:
        swapped = bytearray(len(numbers))
        for byte in range(size):
            swapped[byte::size] = numbers[size - 1 - byte::size]
        numbers = swapped
    if not numbers:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(numbers, dtype=dtype).view(shape)


def _of_bytes(path, dimensions: int, plural: str):
    x = read_sn3_pascalvincent_tensor(path, strict=False)
    if x.dtype != torch.uint8:
        raise TypeError(f"x should be of dtype torch.uint8 instead of {x.dtype}")
    if x.ndimension() != dimensions:
        raise ValueError(f"x should have {dimensions} dimension{plural} instead of {x.ndimension()}")
    return x


def read_label_file(path):
    """Classes, int64."""
    return _of_bytes(path, 1, "").long()


def read_image_file(path):
    """Images ``(N, H, W)`` of bytes."""
    return _of_bytes(path, 3, "")
