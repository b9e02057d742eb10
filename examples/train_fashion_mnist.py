"""Learns to tell ten kinds of clothes apart, and says how well it does on images that it has not seen.

    python examples/train_fashion_mnist.py --epochs 5

The images are those of Fashion-MNIST; on Debian and Ubuntu, ``apt-get install dataset-fashion-mnist`` has them.
"""

import argparse

import flambeau as torch
from flambeau import nn
from flambeau.trainer import Accuracy, Checkpoint, ConfusionMatrix, Progress, Trainer
from flambeau.utils.data import DataLoader, TensorDataset
from flambeau.vision.datasets import FashionMNIST

MEAN, STD = 0.2860, 0.3530


def network() -> nn.Sequential:
    def block(in_channels: int, out_channels: int) -> list[nn.Module]:
        return [
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU(),
        ]

    return nn.Sequential(
        *block(1, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2),
        *block(64, 128), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(128, 10),
    )


def images(root: str, train: bool) -> TensorDataset:
    """All images as one tensor: a batch of them is then a single copy."""
    dataset = FashionMNIST(root, train=train, download=True)
    pixels = dataset.data.unsqueeze(1).to(torch.float32).div_(255).sub_(MEAN).div_(STD)
    return TensorDataset(pixels, dataset.targets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="data", help="where the files are, or go")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.01, help="the highest rate of AdamW's one cycle")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", help="a file to save to after every epoch, and to go on from if it is there")
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    train, test = images(arguments.data, True), images(arguments.data, False)
    loader = DataLoader(train, batch_size=arguments.batch_size, shuffle=True)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.lr, weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, arguments.lr, epochs=arguments.epochs, steps_per_epoch=len(loader)
    )
    callbacks = [Progress()]
    if arguments.checkpoint:
        callbacks.append(Checkpoint(arguments.checkpoint))
    trainer = Trainer(
        model, optimizer, nn.CrossEntropyLoss(), metrics=[Accuracy()], scheduler=scheduler, scheduler_each="step",
        ema_decay=0.99, callbacks=callbacks,
    )
    if arguments.checkpoint:
        try:
            trainer.load(arguments.checkpoint)
        except FileNotFoundError:
            pass
    trainer.fit(loader, DataLoader(test, batch_size=500), epochs=arguments.epochs)

    confusion = ConfusionMatrix(10)
    model.eval()
    with torch.no_grad(), trainer.averaged():
        for input, target in DataLoader(test, batch_size=500):
            confusion.update(model(input), target)
    print(f"test accuracy {100 * confusion.compute():.2f} %")
    for name, recall in zip(FashionMNIST.classes, confusion.recall().tolist()):
        print(f"{name:<12} {100 * recall:5.1f} %")


if __name__ == "__main__":
    main()
