"""Tensors over mapped files, compared with PyTorch."""

import pytest

import flambeau

torch = pytest.importorskip("torch", reason="compares with PyTorch")


def outcomes(module, folder):
    folder.mkdir()
    path = str(folder / "numbers.bin")
    module.arange(4.0).numpy().tofile(path)

    def attempt(**kwargs):
        try:
            return module.from_file(path, **kwargs).tolist()
        except RuntimeError as error:
            return str(error).replace(str(folder), "")

    seen = [attempt(size=4), attempt(size=2, dtype=module.int32), attempt(), attempt(size=8), attempt(size=-1)]
    private = module.from_file(path, size=4)
    private[1] = 7
    seen.append(attempt(size=4))
    shared = module.from_file(path, shared=True, size=6)
    shared[0] = 9
    del private, shared
    seen.append(attempt(size=6))
    path = str(folder / "absent.bin")
    return [*seen, attempt(size=1)]


def test_same_as_torch(tmp_path):
    assert outcomes(flambeau, tmp_path / "ours") == outcomes(torch, tmp_path / "theirs")
