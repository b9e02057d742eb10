"""Ready networks beside torchvision's: initial numbers, keys, logits, and checkpoints both ways.

One network of each family is compared; with ``FLAMBEAU_EVERY_NETWORK=1`` in the environment, all of them.
"""

import copy
import io
import os
import pickle
import subprocess
import sys

import flambeau
import pytest
from flambeau.vision import models

torch = pytest.importorskip("torch", reason="compares with PyTorch")
torchvision = pytest.importorskip("torchvision", reason="compares with torchvision")

ONE_OF_EACH = [
    "convnext_tiny", "deeplabv3_mobilenet_v3_large", "densenet121", "efficientnet_b0", "googlenet", "inception_v3",
    "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "resnet18", "resnet50", "resnext50_32x4d",
    "shufflenet_v2_x0_5", "squeezenet1_0", "squeezenet1_1",
]
OURS_ALONE = {"lenet", "unet", *(f"efficientnet_lite{i}" for i in range(5))}
THEIRS = sorted(set(models.list_models()) - OURS_ALONE)
EVERY = os.environ.get("FLAMBEAU_EVERY_NETWORK") == "1"


def _options(name):
    if name.startswith(("deeplabv3", "fcn")):
        return {"weights_backbone": None, "num_classes": 5, "aux_loss": True}
    if name in ("googlenet", "inception_v3"):
        return {"init_weights": True, "num_classes": 10}
    return {"num_classes": 10}


def _builder(name):
    segments = name.startswith(("deeplabv3", "fcn"))
    return getattr(torchvision.models.segmentation if segments else torchvision.models, name)


def _outputs(output):
    """The tensors that a network gives, as torch's."""
    if isinstance(output, dict):
        output = list(output.values())
    outputs = list(output) if isinstance(output, (tuple, list)) else [output]
    return [torch.from_numpy(o.detach().numpy().copy()) for o in outputs]


def _assert_near(ours, theirs, tolerance):
    ours, theirs = _outputs(ours), _outputs(theirs)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs):
        assert mine.shape == other.shape
        assert torch.isfinite(other).all()
        assert float((mine - other).abs().max()) <= tolerance * float(other.abs().max())


def test_the_list_of_networks_is_torchvisions():
    assert set(THEIRS) <= set(torchvision.models.list_models())
    assert set(ONE_OF_EACH) <= set(THEIRS)
    for name in THEIRS:
        assert models.get_model_builder(name) is getattr(
            models.segmentation if name.startswith(("deeplabv3", "fcn")) else models, name
        )


@pytest.mark.parametrize("name", THEIRS if EVERY else ONE_OF_EACH)
def test_a_network_is_torchvisions(name):
    torch.manual_seed(0)
    theirs = _builder(name)(**_options(name))
    flambeau.manual_seed(0)
    ours = models.get_model(name, **_options(name))

    # One seed, one network.
    initial, mine = theirs.state_dict(), ours.state_dict()
    assert list(mine) == list(initial)
    for key, value in initial.items():
        assert tuple(mine[key].shape) == tuple(value.shape), key
        assert str(mine[key].dtype).split(".")[-1] == str(value.dtype).split(".")[-1], key
        torch.testing.assert_close(torch.from_numpy(mine[key].numpy()), value, rtol=1e-5, atol=1e-7, msg=key)

    # Training draws the same dropout; it also moves the running statistics away from 0 and 1. Inception v3 leaves one
    # pixel of 80, and the deviation of four numbers says little; its auxiliary head needs images of 299 pixels, which
    # would cost too much here.
    size = 139 if name == "inception_v3" else 80
    images = torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(1))
    input = flambeau.from_numpy(images.numpy())
    if name == "inception_v3":
        theirs.AuxLogits, ours.AuxLogits = None, None
        theirs.aux_logits = ours.aux_logits = False
    torch.manual_seed(2)
    flambeau.manual_seed(2)
    with torch.no_grad(), flambeau.no_grad():
        _assert_near(ours(input), theirs(images), 1e-3)

    # A checkpoint of theirs loads strictly and gives the same logits.
    file = io.BytesIO()
    torch.save(theirs.state_dict(), file)
    file.seek(0)
    ours.load_state_dict(flambeau.load(file), strict=True)
    theirs.eval()
    ours.eval()
    with torch.no_grad(), flambeau.no_grad():
        expected = theirs(images)
        _assert_near(ours(input), expected, 1e-4)

    # A checkpoint of ours loads strictly there.
    file = io.BytesIO()
    flambeau.save(ours.state_dict(), file)
    file.seek(0)
    for parameter in theirs.parameters():
        torch.nn.init.zeros_(parameter)
    theirs.load_state_dict(torch.load(file, weights_only=True), strict=True)
    with torch.no_grad():
        for again, before in zip(_outputs(theirs(images)), _outputs(expected)):
            assert torch.equal(again, before)


def test_options_reach_the_network():
    net = models.resnet18(num_classes=3, zero_init_residual=True)
    assert net.fc.out_features == 3
    assert float(net.layer1[0].bn2.weight.detach().abs().max()) == 0.0
    assert models.resnet50(replace_stride_with_dilation=[False, True, True]).layer4[2].conv2.dilation == (4, 4)
    with pytest.raises(ValueError, match="replace_stride_with_dilation should be None or a 3-element tuple"):
        models.resnet50(replace_stride_with_dilation=[True])
    with pytest.raises(ValueError, match="Unsupported SqueezeNet version 2: 1_0 or 1_1 expected"):
        models.SqueezeNet("2")
    with pytest.raises(ValueError, match="Unknown model resnet7"):
        models.get_model("resnet7")


def test_weights_are_read_from_the_cache_and_never_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match="squeezenet1_1-b8a52dc0.pth does not exist.*does not download.*https://download.pytorch.org"):
        models.squeezenet1_1(weights="DEFAULT")
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    theirs = torchvision.models.squeezenet1_1()
    torch.save(theirs.state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")
    for weights in ("DEFAULT", "SqueezeNet1_1_Weights.IMAGENET1K_V1", models.SqueezeNet1_1_Weights.DEFAULT):
        ours = models.squeezenet1_1(weights=weights)
        assert ours.classifier[1].weight.tolist() == theirs.classifier[1].weight.tolist()
    with pytest.raises(ValueError, match="The parameter 'num_classes' expected value 1000 but got 3 instead."):
        models.squeezenet1_1(weights="DEFAULT", num_classes=3)
    with pytest.warns(UserWarning, match="The parameter 'pretrained' is deprecated"):
        models.squeezenet1_1(pretrained=False)
    with pytest.raises(ValueError, match="No weights available for model lenet"):
        models.lenet(weights="DEFAULT")
    with pytest.raises(TypeError, match="expected SqueezeNet1_1_Weights but received int"):
        models.squeezenet1_1(weights=1)


def test_names_of_weights_are_torchvisions():
    for name in THEIRS:
        theirs = torchvision.models.get_model_weights(name)
        ours = models.get_model_weights(name)
        assert {k: w.url for k, w in ours.__members__.items()} == {k: w.url for k, w in theirs.__members__.items()}
        for member in theirs:
            assert ours[member.name].meta["categories"] == member.meta["categories"]
            full = f"{theirs.__name__}.{member.name}"
            assert models.get_weight(full) is ours[member.name]
            assert repr(ours[member.name]) == full
            assert copy.deepcopy(ours[member.name]) is pickle.loads(pickle.dumps(ours[member.name])) is ours[member.name]


def test_old_names_inside_densenet_are_understood():
    ours = models.densenet121(num_classes=2)
    state = {
        key.replace("norm1.", "norm.1.").replace("norm2.", "norm.2.").replace("conv1.", "conv.1.").replace("conv2.", "conv.2.")
        if "denselayer" in key else key: value
        for key, value in ours.state_dict().items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    models.densenet121(num_classes=2).load_state_dict(state, strict=True)


def test_a_script_finds_torchvision(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import torch, torchvision\n"
        "import torchvision.models as models\n"
        "from torchvision.models.resnet import BasicBlock\n"
        "from torchvision.models import ResNet18_Weights, resnet18\n"
        "from torchvision import transforms\n"
        "net = resnet18(num_classes=4).eval()\n"
        "assert isinstance(net.layer1[0], BasicBlock)\n"
        "print(torchvision.__name__, tuple(net(torch.zeros(1, 3, 32, 32)).shape), ResNet18_Weights.DEFAULT)\n"
        "try:\n"
        "    models.vit_b_16\n"
        "except AttributeError as error:\n"
        "    print(error)\n"
        "import torchvision.tv_tensors\n"
    )
    done = subprocess.run([sys.executable, "-m", "flambeau", str(script)], capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    assert lines[0] == "flambeau.vision (1, 4) ResNet18_Weights.IMAGENET1K_V1", done.stderr
    assert lines[1].startswith("module 'flambeau.vision.models' has no attribute 'vit_b_16'")
    assert "No module named 'torchvision.tv_tensors' (flambeau stands in for torchvision" in done.stderr
