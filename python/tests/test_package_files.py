"""Files: what is written is read, what is unsafe is refused, PyTorch understands both."""

import io
import pickle
import struct
import zipfile

import flambeau as torch
import pytest


def _round_trip(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return torch.load(file, **options)


def test_plain_data_and_tensors():
    value = {"w": torch.arange(6.0).reshape(2, 3), "list": [1, None, 2.5, "x"], "t": (torch.tensor(3),)}
    loaded = _round_trip(value)
    assert torch.equal(loaded["w"], value["w"])
    assert loaded["list"] == value["list"]
    assert loaded["t"][0].item() == 3


def test_views_keep_sharing_their_storage():
    a = torch.arange(12.0).reshape(3, 4)
    x, y = _round_trip([a, a.t()])
    x[1, 0] = 50
    assert y[0, 1] == 50
    assert y.stride() == (1, 4)


def test_parameters_stay_parameters():
    p = _round_trip([torch.nn.Parameter(torch.ones(2), requires_grad=False)])[0]
    assert type(p) is torch.nn.Parameter
    assert not p.requires_grad


def test_dtypes():
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int8, torch.uint8, torch.bool):
        loaded = _round_trip(torch.ones(3).to(dtype))
        assert loaded.dtype == dtype
        assert loaded.to(torch.float32).tolist() == [1.0, 1.0, 1.0]


def test_the_legacy_format():
    file = io.BytesIO()
    torch.save({"a": torch.arange(5), "b": torch.ones(2, 2)}, file, _use_new_zipfile_serialization=False)
    file.seek(0)
    loaded = torch.load(file)
    assert loaded["a"].tolist() == [0, 1, 2, 3, 4]
    assert loaded["b"].tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_records_are_stored_and_aligned():
    file = io.BytesIO()
    torch.save([torch.ones(3), torch.ones(5)], file)
    data = file.getvalue()
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
            assert (info.header_offset + 30 + name + extra) % 64 == 0


def test_code_is_refused():
    file = io.BytesIO()
    torch.save(torch.nn.ReLU(), file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="GLOBAL torch.nn.modules.activation.ReLU was not an allowed global"):
        torch.load(file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="weights_only=False is not supported, because .* save a state_dict"):
        torch.load(file, weights_only=False)


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("echo this must never run",)


def test_a_pickle_that_runs_code_does_not():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil(), protocol=2))
        archive.writestr("archive/version", "3\n")
    data.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="posix|nt"):
        torch.load(data)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 broken", b"\x80\x02K\x01."])
def test_broken_files_raise(content):
    with pytest.raises((EOFError, KeyError, RuntimeError, pickle.UnpicklingError)):
        torch.load(io.BytesIO(content))


def test_missing_files():
    with pytest.raises(FileNotFoundError):
        torch.load("/nonexistent/file.pt")
    with pytest.raises(RuntimeError, match="Parent directory /nonexistent/dir does not exist"):
        torch.save(torch.ones(1), "/nonexistent/dir/file.pt")


def test_pytorch_reads_ours_and_we_read_its():
    real = pytest.importorskip("torch")
    state = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)).state_dict()
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    theirs = real.load(file)
    assert list(theirs) == list(state)
    for name in state:
        assert theirs[name].tolist() == state[name].tolist()
    for zipped in (True, False):
        file = io.BytesIO()
        real.save(theirs, file, _use_new_zipfile_serialization=zipped)
        file.seek(0)
        back = torch.load(file)
        assert all(back[name].tolist() == state[name].tolist() for name in state)
