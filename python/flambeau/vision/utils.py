"""Many images in one picture."""

from __future__ import annotations

import math

import flambeau as torch

__all__ = ["make_grid", "save_image"]


@torch.no_grad()
def make_grid(
    tensor, nrow: int = 8, padding: int = 2, normalize: bool = False, value_range: tuple[float, float] | None = None,
    scale_each: bool = False, pad_value: float = 0.0,
):
    """Images ``(N, C, H, W)``, or a list of images of one size, side by side in rows of ``nrow``: ``(3, H', W')``.

    With ``normalize``, numbers are brought to 0 … 1 from ``value_range``, or from the least and the largest of all
    images (``scale_each``: of each).
    """
    if not isinstance(tensor, torch.Tensor):
        if not isinstance(tensor, list):
            raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
        for image in tensor:
            if not isinstance(image, torch.Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(image)}")
        tensor = torch.stack(tensor, dim=0)
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 4 and tensor.size(1) == 1:
        tensor = torch.cat((tensor, tensor, tensor), 1)

    if normalize is True:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        tensor = tensor.clone()
        for images in tensor if scale_each is True else [tensor]:
            low, high = value_range if value_range is not None else (float(images.min()), float(images.max()))
            images.clamp_(min=low, max=high)
            images.sub_(low).div_(max(high - low, 1e-5))

    count = tensor.size(0)
    if count == 1:
        return tensor.squeeze(0)
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    height, width = tensor.size(2) + padding, tensor.size(3) + padding
    grid = tensor.new_full((tensor.size(1), height * rows + padding, width * columns + padding), pad_value)
    for number, image in enumerate(tensor):
        top, left = number // columns * height + padding, number % columns * width + padding
        grid.narrow(1, top, height - padding).narrow(2, left, width - padding).copy_(image)
    return grid


@torch.no_grad()
def save_image(tensor, fp, format: str | None = None, **kwargs) -> None:
    """Writes images of numbers from 0 to 1 as one picture, a path or a file; ``kwargs`` are ``make_grid``'s."""
    from PIL import Image

    grid = make_grid(tensor, **kwargs)
    pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to(torch.uint8).numpy()
    Image.fromarray(pixels).save(fp, format=format)
