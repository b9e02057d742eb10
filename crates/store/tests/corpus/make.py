"""Writes the files beside it, with PyTorch, NumPy and safetensors: ``python make.py``.

They are small, of every kind that the readers know, and serve twice: tests compare what
is read with the numbers below, and the fuzzer starts from them.
"""

import collections
import io
import json
import pathlib
import pickle
import zipfile

import numpy
import safetensors.torch
import torch

HERE = pathlib.Path(__file__).parent


def folder(name: str) -> pathlib.Path:
    (HERE / name).mkdir(exist_ok=True)
    return HERE / name


def state_dict() -> collections.OrderedDict:
    w = torch.arange(12.0).reshape(3, 4)
    state = collections.OrderedDict(w=w, view=w[1:, ::2], n=torch.tensor([1, -2, 3]))
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    return state


def dtypes() -> dict:
    names = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
    return {name: torch.tensor([0, 1, 1, 0, 1]).to(getattr(torch, name)) for name in names}


def nested() -> dict:
    p = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = torch.optim.SGD([p], lr=0.5, momentum=0.9)
    p.sum().backward()
    optimizer.step()
    return {
        "epoch": 3, "big": 2**100, "negative": -(2**40), "complex": 1 - 2j, "none": None, "flag": True,
        "tuple": (1, 2.5, "three", b"\x00\xff"), "set": {7}, "size": torch.Size([2, 3]), "dtype": torch.float16,
        "device": torch.device("cpu"), "list": [[], {}, ()], "parameter": p, "optimizer": optimizer.state_dict(),
        "scalar": torch.tensor(2.0), "empty": torch.zeros(0, 3),
    }


def arrays() -> dict:
    """As published datasets have them."""
    return {
        b"data": numpy.arange(12, dtype="u1").reshape(2, 6), b"labels": [3, 7], "names": ("a", b"\xff", None, True, 2.5),
        "columns": numpy.asfortranarray(numpy.ones((2, 3), "<f4")), "empty": numpy.zeros((0, 2), "<i8"),
    }


def zipped(value) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def repacked(content: bytes, method: int, change=lambda name, data: data) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", method) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), change(name, old.read(name)), compress_type=method)
    return file.getvalue()


def big_endian(name: str, data: bytes) -> bytes:
    """The archive of a big-endian machine, where it holds 4-byte numbers alone."""
    if name.endswith("/byteorder"):
        return b"big"
    return numpy.frombuffer(data, "<f4").astype(">f4").tobytes() if "/data/" in name else data


def main() -> None:
    values = {"state_dict": state_dict(), "dtypes": dtypes(), "nested": nested()}
    for name, value in values.items():
        (folder("torch") / f"{name}.pt").write_bytes(zipped(value))
        torch.save(value, folder("legacy") / f"{name}.pt", _use_new_zipfile_serialization=False)
        with zipfile.ZipFile(io.BytesIO(zipped(value))) as archive:
            (folder("pickle") / f"{name}.pkl").write_bytes(archive.read("archive/data.pkl"))
    for protocol in (2, 4):
        (folder("plain") / f"arrays{protocol}.pkl").write_bytes(pickle.dumps(arrays(), protocol))
    floats = zipped({"w": torch.arange(4.0)})
    (HERE / "torch/deflated.pt").write_bytes(repacked(floats, zipfile.ZIP_DEFLATED))
    (HERE / "torch/big_endian.pt").write_bytes(repacked(floats, zipfile.ZIP_STORED, big_endian))
    torch.serialization.set_crc32_options(False)
    (HERE / "torch/no_checksums.pt").write_bytes(zipped({"w": torch.arange(4.0)}))
    torch.serialization.set_crc32_options(True)

    safe = folder("safetensors")
    safetensors.torch.save_file(dtypes(), safe / "dtypes.safetensors", metadata={"format": "pt", "made by": "a test"})
    safetensors.torch.save_file({"s": torch.tensor(2.0), "e": torch.zeros(0, 3)}, safe / "shapes.safetensors")

    index = folder("index")
    parts = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    for position, (name, file) in enumerate(parts.items()):
        safetensors.torch.save_file({name: torch.full((2,), float(position))}, index / file)
    (index / "model.safetensors.index.json").write_text(json.dumps({"metadata": {"total_size": 16}, "weight_map": parts}))

    npy = folder("npy")
    numpy.save(npy / "float32.npy", numpy.arange(6, dtype="<f4").reshape(2, 3))
    numpy.save(npy / "fortran.npy", numpy.asfortranarray(numpy.arange(6, dtype="<f8").reshape(2, 3)))
    numpy.save(npy / "big_endian.npy", numpy.arange(6, dtype=">i2").reshape(2, 3))
    numpy.save(npy / "scalar.npy", numpy.array(True))
    with open(npy / "version2.npy", "wb") as file:
        numpy.lib.format.write_array(file, numpy.arange(3, dtype="<i8"), version=(2, 0))
    npz = folder("npz")
    arrays = {"w": numpy.arange(6, dtype="<f4").reshape(2, 3), "n": numpy.array([1, -2])}
    numpy.savez(npz / "stored.npz", **arrays)
    numpy.savez_compressed(npz / "compressed.npz", **arrays)


if __name__ == "__main__":
    main()
