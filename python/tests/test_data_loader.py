"""Data sets, samplers and the loader, with and without worker processes."""

import flambeau as torch
import pytest
from flambeau.utils import data as D


class Squares(D.Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return torch.full((2,), float(i * i)), i


class Failing(Squares):
    def __getitem__(self, i):
        if i == 3:
            raise KeyError("sample three")
        return super().__getitem__(i)


class Stream(D.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = D.get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(start, self.n, step))


def ids(loader):
    return [batch[1].tolist() for batch in loader]


def test_batches_are_collated():
    batches = list(D.DataLoader(Squares(5), batch_size=2))
    assert [tuple(x.shape) for x, _ in batches] == [(2, 2), (2, 2), (1, 2)]
    assert batches[1][0][1].tolist() == [9.0, 9.0]
    assert ids(D.DataLoader(Squares(5), batch_size=2, drop_last=True)) == [[0, 1], [2, 3]]
    assert len(D.DataLoader(Squares(5), batch_size=2)) == 3


def test_workers_do_not_change_the_order():
    torch.manual_seed(0)
    alone = ids(D.DataLoader(Squares(11), batch_size=3, shuffle=True))
    torch.manual_seed(0)
    together = ids(D.DataLoader(Squares(11), batch_size=3, shuffle=True, num_workers=2))
    assert alone == together
    assert sorted(i for batch in alone for i in batch) == list(range(11))


def test_persistent_workers_start_over():
    loader = D.DataLoader(Squares(6), batch_size=2, num_workers=1, persistent_workers=True)
    assert ids(loader) == ids(loader) == [[0, 1], [2, 3], [4, 5]]


def test_a_workers_exception_arrives_with_its_traceback():
    with pytest.raises(KeyError) as caught:
        list(D.DataLoader(Failing(6), batch_size=2, num_workers=1))
    text = str(caught.value)
    assert text.startswith("Caught KeyError in DataLoader worker process 0.\nOriginal Traceback")
    assert "sample three" in text


def test_iterable_datasets_are_split_by_their_workers():
    assert [b.tolist() for b in D.DataLoader(Stream(5), batch_size=2)] == [[0, 1], [2, 3], [4]]
    rows = [b.tolist() for b in D.DataLoader(Stream(8), batch_size=2, num_workers=2)]
    assert sorted(sum(rows, [])) == list(range(8))


def test_worker_seeds_differ():
    class Noise(D.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return torch.rand(())

    torch.manual_seed(5)
    values = [b.item() for b in D.DataLoader(Noise(), num_workers=2)]
    assert len(set(values)) == 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"shuffle": True, "sampler": [0]}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 2},
         "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"),
        ({"batch_size": 0}, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"num_workers": -1}, "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."),
        ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
    ],
)
def test_mistakes_are_named(options, text):
    with pytest.raises(ValueError) as caught:
        D.DataLoader(Squares(3), **options)
    assert str(caught.value) == text


def test_collation_of_structures():
    collate = D.default_collate
    batch = collate([{"a": 1, "b": (1.0, "x")}, {"a": 2, "b": (2.0, "y")}])
    assert batch["a"].tolist() == [1, 2]
    assert batch["b"][0].dtype == torch.float64
    assert list(batch["b"][1]) == ["x", "y"]
    with pytest.raises(TypeError, match="default_collate: batch must contain tensors"):
        collate([None, None])
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        collate([[1, 2], [3]])


def test_splits_and_parts():
    torch.manual_seed(0)
    a, b = D.random_split(range(10), [0.7, 0.3])
    assert sorted([*a, *b]) == list(range(10))
    assert (len(a), len(b)) == (7, 3)
    both = D.ConcatDataset([range(2), range(3)])
    assert [both[i] for i in range(5)] == [0, 1, 0, 1, 2]
    assert both[-1] == 2
    with pytest.raises(ValueError, match="Sum of input lengths"):
        D.random_split(range(10), [7, 4])


def test_distributed_shares_cover_the_data():
    shares = [list(D.DistributedSampler(range(7), 2, rank, shuffle=False)) for rank in (0, 1)]
    assert shares == [[0, 2, 4, 6], [1, 3, 5, 0]]
