"""The other side of ``checkpoints.rs``: torchvision's networks write checkpoints, and read those that Rust wrote.

    python checkpoints.py make NAME FOLDER       # theirs.pt, and sample.pt with images and scores
    python checkpoints.py check NAME FOLDER      # ours.pt gives the scores of sample.pt
"""

import sys
from pathlib import Path

import torch
from torchvision import models


def network(name: str) -> torch.nn.Module:
    segments = name.startswith(("deeplabv3", "fcn"))
    options = {"num_classes": 10}
    if segments:
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = False
    return getattr(models.segmentation if segments else models, name)(**options)


def scores(net: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        output = net.eval()(images)
    return output["out"] if isinstance(output, dict) else output


def main(command: str, name: str, folder: Path) -> None:
    if command == "make":
        torch.manual_seed(len(name))
        net = network(name)
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # as if it had been trained
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.8, 1.2)
        images = torch.randn(1, 3, 80, 80)
        torch.save(net.state_dict(), folder / "theirs.pt")
        torch.save({"images": images, "scores": scores(net, images).contiguous()}, folder / "sample.pt")
    else:
        net = network(name)
        net.load_state_dict(torch.load(folder / "ours.pt", weights_only=True), strict=True)
        sample = torch.load(folder / "sample.pt", weights_only=True)
        assert torch.equal(scores(net, sample["images"]), sample["scores"]), name


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
