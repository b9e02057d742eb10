"""DataLoaders over lists of arrays, dictionaries and tensors, and what they say when a batch cannot be made."""

import numpy as np
import torch
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset, WeightedRandomSampler, random_split

torch.manual_seed(5)
for batch in DataLoader([np.ones((2, 2)) * i for i in range(5)], batch_size=2):
    print(batch, batch.dtype)
for batch in DataLoader([(np.float32(i), {"a": i, "b": "s"}) for i in range(3)], batch_size=2):
    print(batch)
dataset = TensorDataset(torch.arange(10.0), torch.arange(10))
train, valid = random_split(dataset, [7, 3])
print(train.indices, valid.indices, len(ConcatDataset([train, valid])), Subset(dataset, [1, 2])[1])
print([y.tolist() for _, y in DataLoader(dataset, batch_size=4, shuffle=True, drop_last=True)])
print(list(WeightedRandomSampler([0.1, 0.9, 0.4], 5)))
for samples in ([np.zeros(2), np.zeros(3)], [None], [(1, 2), (1,)]):
    try:
        print(list(DataLoader(samples, batch_size=2)))
    except (RuntimeError, TypeError) as e:
        print(type(e).__name__, e)
for options in ({"batch_size": 0}, {"shuffle": True, "sampler": range(3)}, {"num_workers": -1}):
    try:
        DataLoader(dataset, **options)
    except ValueError as e:
        print(e)
