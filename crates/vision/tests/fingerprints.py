"""Writes what torchvision's networks and transforms give, beside this file: what the Rust tests compare with.

    python crates/vision/tests/fingerprints.py       # needs torch and torchvision

``networks.json`` has for each network: the number of its parameters and buffers, a digest of their names and shapes,
and scores from ``manual_seed(0)``, after a training pass where the network can make one. ``transforms.json`` has
samples of images after each transform.
"""

import json
import warnings
from pathlib import Path

import torch
import torchvision
from torchvision import models, transforms

HERE = Path(__file__).parent
FAMILIES = (
    "alexnet", "convnext", "deeplabv3", "densenet", "efficientnet", "fcn", "googlenet", "inception", "mobilenet",
    "resnet", "resnext", "shufflenet", "squeezenet", "vgg", "wide_resnet",
)


def fnv(text: str) -> str:
    """The 64-bit FNV-1a hash."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{value:016x}"


def network(name: str) -> dict:
    segments = name.startswith(("deeplabv3", "fcn"))
    options = {"num_classes": 10}
    if segments:
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = True
    torch.manual_seed(0)
    net = getattr(models.segmentation if segments else models, name)(**options)
    listing = "".join(f"{key} {list(value.shape)}\n" for key, value in net.state_dict().items())
    torch.manual_seed(1)
    images = torch.randn(2, 3, 80, 80)
    # The auxiliary head of Inception v3 needs images of 299 pixels.
    trained = name != "inception_v3"
    with torch.no_grad():
        if trained:
            torch.manual_seed(2)
            net(images)
        scores = net.eval()(images)
    scores = scores["out"][:, :, ::20, ::20] if segments else scores
    return {
        "tensors": len(net.state_dict()), "digest": fnv(listing), "trained": trained,
        "scores": [float(f"{x:.6g}") for x in scores.flatten().tolist()],
    }


def image() -> torch.Tensor:
    height, width = 37, 52
    numbers = [(i * 2654435761 >> 7) & 255 for i in range(3 * height * width)]
    return torch.tensor(numbers, dtype=torch.uint8).view(3, height, width)


T = transforms
FLOAT = T.ConvertImageDtype(torch.float32)
TRANSFORMS = {
    "resize": T.Resize(20),
    "resize bicubic": T.Resize((23, 30), interpolation=T.InterpolationMode.BICUBIC),
    "resize nearest": T.Resize((23, 23), interpolation=T.InterpolationMode.NEAREST),
    "center crop": T.CenterCrop((41, 30)),
    "pad": T.Pad((1, 2, 3, 4), fill=9),
    "normalize": T.Compose([FLOAT, T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]),
    "grayscale": T.Grayscale(),
    "horizontal flip": T.RandomHorizontalFlip(0.5),
    "vertical flip": T.RandomVerticalFlip(0.4),
    "random crop": T.RandomCrop((20, 21), padding=4),
    "random resized crop": T.RandomResizedCrop(16),
    "hopeless": T.RandomResizedCrop(16, ratio=(9.0, 10.0), scale=(0.9, 1.0)),
    "jitter": T.ColorJitter(0.4, 0.3, 0.5, 0.2),
    "jitter floats": T.Compose([FLOAT, T.ColorJitter(0.4, 0.3, 0.5, 0.2)]),
    "erase": T.RandomErasing(0.8),
    "erase with a colour": T.RandomErasing(1.0, value=(1, 2, 3)),
    "erase with noise": T.Compose([FLOAT, T.RandomErasing(1.0, value="random")]),
}


def turns(transform) -> list[dict]:
    torch.manual_seed(7)
    results = [transform(image()) for _ in range(4)]
    return [
        {
            "shape": list(result.shape),
            "samples": [float(f"{x:.7g}") for x in result.flatten()[::97].tolist()],
            "sum": float(result.double().sum()),
        }
        for result in results
    ]


def write(name: str, value) -> None:
    """One line for each entry."""
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items())
    (HERE / name).write_text(f"{{\n{lines}\n}}\n")
    print(f"{name}: {len(value)} entries, by torch {torch.__version__} and torchvision {torchvision.__version__}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write("transforms.json", {name: turns(transform) for name, transform in TRANSFORMS.items()})
    write("networks.json", {name: network(name) for name in models.list_models() if name.startswith(FAMILIES)})
