"""Writes print.txt: tensors as PyTorch prints them, for tests/print.rs.

    python print.py [cases] > print.txt

A case is a line `dtype shape requires_grad precision threshold edgeitems linewidth sci_mode`, a line of
the elements' bits in hexadecimal, the text, and a line `--`.
"""

import sys

import numpy as np
import torch

cases = int(sys.argv[1]) if len(sys.argv) > 1 else 300
rng = np.random.default_rng(0)
FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTEGERS = ["int64", "int32", "int16", "int8", "uint8", "bool"]
BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def numbers(count):
    kind = rng.integers(8)
    values = rng.normal(size=count)
    if kind == 1:
        values = np.round(values * 5)
    elif kind == 2:
        values = values * 10.0 ** rng.integers(-9, 10, size=count)
    elif kind == 3:
        values = values * 10.0 ** rng.integers(-9, 10)
    elif kind == 4:
        values = np.round(values * 10.0 ** rng.integers(0, 12))
    elif kind == 5:
        values[rng.random(count) < 0.3] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0])
    elif kind == 6:
        values = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, 0.5], size=count)
    elif kind == 7:
        values = values * 30
    return values


for case in range(cases):
    dtype = str(rng.choice(FLOATS if rng.random() < 0.7 else INTEGERS))
    ndim = int(rng.choice([0, 1, 1, 2, 2, 3, 4]))
    limit = [1, 40, 12, 6, 4][ndim]
    shape = [int(s) for s in rng.integers(0 if rng.random() < 0.1 else 1, limit + 1, size=ndim)]
    values = torch.from_numpy(numbers(int(np.prod(shape))))
    if not dtype.startswith(("float", "bfloat")):
        values = values.nan_to_num().clamp(-(2.0**60), 2.0**60).long()
    tensor = values.to(getattr(torch, dtype)).reshape(shape)
    options = dict(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)
    if rng.random() < 0.4:
        options = dict(
            precision=int(rng.integers(0, 9)), threshold=int(rng.integers(0, 60)), edgeitems=int(rng.integers(0, 5)),
            linewidth=int(rng.integers(10, 130)), sci_mode=[None, True, False][rng.integers(3)],
        )
    elif rng.random() < 0.3:
        options["threshold"] = 20
    grad = bool(dtype in FLOATS and rng.random() < 0.3)
    width = tensor.element_size()
    bits = tensor.contiguous().reshape(-1).view(BITS[width]).tolist()
    tensor.requires_grad_(grad)
    torch.set_printoptions(**options)
    text = repr(tensor)
    torch.set_printoptions(profile="default")
    print(dtype, ",".join(map(str, shape)) or "-", int(grad), *options.values())
    print(" ".join(format(b % (1 << 8 * width), "x") for b in bits))
    print(text)
    print("--")
