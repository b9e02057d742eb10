"""Writes the files beside it, with PyTorch, NumPy, safetensors and ONNX: ``python make.py``.

They are small, of every kind that the readers know, and serve twice: tests compare what
is read with the numbers below, and fuzzers start from them.
"""

import collections
import gzip
import io
import json
import pathlib
import pickle
import zipfile

import numpy
import onnx
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

    plain()
    tables()
    models()


def plain() -> None:
    """Pickles of arrays, as CIFAR's."""
    images = numpy.arange(12, dtype="u1").reshape(2, 6)
    batch = {"data": images, "labels": [0, 1], "names": ("a", b"b"), "columns": images.T, "half": numpy.float16([1.5])}
    for protocol in (0, 2, 4):
        (folder("plain") / f"protocol{protocol}.pkl").write_bytes(pickle.dumps(batch, protocol))


def tables() -> None:
    """Images in IDX and as rows of numbers."""
    images = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(12))
    (folder("idx") / "images.idx").write_bytes(images)
    (folder("idx") / "images.idx.gz").write_bytes(gzip.compress(images, mtime=0))
    (folder("idx") / "labels.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    rows = b"1,0,64,128,255\n0,1,2,3,4\n"
    (folder("csv") / "rows.csv").write_bytes(rows)
    (folder("csv") / "rows.csv.gz").write_bytes(gzip.compress(rows, mtime=0))
    (folder("csv") / "named.csv").write_bytes(b"a,b,c,d,label\n" + b"9,8,7,6,cat\n5,4,3,2,dog\n")
    (folder("csv") / "files.csv").write_bytes(b"file,class\nnone.png,cat\n")


def models() -> None:
    """Small ONNX models of operators of every kind."""
    from onnx import TensorProto, helper, numpy_helper

    def save(name, nodes, weights, shape=(1, 2, 6, 6), opset=17):
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
        tensors = [numpy_helper.from_array(numpy.asarray(value), key) for key, value in weights.items()]
        graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        (folder("onnx") / f"{name}.onnx").write_bytes(model.SerializeToString())

    node = helper.make_node
    save("network", [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", ["a", "s", "s", "s", "s"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2]),
        node("ConvTranspose", ["d", "t"], ["e"], output_padding=[0, 0]),
        node("GlobalAveragePool", ["e"], ["f"]),
        node("Flatten", ["f"], ["g"]),
        node("Gemm", ["g", "m"], ["h"], transB=1),
        node("Softmax", ["h"], ["y"], axis=1),
    ], {"w": numpy.ones((3, 2, 3, 3), "f4"), "s": numpy.ones(3, "f4"), "t": numpy.ones((3, 2, 2, 2), "f4"),
        "m": numpy.ones((2, 2), "f4")})
    save("shapes", [
        node("Shape", ["x"], ["a"]),
        node("Gather", ["a", "first"], ["b"], axis=0),
        node("Unsqueeze", ["b", "zero"], ["c"]),
        node("Concat", ["c", "rest"], ["d"], axis=0),
        node("Reshape", ["x", "d"], ["e"]),
        node("Slice", ["e", "zero", "two", "zero"], ["f"]),
        node("Expand", ["f", "sizes"], ["g"]),
        node("Transpose", ["g"], ["h"], perm=[1, 0]),
        node("ReduceSum", ["h", "zero"], ["i"]),
        node("Cast", ["i"], ["j"], to=TensorProto.INT64),
        node("OneHot", ["j", "depth", "values"], ["k"]),
        node("Tile", ["k", "ones"], ["l"]),
        node("Where", ["true", "l", "l"], ["y"]),
    ], {"first": numpy.int64(0), "zero": numpy.int64([0]), "rest": numpy.int64([-1]), "two": numpy.int64([2]),
        "sizes": numpy.int64([1, 72]), "depth": numpy.int64(3), "values": numpy.float32([0, 1]),
        "ones": numpy.int64([1, 1, 1]), "true": numpy.array(True)})
    save("pictures", [
        node("Resize", ["x", "", "scales"], ["a"], mode="linear"),
        node("Pad", ["a", "pads"], ["b"], mode="reflect"),
        node("AveragePool", ["b"], ["c"], kernel_shape=[2, 2], ceil_mode=1, strides=[2, 2]),
        node("LRN", ["c"], ["d"], size=3),
        node("DepthToSpace", ["d2"], ["e"], blocksize=1),
        node("Concat", ["d", "d"], ["d2"], axis=1),
        node("InstanceNormalization", ["e", "s", "s"], ["f"]),
        node("Split", ["f", "parts"], ["g", "h"], axis=1),
        node("Clip", ["g", "low"], ["i"]),
        node("QuantizeLinear", ["i", "step", "middle"], ["j"]),
        node("DequantizeLinear", ["j", "step", "middle"], ["k"]),
        node("TopK", ["k", "two"], ["y", "where"], axis=-1),
    ], {"scales": numpy.float32([1, 1, 2, 2]), "pads": numpy.int64([0, 0, 1, 1, 0, 0, 1, 1]),
        "s": numpy.ones(4, "f4"), "parts": numpy.int64([1, 3]), "low": numpy.float32(0), "step": numpy.float32(0.5),
        "middle": numpy.uint8(3), "two": numpy.int64([2])})
    save("old", [
        node("Upsample", ["x"], ["a"], scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
        node("Constant", [], ["one"], value=numpy_helper.from_array(numpy.float32([1]), "one")),
        node("Add", ["a", "one"], ["b"]),
        node("Pad", ["b"], ["c"], pads=[0, 0, 1, 1, 0, 0, 1, 1]),
        node("ReduceMean", ["c"], ["d"], axes=[2, 3]),
        node("Dropout", ["d"], ["y"]),
    ], {}, opset=8)


if __name__ == "__main__":
    main()
