"""``SummaryWriter``: what TensorBoard itself reads from the files, where it is installed; and the files' own format."""

import io
import math
import struct

import flambeau as torch
import pytest
from flambeau.utils.tensorboard import SummaryWriter
from flambeau.utils.tensorboard._event_file import crc32c, framed


def records(folder):
    """The records of the one event file in a folder, with lengths and checksums looked at."""
    (path,) = [path for path in folder.iterdir() if path.is_file()]
    data, out = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        record = data[12 : 12 + length]
        assert data[: 16 + length] == framed(record)
        out.append(record)
        data = data[16 + length :]
    return out


@pytest.fixture
def read():
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def read(folder):
        return accumulator.EventAccumulator(str(folder), size_guidance=accumulator.STORE_EVERYTHING_SIZE_GUIDANCE).Reload()

    return read


def test_checksums_are_those_of_the_standard():
    # RFC 3720, B.4
    assert crc32c(b"\0" * 32) == 0x8A9136AA
    assert crc32c(b"123456789") == 0xE3069283


def test_every_call_is_in_the_file_when_it_returns(tmp_path):
    writer = SummaryWriter(tmp_path)
    for step in range(3):
        writer.add_scalar("loss", 0.5, step)
        assert len(records(tmp_path)) == 2 + step
    writer.close()


def test_scalars(tmp_path, read):
    with SummaryWriter(str(tmp_path), filename_suffix=".mine") as writer:
        for step, value in enumerate([1.5, torch.tensor([2.5]), float("nan"), 1e300]):
            writer.add_scalar("loss", value, step, walltime=100.0 + step)
        writer.add_scalar("exact", 1 / 3, 7, new_style=True, double_precision=True)
        with pytest.raises(AssertionError, match="one element"):
            writer.add_scalar("loss", torch.zeros(2))
    events = read(tmp_path)
    points = events.Scalars("loss")
    assert [(point.step, point.wall_time) for point in points] == [(n, 100.0 + n) for n in range(4)]
    assert [point.value for point in points[:2]] == [1.5, 2.5]
    assert math.isnan(points[2].value) and math.isinf(points[3].value)
    (exact,) = events.Tensors("exact")
    assert exact.step == 7 and list(exact.tensor_proto.double_val) == [1 / 3]


def test_several_scalars_are_several_runs(tmp_path, read):
    with SummaryWriter(tmp_path) as writer:
        for step in range(2):
            writer.add_scalars("a/loss", {"train": step, "validation": 2 * step}, step)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["a_loss_train", "a_loss_validation"]
    assert [point.value for point in read(tmp_path / "a_loss_validation").Scalars("a/loss")] == [0, 2]


def test_histograms(tmp_path, read):
    values = torch.tensor([-2.0, -1e-3, 0.0, 0.5, 0.5, 3.0, float("inf"), float("nan")])
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("default", values, 1)
        writer.add_histogram("four", torch.arange(9), 1, bins=4)
        writer.add_histogram("few", torch.linspace(-1, 1, 101), 1, max_bins=20)
        writer.add_histogram_raw("raw", 0, 1, 2, 1, 1, [0.5, 1.0], [1, 1], 1)
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("default", torch.zeros(0))
    events = read(tmp_path)

    def shown(tag):
        (event,) = events.Histograms(tag)
        return event.histogram_value

    default = shown("default")
    assert (default.min, default.max, default.num, default.sum) == (-2.0, 3.0, 6, pytest.approx(1.999))
    assert default.sum_squares == pytest.approx(4 + 1e-6 + 0.5 + 9)
    assert sum(default.bucket) == 6 and default.bucket[0] == 0
    # Each number is in the bucket whose limits are around it.
    for low, high, count in zip(default.bucket_limit, default.bucket_limit[1:], default.bucket[1:]):
        assert count == sum(low <= value < high for value in values.tolist())
    four = shown("four")
    assert (list(four.bucket_limit), list(four.bucket)) == ([0, 2, 4, 6, 8], [0, 2, 2, 2, 3])
    assert len(shown("few").bucket) <= 21 and sum(shown("few").bucket) == 101
    assert list(shown("raw").bucket) == [1, 1]


def test_histograms_are_those_of_torch(tmp_path, read):
    theirs = pytest.importorskip("torch")
    their_writer = pytest.importorskip("torch.utils.tensorboard")
    if theirs is torch:
        pytest.skip("torch is flambeau here")
    values = [math.sin(n) * 10 ** (n % 7 - 4) for n in range(500)]
    with SummaryWriter(tmp_path / "own") as writer, their_writer.SummaryWriter(tmp_path / "theirs") as other:
        for options in ({}, {"bins": 10}, {"max_bins": 50}):
            writer.add_histogram(str(options), torch.tensor(values), 3, **options)
            other.add_histogram(str(options), theirs.tensor(values), 3, **options)
    own, expected = read(tmp_path / "own"), read(tmp_path / "theirs")
    for tag in expected.Tags()["histograms"]:
        (a,), (b,) = own.Histograms(tag), expected.Histograms(tag)
        assert list(a.histogram_value.bucket) == list(b.histogram_value.bucket), tag
        assert list(a.histogram_value.bucket_limit) == pytest.approx(list(b.histogram_value.bucket_limit)), tag


def test_images(tmp_path, read):
    image = torch.rand(3, 5, 7)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("float", image, 1)
        writer.add_image("bytes", torch.full((5, 7), 200, dtype=torch.uint8), 1, dataformats="HW")
        writer.add_image("alpha", torch.ones(4, 2, 2), 1)
        writer.add_images("several", torch.zeros(10, 1, 4, 6), 1)
        with pytest.raises(AssertionError, match="input format are different"):
            writer.add_image("float", torch.zeros(5, 7))
        with pytest.raises(AssertionError, match="twice"):
            writer.add_image("float", image, dataformats="CCC")
        with pytest.raises(ValueError, match="channels"):
            writer.add_image("float", torch.zeros(2, 5, 7))
    events = read(tmp_path)
    sizes = {tag: (events.Images(tag)[0].height, events.Images(tag)[0].width) for tag in events.Tags()["images"]}
    assert sizes == {"float": (5, 7), "bytes": (5, 7), "alpha": (2, 2), "several": (8, 48)}
    pil = pytest.importorskip("PIL.Image")

    def pixels(tag):
        return pil.open(io.BytesIO(events.Images(tag)[0].encoded_image_string))

    assert pixels("bytes").getpixel((3, 2)) == (200, 200, 200) and pixels("alpha").mode == "RGBA"
    expected = tuple((image[:, 4, 6] * 255).to(torch.uint8).tolist())
    assert pixels("float").getpixel((6, 4)) == expected


def test_texts_and_hyperparameters(tmp_path, read):
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "# Größe", 2)
        settings = {"lr": 0.1, "optimiser": "adam", "nesterov": True, "none": None, "t": torch.tensor(3.0)}
        writer.add_hparams(settings, {"accuracy": 0.5}, {"lr": [0.1, 0.2]}, run_name="first", global_step=4)
        with pytest.raises(TypeError, match="should be dictionary"):
            writer.add_hparams([], {})
        with pytest.raises(TypeError, match="list of same type"):
            writer.add_hparams({"lr": 0.1}, {}, {"lr": ["a"]})
        with pytest.raises(ValueError, match="should be one of"):
            writer.add_hparams({"lr": [1]}, {})
    (note,) = read(tmp_path).Tensors("note/text_summary")
    assert note.step == 2 and note.tensor_proto.string_val[0].decode() == "# Größe"

    plugin_data = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    events = read(tmp_path / "first")
    assert [point.value for point in events.Scalars("accuracy")] == [0.5]
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    start = plugin_data.HParamsPluginData.FromString(content).session_start_info.hparams
    assert (start["lr"].number_value, start["optimiser"].string_value, start["nesterov"].bool_value) == (0.1, "adam", True)
    assert start["t"].number_value == 3.0 and "none" not in start
    content = events.SummaryMetadata("_hparams_/experiment").plugin_data.content
    experiment = plugin_data.HParamsPluginData.FromString(content).experiment
    assert [info.name for info in experiment.hparam_infos] == ["lr", "optimiser", "nesterov", "t"]
    assert [value.number_value for value in experiment.hparam_infos[0].domain_discrete.values] == [0.1, 0.2]
    assert experiment.metric_infos[0].name.tag == "accuracy"


def test_figures(tmp_path, read):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("one", pyplot.figure(figsize=(2, 1), dpi=50), 1)
        writer.add_figure("two", [pyplot.figure(figsize=(2, 1), dpi=50) for _ in range(2)], 1)
    assert not pyplot.get_fignums()
    events = read(tmp_path)
    assert [(events.Images(tag)[0].width, events.Images(tag)[0].height) for tag in ("one", "two")] == [(100, 50), (200, 50)]


def test_a_resumed_run_purges_what_came_after(tmp_path, read):
    with SummaryWriter(tmp_path) as writer:
        for step in range(5):
            writer.add_scalar("loss", step, step, walltime=step)
    with SummaryWriter(tmp_path, purge_step=3, filename_suffix=".later") as writer:
        writer.add_scalar("loss", 30, 3)
    assert [(point.step, point.value) for point in read(tmp_path).Scalars("loss")] == [(0, 0), (1, 1), (2, 2), (3, 30)]


def test_what_is_added_after_closing_begins_a_file(tmp_path, read):
    writer = SummaryWriter(tmp_path)
    writer.add_scalar("loss", 1, 1)
    writer.flush()
    writer.close()
    writer.close()
    writer.add_scalar("loss", 2, 2)
    writer.close()
    assert [point.value for point in read(tmp_path).Scalars("loss")] == [1, 2]
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_not_there_is_refused(tmp_path):
    with SummaryWriter(tmp_path) as writer, pytest.raises(NotImplementedError, match="onnx.export"):
        writer.add_graph(torch.nn.Linear(1, 1))
