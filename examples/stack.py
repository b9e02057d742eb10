import flambeau as torch
from flambeau import nn

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.classifier = nn.Linear(16 * 7 * 7, 10)

    def forward(self, images):
        return self.classifier(self.features(images))


net = Net()
scores = net(torch.randn(4, 1, 28, 28))
print("scores:", scores.shape)

nn.functional.cross_entropy(scores, torch.tensor([3, 1, 4, 1])).backward()
for name, parameter in net.named_parameters():
    print(f"{name:20} {str(list(parameter.shape)):16} gradient norm {parameter.grad.norm().item():.4f}")
