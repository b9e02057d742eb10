"""What people write to understand: gradients, a line fitted by hand, convolution as a matrix product and in NumPy."""

import numpy as np
import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_num_threads(1)

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x * 2
y.backward(gradient=torch.tensor([0.1, 1.0, 0.0001]))
print(x.grad, y)
print(torch.autograd.grad((x**3).sum(), x, create_graph=True))

w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
inputs = torch.linspace(0, 1, 50)
targets = 3 * inputs + 1
for _ in range(200):
    loss = ((w * inputs + b - targets) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.5 * w.grad
        b -= 0.5 * b.grad
        w.grad.zero_()
        b.grad.zero_()
print(f"{w.item():.4f} {b.item():.4f}", w.requires_grad, loss.item() < 1e-4)

image = torch.randn(1, 3, 10, 12)
kernel = torch.randn(2, 3, 4, 5)
unfolded = F.unfold(image, (4, 5))
out = unfolded.transpose(1, 2).matmul(kernel.view(kernel.size(0), -1).t()).transpose(1, 2)
out = F.fold(out, (7, 8), (1, 1))
print(unfolded.shape, out.shape, (F.conv2d(image, kernel) - out).abs().max() < 1e-4)


def convolve(image, kernel):
    h, w = kernel.shape
    out = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i : i + h, j : j + w] * kernel)
    return out


edges = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
picture = np.arange(36.0).reshape(6, 6) % 7
expected = convolve(picture, edges)
result = F.conv2d(torch.from_numpy(picture)[None, None], torch.from_numpy(edges)[None, None])
print(result)
print(np.allclose(result.squeeze().numpy(), expected))
