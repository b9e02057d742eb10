"""Training loops, in plain Python over the rest of the package: with ``import torch`` for ``import flambeau as torch``,
this package would run there, too.

    trainer = Trainer(model, optimizer, nn.CrossEntropyLoss(), metrics=[Accuracy()])
    history = trainer.fit(train_loader, val_loader, epochs=5)
"""

from .averaging import ExponentialMovingAverage
from .callbacks import Callback, Checkpoint, EarlyStopping, Progress
from .finder import RateSearch, find_learning_rate
from .metrics import Accuracy, ConfusionMatrix, F1, Mean, Metric, Precision, Recall, TopK
from .trainer import Trainer

__all__ = [
    "Accuracy", "Callback", "Checkpoint", "ConfusionMatrix", "EarlyStopping", "ExponentialMovingAverage", "F1", "Mean",
    "Metric", "Precision", "Progress", "RateSearch", "Recall", "TopK", "Trainer", "find_learning_rate",
]
