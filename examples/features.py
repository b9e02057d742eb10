"""Takes features from the middle of a network: by a hook, and by a network that ends earlier.

    python examples/features.py

The weights are random here; ``net.load_state_dict(torch.load(FILE))`` loads trained ones.
"""

import flambeau as torch
from flambeau.vision import models
from flambeau.vision.models._utils import IntermediateLayerGetter


def main():
    torch.manual_seed(0)
    net = models.resnet18().eval()
    images = torch.randn(2, 3, 64, 64)

    kept = {}
    handle = net.layer2[1].register_forward_hook(lambda module, inputs, output: kept.update(layer2=output.clone()))
    with torch.no_grad():
        net(images)
    handle.remove()
    print("from a hook:", tuple(kept["layer2"].shape))

    body = IntermediateLayerGetter(net, {"layer2": "early", "layer4": "late"})
    with torch.no_grad():
        features = body(images)
    print("from a shorter network:", {name: tuple(tensor.shape) for name, tensor in features.items()})
    assert torch.equal(features["early"], kept["layer2"])


if __name__ == "__main__":
    main()
