"""A small classifier as tutorials write it: a Dataset class, layers, penalties by hand, a schedule, a checkpoint."""

import io

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(42)
torch.set_num_threads(1)


class Bright(Dataset):
    def __init__(self, n):
        rng = np.random.RandomState(0)
        self.images = rng.rand(n, 1, 8, 8).astype(np.float32)
        self.labels = (self.images.mean((1, 2, 3)) > 0.5).astype(np.int64)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return torch.from_numpy(self.images[i]), self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(4 * 4 * 4, 16)
        self.drop = nn.Dropout(0.3)
        self.fc2 = nn.Linear(16, 2)

    def forward(self, x):
        x = self.pool(F.relu(self.bn(self.conv1(x))))
        x = x.view(-1, 4 * 4 * 4)
        return self.fc2(self.drop(F.relu(self.fc1(x))))


def init_weights(m):
    if isinstance(m, (nn.Linear, nn.Conv2d)):
        nn.init.xavier_uniform_(m.weight)
        nn.init.zeros_(m.bias)


net = Net()
net.apply(init_weights)
print(net)
loader = DataLoader(Bright(30), batch_size=8, shuffle=True)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
print(optimizer)

for epoch in range(3):
    running_loss = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        l1 = sum(p.abs().sum() for p in net.parameters())
        l2 = sum(p.pow(2).sum() for p in net.parameters())
        loss = loss + 1e-4 * l1 + 1e-3 * l2
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    scheduler.step()
    print(f"epoch {epoch} loss {running_loss / len(loader):.4f} lr {scheduler.get_last_lr()}")

print(outputs.argmax(1) == labels)
print(optimizer.state_dict()["param_groups"])
for name, param in net.named_parameters():
    print(name, param.size(), param.requires_grad, param.grad is not None)

checkpoint = io.BytesIO()
torch.save({"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict()}, checkpoint)
checkpoint.seek(0)
loaded = torch.load(checkpoint)
print(loaded["epoch"], Net().load_state_dict(loaded["model"]), list(loaded["model"]))
optimizer.load_state_dict(loaded["optimizer"])
print(optimizer)

net.eval()
features = {}
handle = net.pool.register_forward_hook(lambda module, args, output: features.update(pool=output.detach()))
with torch.no_grad():
    net(torch.randn(2, 1, 8, 8))
handle.remove()
print(features["pool"].shape, len(net.pool._forward_hooks))
