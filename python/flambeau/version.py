"""The version of flambeau, and of the interface it follows."""

__version__ = "0.1.0"
#: the PyTorch release whose names, defaults and messages this package follows
torch_version = "2.15.0"
cuda: str | None = None
hip: str | None = None
xpu: str | None = None
git_version: str | None = None
debug = False

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "torch_version", "xpu"]
