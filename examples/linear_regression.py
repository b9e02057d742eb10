import flambeau as torch

torch.manual_seed(0)
# y = 2x + 1, with noise.
x = torch.rand(100, 1)
y = 2 * x + 1 + 0.1 * torch.randn(100, 1)

model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for epoch in range(101):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch:3}  loss {loss.item():.4f}")
print(f"y = {model.weight.item():.2f} x + {model.bias.item():.2f}")
