import flambeau as torch

torch.manual_seed(0)
conv = torch.nn.Conv2d(in_channels=3, out_channels=64, kernel_size=3, stride=1, padding=1)
input = torch.randn(1, 3, 28, 28)
output = conv(input)
print(output.shape)

# The functional form computes the identical tensor.
functional = torch.nn.functional.conv2d(input, conv.weight, conv.bias, stride=1, padding=1)
print("the functional form is identical:", torch.equal(functional, output))
