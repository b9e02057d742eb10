"""The training loop: it learns, it can be stopped and gone on with, and its numbers are right."""

import copy
import io
import math

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.trainer import (
    F1, Accuracy, Callback, Checkpoint, ConfusionMatrix, EarlyStopping, ExponentialMovingAverage, Mean, Precision, Progress,
    Recall, TopK, Trainer, find_learning_rate,
)
from flambeau.utils.data import DataLoader, TensorDataset


def blobs(count=120, seed=0):
    """Points around three places."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.arange(count) % 3
    centres = torch.tensor([[2.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])
    return TensorDataset(centres[target] + torch.randn(count, 2, generator=generator) * 0.5, target)


def loader(batch_size=20):
    return DataLoader(blobs(), batch_size=batch_size, shuffle=True)


def trainer(**options):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    options = {"metrics": [Accuracy()], "callbacks": [], **options}
    if options.pop("step", None):
        options["scheduler"] = torch.optim.lr_scheduler.StepLR(optimizer, 5, 0.9)
        options["scheduler_each"] = "step"
    return Trainer(model, optimizer, nn.CrossEntropyLoss(), **options)


def weights(trained):
    return {name: value.tolist() for name, value in trained.model.state_dict().items()}


def test_it_learns():
    trained = trainer()
    history = trained.fit(loader(), DataLoader(blobs(seed=1), batch_size=50), epochs=5)
    assert [record["epoch"] for record in history] == [1, 2, 3, 4, 5]
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["val_accuracy"] > 0.95
    assert set(history[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds"}


def test_mixed_precision():
    precise, narrow = trainer(), trainer(amp=torch.bfloat16)
    dtypes = []
    narrow.model[0].register_forward_hook(lambda module, inputs, output: dtypes.append((module.training, output.dtype)))
    for trained in (precise, narrow):
        trained.fit(loader(), DataLoader(blobs(seed=1), batch_size=50), epochs=3)
    assert set(dtypes) == {(True, torch.bfloat16), (False, torch.float32)}
    assert all(parameter.dtype == torch.float32 for parameter in narrow.model.parameters())
    losses = [record["loss"] for record in narrow.history]
    assert losses != [record["loss"] for record in precise.history]
    assert losses == pytest.approx([record["loss"] for record in precise.history], abs=0.05)
    with pytest.raises(ValueError, match="mixed precision trains with bfloat16, but got amp=torch.float16"):
        trainer(amp=torch.float16)


class StopAt(Callback):
    def __init__(self, epoch, batch):
        self.at = epoch, batch

    def on_batch_end(self, trainer):
        if (trainer.epoch, trainer.batch) == self.at:
            trainer.stop = True


@pytest.mark.parametrize("options", [{}, {"ema_decay": 0.9, "step": True}, {"accumulate": 2, "max_grad_norm": 0.5}])
@pytest.mark.parametrize("at", [(0, 2), (1, 4), (2, 6)])
def test_going_on_from_a_checkpoint_changes_nothing(tmp_path, options, at):
    whole = trainer(**options)
    whole.fit(loader(), loader(), epochs=3)

    first = trainer(**options, callbacks=[StopAt(*at)])
    first.fit(loader(), loader(), epochs=3)
    assert (first.epoch, first.batch) == at
    first.save(tmp_path / "run.pt")
    second = trainer(**options)
    torch.manual_seed(99)  # what the process was doing before is of no concern
    second.load(tmp_path / "run.pt")
    second.fit(loader(), loader(), epochs=3)
    assert weights(second) == weights(whole)
    for mine, other in zip(second.history, whole.history):
        assert {**mine, "seconds": 0} == {**other, "seconds": 0}


def test_accumulated_gradients_are_those_of_the_larger_batch():
    def trained(batch_size, accumulate):
        torch.manual_seed(3)
        model = nn.Linear(2, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        batches = DataLoader(blobs(), batch_size=batch_size)
        Trainer(model, optimizer, nn.CrossEntropyLoss(), accumulate=accumulate, callbacks=[]).fit(batches, epochs=2)
        return model.weight

    assert torch.allclose(trained(40, 1), trained(20, 2), atol=1e-6)


def test_an_average_is_of_the_weights_and_given_back():
    model = nn.Linear(1, 1, bias=False)
    ema = ExponentialMovingAverage(model, decay=0.5)
    with torch.no_grad():
        model.weight.fill_(10.0)
        start = ema.average["weight"].item()
        ema.update()
    decay = min(0.5, 2 / 11)
    expected = decay * start + (1 - decay) * 10.0
    with ema.applied():
        assert model.weight.item() == pytest.approx(expected, rel=1e-6)
    assert model.weight.item() == 10.0
    with pytest.raises(ValueError, match="decay"):
        ExponentialMovingAverage(model, decay=1.0)


def test_metrics_are_what_they_are_defined_to_be():
    # Classes 0, 0, 1, 1, 2 taken for 0, 1, 1, 1, 0.
    scores = torch.tensor([[3.0, 1, 0], [1, 3, 0], [0, 3, 1], [0, 3, 1], [3, 1, 2]])
    target = torch.tensor([0, 0, 1, 1, 2])
    values = {}
    for metric in (Accuracy(), TopK(2), ConfusionMatrix(4), Precision(4), Recall(4), F1(4)):
        metric.update(scores[:2] if metric.name != "confusion" else torch.nn.functional.pad(scores[:2], (0, 1)), target[:2])
        metric.update(scores[2:], target[2:])
        values[metric.name] = metric.compute()
        if metric.name == "confusion":
            assert metric.matrix[:3, :3].tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert values["accuracy"] == values["confusion"] == pytest.approx(3 / 5)
    assert values["top2"] == pytest.approx(5 / 5)
    # A class that never occurs does not count.
    assert values["precision"] == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert values["recall"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert values["f1"] == pytest.approx((1 / 2 + 4 / 5 + 0) / 3)
    mean = Mean()
    assert math.isnan(mean.compute())
    mean.update(1.0, 3)
    mean.update(5.0)
    assert mean.compute() == 2.0


def test_metrics_of_predictions_in_every_place():
    scores = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]).reshape(1, 2, 2)
    metric = Accuracy()
    metric.update(scores, torch.tensor([[0, 0]]))
    assert metric.compute() == 0.5


def test_training_stops_when_nothing_gets_better():
    stubborn = trainer(callbacks=[EarlyStopping("loss", patience=2)])
    for group in stubborn.optimizer.param_groups:
        group["lr"] = 0.0
    stubborn.model[3].p = 0.0
    stubborn.fit(DataLoader(blobs(), batch_size=120), epochs=50)
    assert len(stubborn.history) == 3
    with pytest.raises(ValueError, match="mode"):
        EarlyStopping(mode="best")


def test_the_best_model_is_kept(tmp_path):
    keep = Checkpoint(tmp_path / "last.pt", every=2, monitor="val_accuracy", mode="max", best=tmp_path / "best.pt")
    trained = trainer(callbacks=[keep])
    trained.fit(loader(), loader(), epochs=4)
    other = trainer()
    other.model.load_state_dict(torch.load(tmp_path / "best.pt"))
    best = max(record["val_accuracy"] for record in trained.history)
    assert other.evaluate(loader())["accuracy"] == best
    other.load(tmp_path / "last.pt")
    assert other.epoch == 4 and len(other.history) == 4


def test_a_checkpoint_of_another_trainer_is_refused(tmp_path):
    trainer().save(tmp_path / "plain.pt")
    with pytest.raises(ValueError, match="without ema"):
        trainer(ema_decay=0.9).load(tmp_path / "plain.pt")
    with pytest.raises(ValueError, match="metrics"):
        trainer(metrics=[]).load(tmp_path / "plain.pt")


def test_a_learning_rate_is_found_and_nothing_changed():
    trained = trainer()
    before, state = weights(trained), torch.get_rng_state()
    options = copy.deepcopy(trained.optimizer.state_dict()["param_groups"])
    search = find_learning_rate(trained.model, trained.optimizer, trained.loss, loader(), low=1e-5, high=10.0, steps=60)
    assert weights(trained) == before
    assert trained.optimizer.state_dict()["param_groups"] == options
    assert torch.equal(torch.get_rng_state(), state)
    assert search.rates == sorted(search.rates) and len(search.rates) == len(search.losses)
    assert 1e-4 < search.suggestion < 5.0
    with pytest.raises(ValueError, match="0 < low < high"):
        find_learning_rate(trained.model, trained.optimizer, trained.loss, loader(), low=1.0, high=0.1)


def test_progress_is_a_line_for_each_epoch():
    text = io.StringIO()
    trainer(callbacks=[Progress(text)]).fit(loader(), epochs=2)
    lines = text.getvalue().splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch 2/2  loss ")


def test_arguments_out_of_range():
    for options, said in (({"accumulate": 0}, "accumulate"), ({"scheduler_each": "day"}, "scheduler_each")):
        with pytest.raises(ValueError, match=said):
            trainer(**options)
