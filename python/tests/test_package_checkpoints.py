"""Checkpoints: both formats, mapped files, safetensors, hostile files, and PyTorch on the other side."""

import collections
import io
import os
import pathlib
import pickle
import struct
import zipfile

import flambeau as torch
import pytest

CORPUS = pathlib.Path(__file__).resolve().parents[2] / "crates/store/tests/corpus"
corpus = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is part of the sources, not of an installed package")


def _saved(obj, **options) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return file


def _archive(records: dict, method=zipfile.ZIP_STORED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in records.items():
            archive.writestr(f"a/{name}", data)
    file.seek(0)
    return file


# --- what PyTorch wrote ---------------------------------------------------------------------------


@corpus
@pytest.mark.parametrize("kind", ["torch", "legacy"])
def test_files_of_pytorch(kind):
    state = torch.load(CORPUS / kind / "state_dict.pt")
    assert isinstance(state, collections.OrderedDict)
    assert state._metadata == {"": {"version": 1}}
    state["w"][1, 0] = 50
    assert state["view"].tolist() == [[50.0, 6.0], [8.0, 10.0]]
    for name, tensor in torch.load(CORPUS / kind / "dtypes.pt").items():
        assert tensor.dtype == getattr(torch, name)
        assert tensor.to(torch.float32).tolist() == [0, 1, 1, 0, 1]
    value = torch.load(CORPUS / kind / "nested.pt")
    assert value["tuple"] == (1, 2.5, "three", b"\x00\xff")
    assert value["big"] == 2**100 and value["complex"] == 1 - 2j and value["set"] == {7}
    assert value["size"] == torch.Size([2, 3]) and value["dtype"] == torch.float16
    assert type(value["parameter"]) is torch.nn.Parameter and value["parameter"].requires_grad
    assert value["optimizer"]["state"][0]["momentum_buffer"].tolist() == [[1.0, 1.0], [1.0, 1.0]]


@corpus
@pytest.mark.parametrize("name", ["big_endian", "deflated", "no_checksums"])
def test_other_archives_of_pytorch(name):
    assert torch.load(CORPUS / f"torch/{name}.pt")["w"].tolist() == [0.0, 1.0, 2.0, 3.0]


@corpus
def test_safetensors_by_name():
    tensors = torch.load(CORPUS / "safetensors/dtypes.safetensors")
    assert all(tensor.dtype == getattr(torch, name) for name, tensor in tensors.items())
    mapped = torch.load(str(CORPUS / "safetensors/shapes.safetensors"), mmap=True, map_location="cpu")
    assert mapped["s"].item() == 2.0 and mapped["e"].shape == (0, 3)
    for location in ({"cpu": "cpu"}, lambda storage, location: storage):
        with pytest.raises(RuntimeError, match="map_location is not supported. Use a device string or torch.device"):
            torch.load(CORPUS / "safetensors/dtypes.safetensors", map_location=location)


# --- mapped files ------------------------------------------------------------------------------------


def test_mapped_tensors_are_the_file(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"w": torch.arange(6.0), "n": torch.arange(3)}, path)
    before = path.read_bytes()
    state = torch.load(path, mmap=True)
    w, n = state["w"], state["n"]
    assert w.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] and n.tolist() == [0, 1, 2]
    # both lie in one mapping, as far apart as in the file
    apart = before.index(struct.pack("<3q", 0, 1, 2)) - before.index(struct.pack("<6f", *range(6)))
    assert n.data_ptr() - w.data_ptr() == apart
    w.fill_(7)
    assert w.tolist() == [7.0] * 6 and path.read_bytes() == before
    torch.save(state, path)
    assert torch.load(path)["w"].tolist() == [7.0] * 6


def test_assigned_parameters_stay_mapped(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(torch.nn.Linear(3, 2).state_dict(), path)
    state = torch.load(path, mmap=True)
    model = torch.nn.Linear(3, 2)
    model.load_state_dict(state, assign=True)
    assert model.weight.data_ptr() == state["weight"].data_ptr()
    assert isinstance(model.weight, torch.nn.Parameter) and model.weight.requires_grad
    model(torch.ones(1, 3)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.5).step()
    assert state["bias"].tolist() == model.bias.tolist()
    assert torch.load(path)["bias"].tolist() != model.bias.tolist()


def test_what_cannot_be_mapped_says_so(tmp_path):
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        torch.load(_saved(torch.ones(1)), mmap=True)
    torch.save(torch.ones(1), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with `torch.save"):
        torch.load(str(tmp_path / "old.pt"), mmap=True)


def test_storages_of_files(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(16)))
    storage = torch.UntypedStorage.from_file(str(path), nbytes=12)
    assert storage.tolist() == list(range(12))
    part = storage[4:8]
    assert part.tolist() == [4, 5, 6, 7] and part.data_ptr() == storage.data_ptr() + 4
    assert storage[-1] == 11
    with pytest.raises(RuntimeError):
        torch.UntypedStorage.from_file(str(path), nbytes=17)
    with pytest.raises(RuntimeError, match="is not aligned for float"):
        torch.empty(0).set_(storage[1:9], 0, (2,), (1,))
    with pytest.raises(NotImplementedError, match="use shared=False"):
        torch.UntypedStorage.from_file(str(path), shared=True)


# --- where it goes --------------------------------------------------------------------------------


def test_map_location():
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        data = _saved(torch.ones(3), **options).getvalue()
        seen = []

        def place(storage, location):
            seen.append((storage.nbytes(), location))
            return storage

        for location in (None, "cpu", torch.device("cpu"), {"cuda:0": "cpu"}, place):
            assert torch.load(io.BytesIO(data), map_location=location).tolist() == [1.0] * 3
        assert seen == [(12, "cpu")]
        with pytest.raises(RuntimeError, match="use torch.load with map_location=torch.device"):
            torch.load(io.BytesIO(data), map_location="cuda:0")

        def broken(storage, location):
            raise LookupError("of the user's")

        with pytest.raises(LookupError, match="of the user's"):
            torch.load(io.BytesIO(data), map_location=broken)


def test_several_objects_in_one_file():
    file = io.BytesIO()
    for value in (torch.ones(2), {"a": 1}):
        torch.save(value, file, _use_new_zipfile_serialization=False)
    file.seek(0)
    assert torch.load(file).tolist() == [1.0, 1.0]
    assert torch.load(file) == {"a": 1}


# --- whole or not at all ----------------------------------------------------------------------------


class _Unwilling:
    def __reduce__(self):
        raise ValueError("not to be saved")


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    torch.save({"a": 1}, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not to be saved"):
        torch.save([torch.ones(3), _Unwilling()], path)

    def full(storage):
        raise OSError("the disk is full")

    monkeypatch.setattr("flambeau.serialization._native._storage_to_bytes", full)
    with pytest.raises(OSError, match="the disk is full"):
        torch.save(torch.ones(3), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.pt"]


def test_permissions_are_kept(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(1, path)
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    torch.save(2, path)
    assert path.stat().st_mode & 0o777 == 0o640
    (tmp_path / "link.pt").symlink_to(path)
    torch.save(3, tmp_path / "link.pt")
    assert torch.load(path) == 3 and (tmp_path / "link.pt").is_symlink()


# --- nothing is executed ------------------------------------------------------------------------------


class Custom:
    def __init__(self, value):
        self.value = value


def test_classes_are_refused_in_pytorchs_words():
    data = _saved(Custom(3)).getvalue()
    with pytest.raises(pickle.UnpicklingError, match=r"Unsupported global: GLOBAL \S+Custom was not an allowed global by"):
        torch.load(io.BytesIO(data))
    with pytest.raises(pickle.UnpicklingError, match="never executes code from a file: .*Custom was refused; save a state"):
        torch.load(io.BytesIO(data), weights_only=False)
    with torch.serialization.safe_globals([Custom]):
        assert torch.load(io.BytesIO(data)).value == 3
    with pytest.raises(RuntimeError, match="pickle_module is not supported"):
        torch.load(io.BytesIO(data), pickle_module=pickle)
    assert torch.load(_saved({"a": torch.ones(1)}), weights_only=False)["a"].item() == 1.0


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02cposix\nsystem\nX\x01\x00\x00\x00x\x85R.",
        b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.",
        # attributes set on a class, a function or a dtype of this process
        b"\x80\x02ctorch\nTensor\n}X\x07\x00\x00\x00__add__K\x01sb.",
        b"\x80\x02ctorch\nTensor\nN}X\x07\x00\x00\x00__add__K\x01s\x86b.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00xK\x01sb.",
        # a call of what a call gave
        b"\x80\x02ctorch\nTensor\n)R)R.",
        # items set on what is no dict
        b"\x80\x02ctorch\nTensor\n)RK\x00K\x01s.",
        b"\x80\x02ctorch\nSize\n)RK\x00a.",
        b"\x80\x02(K\x01ios\nsystem\n.",
        # memory that the file does not have
        b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
        b"\x80\x02cbuiltins\nset\nq\x00](" + b"N" * 10_000 + b"eq\x01" + b"0h\x00h\x01\x85R" * 10_000 + b".",
    ],
)
def test_programs_are_not_run(program):
    before = torch.Tensor.__add__
    for data in (_archive({"data.pkl": program}), _legacy(program)):
        with pytest.raises((pickle.UnpicklingError, RuntimeError)):
            torch.load(data)
    assert torch.Tensor.__add__ is before


def _legacy(program: bytes) -> io.BytesIO:
    parts = (torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {})
    head = b"".join(pickle.dumps(part, protocol=2) for part in parts)
    return io.BytesIO(head + program + pickle.dumps([], protocol=2))


# --- files that lie -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_damaged_files_give_errors(options):
    whole = _saved({"w": torch.arange(4.0), "list": [1, "two"]}, **options).getvalue()
    errors = (RuntimeError, EOFError, ValueError, pickle.UnpicklingError)
    for length in range(len(whole)):
        with pytest.raises(errors):
            torch.load(io.BytesIO(whole[:length]))
    for at in range(len(whole)):
        for flip in (0x01, 0x80, 0x5A):
            changed = bytearray(whole)
            changed[at] ^= flip
            try:
                torch.load(io.BytesIO(bytes(changed)))
            except errors:
                pass


def test_zip_bombs_are_refused():
    data = _saved({"w": torch.zeros(24 << 20)})
    with zipfile.ZipFile(data) as archive:
        records = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    bomb = _archive(records, zipfile.ZIP_DEFLATED)
    assert len(bomb.getvalue()) < 1 << 20
    with pytest.raises(RuntimeError, match="as those of a zip bomb do"):
        torch.load(bomb)


def test_storages_smaller_than_their_views():
    data = _saved({"w": torch.arange(4.0)})
    with zipfile.ZipFile(data) as archive:
        records = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    records["data/0"] = records["data/0"][:8]
    with pytest.raises(RuntimeError, match="has 8 bytes where 16 are needed"):
        torch.load(_archive(records))


# --- PyTorch on the other side ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    return pytest.importorskip("torch", reason="PyTorch is what is compared with")


@pytest.mark.parametrize("zipped", [True, False])
def test_both_directions(real, zipped, tmp_path):
    def value(module):
        w = module.arange(12.0).reshape(3, 4)
        p = module.nn.Parameter(module.ones(2))
        adam = module.optim.Adam([p], lr=0.1)
        p.sum().backward()
        adam.step()
        names = "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split()
        return {
            "w": w, "view": w[1:, ::2], "t": w.t(), "parameter": p, "adam": adam.state_dict(),
            "plain": [1, 2.5, None, "x", b"y", (True, {3}), 2**70, 1j], "size": module.Size([1, 2]), "dtype": module.int8,
            "ordered": collections.OrderedDict(a=1), "types": [module.ones(3).to(getattr(module, name)) for name in names],
        }

    def seen(value):
        if isinstance(value, dict):
            return type(value).__name__, {key: seen(entry) for key, entry in value.items()}
        if isinstance(value, (list, tuple, set)):
            return type(value).__name__, [seen(entry) for entry in value]
        if hasattr(value, "stride"):
            geometry = (list(value.shape), value.stride(), value.storage_offset(), value.requires_grad)
            return type(value).__name__, str(value.dtype), geometry, value.detach().to(dtype=value.dtype).tolist()
        return type(value).__name__, str(value)

    path = tmp_path / "file.pt"
    for writer, reader in ((torch, real), (real, torch)):
        written = value(writer)
        writer.save(written, path, _use_new_zipfile_serialization=zipped)
        read = reader.load(path)
        assert seen(read) == seen(written)
        read["w"][1, 0] = 77
        assert read["view"][0, 0].item() == 77 and read["t"][0, 1].item() == 77
        if zipped:
            assert seen(reader.load(path, mmap=True)) == seen(written)


def test_messages_about_keys_are_pytorchs(real):
    def complaint(module, state, strict=True):
        model = module.nn.Sequential(module.nn.Conv2d(1, 2, 3), module.nn.BatchNorm2d(2))
        with pytest.raises(RuntimeError) as error:
            model.load_state_dict(state(module, model), strict=strict)
        return str(error.value)

    def prefixed(module, model):
        return {f"module.{name}": tensor for name, tensor in model.state_dict().items()}

    def other_shape(module, model):
        return {**model.state_dict(), "0.weight": module.ones(2, 1, 5, 5)}

    for state in (prefixed, other_shape):
        assert complaint(torch, state) == complaint(real, state)
    assert complaint(torch, other_shape, strict=False) == complaint(real, other_shape, strict=False)


def test_refusals_are_pytorchs(real, tmp_path):
    for program in (b"\x80\x02cposix\nsystem\nX\x01\x00\x00\x00x\x85R.", b"\x80\x02csome\nthing\n)R."):
        messages = []
        for module in (torch, real):
            with pytest.raises(pickle.UnpicklingError) as error:
                module.load(_archive({"data.pkl": program, "version": b"3\n"}))
            messages.append(str(error.value))
        assert messages[0] == messages[1]
    a = real.ones(4)
    for module in (torch, real):
        a = module.ones(4)
        with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data as diff"):
            module.save([a, a.view(module.int32)], tmp_path / "x.pt")
