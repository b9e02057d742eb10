"""ONNX models: written, read back, and compared with what onnx and onnxruntime make of them."""

import flambeau as torch
import flambeau.nn.functional as F
import numpy as np
import pytest
from flambeau import nn


def convolutional():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, stride=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3, groups=8, padding="same"),
        nn.Hardswish(), nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 5),
    )


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.norm = nn.GroupNorm(2, 4)

    def forward(self, x):
        y = F.leaky_relu(self.first(x), 0.2)
        y = self.norm(self.second(y)) + x * 0.5
        return torch.cat([y, x], dim=1), y.mean((2, 3))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.slope = nn.PReLU(4)

    def forward(self, x):
        y = F.interpolate(self.slope(self.up(x)), scale_factor=2, mode="bilinear", align_corners=False)
        y = F.pad(y, (1, 2, 0, 1), mode="reflect")[:, 1:, ..., ::2]
        y = F.interpolate(y, size=(7, 9), mode="nearest")
        return torch.softmax(y, dim=1).permute(0, 2, 3, 1)


class Shuffle(nn.Module):
    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        y = torch.cat([a.clamp(0, 1), F.gelu(b)], 1)
        n, c, h, w = y.shape
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        y = F.pixel_shuffle(F.avg_pool2d(y, 2, ceil_mode=True), 2)
        return 1 / (1 + (2 - y) ** 2), y[0, 0]


def exported(tmp_path, model, args, **options):
    path = tmp_path / "model.onnx"
    torch.onnx.export(model.eval(), args, path, **options)
    return path


MODELS = {
    "convolutional": (convolutional, (2, 3, 17, 20)),
    "residual": (Residual, (2, 4, 6, 5)),
    "decoder": (Decoder, (1, 4, 5, 6)),
    "shuffle": (Shuffle, (1, 8, 5, 6)),
}


@pytest.fixture(params=MODELS)
def case(request, tmp_path):
    make, shape = MODELS[request.param]
    torch.manual_seed(0)
    model, x = make(), torch.randn(shape)
    path = exported(tmp_path, model, x, input_names=["image"])
    expected = model(x)
    return path, x, expected if isinstance(expected, tuple) else (expected,)


def test_a_model_that_was_written_is_read_back(case):
    path, x, expected = case
    model = torch.onnx.load(path)
    for given in ((x,), (x.numpy(),), ({"image": x},)):
        outputs = model(*given)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        assert len(outputs) == len(expected)
        for actual, wanted in zip(outputs, expected):
            torch.testing.assert_close(actual, wanted.detach(), rtol=1e-5, atol=1e-5)
            assert not actual.requires_grad


def test_onnx_and_onnxruntime_agree(case):
    onnx = pytest.importorskip("onnx", reason="onnx checks what is written")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime computes the reference")
    path, x, expected = case
    onnx.checker.check_model(str(path), full_check=True)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for actual, wanted in zip(session.run(None, {"image": x.numpy()}), expected):
        np.testing.assert_allclose(actual, wanted.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("opset", [13, 15, 18, 21, 22])
def test_older_and_newer_opsets(tmp_path, opset):
    torch.manual_seed(0)
    model, x = Residual().eval(), torch.randn(1, 4, 6, 5)
    loaded = torch.onnx.load(exported(tmp_path, model, x, opset_version=opset))
    assert loaded.opset == opset
    for actual, wanted in zip(loaded(x), model(x)):
        torch.testing.assert_close(actual, wanted.detach(), rtol=1e-5, atol=1e-5)


def test_dynamic_axes_let_the_batch_vary(tmp_path):
    model = convolutional()
    axes = {"image": {0: "batch"}, "scores": [0]}
    path = exported(
        tmp_path, model, torch.randn(1, 3, 16, 16), input_names=["image"], output_names=["scores"], dynamic_axes=axes
    )
    loaded = torch.onnx.load(path)
    assert loaded.inputs == [("image", torch.float32, ["batch", 3, 16, 16])]
    assert loaded.outputs == [("scores", torch.float32, ["scores_dim_0", 5])]
    x = torch.randn(4, 3, 16, 16)
    torch.testing.assert_close(loaded(image=x), model(x).detach(), rtol=1e-5, atol=1e-5)
    fixed = torch.onnx.load(exported(tmp_path, model, torch.randn(1, 3, 16, 16)))
    with pytest.raises(RuntimeError, match=r"has the shape \[1, 3, 16, 16\]"):
        fixed(x)


def test_parameters_keep_their_names(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx reads the names")
    written = onnx.load(str(exported(tmp_path, nn.Sequential(nn.Linear(3, 2)), torch.randn(1, 3))))
    assert {"0.weight", "0.bias"} <= {tensor.name for tensor in written.graph.initializer}


def test_what_cannot_be_written_says_so(tmp_path):
    class Sorted(nn.Module):
        def forward(self, x):
            return x.sort().values

    class Picked(nn.Module):
        def forward(self, x):
            return x[[0, 1]]

    class Written(nn.Module):
        def forward(self, x):
            y = x * 2
            y[0] = 0
            return y

    class Overwritten(nn.Module):
        def forward(self, x):
            y = x * 2
            y.t().relu_()
            return y

    x = torch.randn(3, 3)
    with pytest.raises(torch.onnx.UnsupportedOperatorError, match="'sort'"):
        exported(tmp_path, Sorted(), x)
    with pytest.raises(torch.onnx.UnsupportedOperatorError, match="only integers and slices"):
        exported(tmp_path, Picked(), x)
    with pytest.raises(torch.onnx.UnsupportedOperatorError, match="call model.eval"), pytest.warns(UserWarning, match="eval"):
        torch.onnx.export(nn.Dropout(), x, tmp_path / "model.onnx")
    with pytest.raises(torch.onnx.UnsupportedOperatorError, match="part of a tensor"):
        exported(tmp_path, Written(), x)
    with pytest.raises(torch.onnx.UnsupportedOperatorError, match="same memory"):
        exported(tmp_path, Overwritten(), x)
    with pytest.raises(ValueError, match="opset_version"):
        exported(tmp_path, nn.ReLU(), x, opset_version=3)
    assert not list(tmp_path.iterdir())


def test_what_is_computed_from_parameters_is_a_constant(tmp_path):
    class Weighted(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor([1.0, 2.0]))

        def forward(self, x):
            return x.relu_() * (self.scale * 3).exp()

    model, x = Weighted(), torch.tensor([[-1.0, 1.0]])
    loaded = torch.onnx.load(exported(tmp_path, model, x))
    torch.testing.assert_close(loaded(x), model(x.clone()).detach())


def test_an_export_that_fails_does_not_go_on_recording(tmp_path):
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        exported(tmp_path, Broken(), torch.randn(1))
    exported(tmp_path, nn.ReLU(), torch.randn(1))


def test_inputs_that_do_not_fit_are_refused(tmp_path):
    model = torch.onnx.load(exported(tmp_path, nn.ReLU(), torch.randn(2, 2), input_names=["x"]))
    with pytest.raises(ValueError, match='input "x" is missing'):
        model()
    with pytest.raises(ValueError, match='has no input "z"; it has "x"'):
        model(z=torch.zeros(2, 2))
    with pytest.raises(ValueError, match="has 1 inputs, but got 2"):
        model(torch.zeros(2, 2), torch.zeros(2, 2))
    with pytest.raises(RuntimeError, match="float64"):
        model(np.zeros((2, 2)))
    with pytest.raises(TypeError, match="but got list"):
        model([1.0])


def test_a_profile_lists_the_nodes(tmp_path):
    model = torch.onnx.load(exported(tmp_path, nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), torch.randn(1, 1, 5, 5)))
    y, nodes = model.profile(torch.ones(1, 1, 5, 5))
    assert [node.operator for node in nodes] == ["Conv", "Relu", "Identity"]
    assert nodes[0].shapes == [[1, 2, 3, 3]] and all(node.seconds >= 0 for node in nodes)
    assert y.shape == (1, 2, 3, 3)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        torch.onnx.load(tmp_path / "nothing.onnx")
    path = tmp_path / "noise.onnx"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(RuntimeError, match="not a whole ONNX file"):
        torch.onnx.load(path)
    with pytest.raises(RuntimeError, match="opset"):
        torch.onnx.load_from_bytes(b"")


def test_memory_is_limited_if_asked(tmp_path):
    path = exported(tmp_path, nn.ConvTranspose2d(1, 64, 4, stride=4), torch.randn(1, 1, 64, 64))
    with pytest.raises(RuntimeError, match="bytes"):
        torch.onnx.load(path, memory_limit=1 << 20)(torch.ones(1, 1, 64, 64))


def test_pytorchs_own_export_runs_here(tmp_path):
    reference = pytest.importorskip("torch", reason="PyTorch makes the file")
    pytest.importorskip("onnx", reason="PyTorch's exporter needs onnx")
    reference.manual_seed(0)
    model = reference.nn.Sequential(
        reference.nn.Conv2d(3, 8, 3, stride=2, padding=1), reference.nn.BatchNorm2d(8), reference.nn.SiLU(),
        reference.nn.Upsample(scale_factor=2, mode="bilinear"), reference.nn.AdaptiveAvgPool2d(2), reference.nn.Flatten(),
        reference.nn.Linear(32, 4), reference.nn.LogSoftmax(dim=1),
    ).eval()
    x = reference.randn(2, 3, 12, 12)
    path = tmp_path / "model.onnx"
    reference.onnx.export(model, x, str(path), dynamo=False)
    torch.testing.assert_close(
        torch.onnx.load(path)(x.numpy()).numpy(), model(x).detach().numpy(), rtol=1e-5, atol=1e-5
    )
