"""Writes random.txt: what PyTorch's CPU generator gives, for `tests/random.rs` to compare with.

    python make_random.py > random.txt

A line is a name, then the numbers as float64 in hexadecimal.
"""

import torch


def show(name, tensor):
    print(name, *(float(x).hex() for x in tensor.detach().double().contiguous().flatten()))


def seeded(seed):
    return torch.Generator().manual_seed(seed)


f32, f64, f16, bf16 = torch.float32, torch.float64, torch.float16, torch.bfloat16
for seed in (0, 42, 2**40 + 7):
    for dtype in (f32, f64, f16, bf16):
        name = str(dtype).removeprefix("torch.")
        show(f"rand {name} {seed}", torch.rand(20, generator=seeded(seed), dtype=dtype))
        show(f"randn5 {name} {seed}", torch.randn(5, generator=seeded(seed), dtype=dtype))
        show(f"randn40 {name} {seed}", torch.randn(40, generator=seeded(seed), dtype=dtype))
    g = seeded(seed)
    show(f"uniform {seed}", torch.empty(9).uniform_(-0.3, 0.7, generator=g))
    show(f"randint {seed}", torch.randint(-3, 100, (9,), generator=g))
    show(f"randint-wide {seed}", torch.randint(0, 2**40, (9,), generator=g))
    show(f"randperm {seed}", torch.randperm(30, generator=g))
    show(f"bernoulli-number {seed}", torch.empty(30).bernoulli_(0.3, generator=g))
    show(f"bernoulli-tensor {seed}", torch.bernoulli(torch.full((30,), 0.4), generator=g))
    show(f"exponential {seed}", torch.empty(9, dtype=f64).exponential_(2.0, generator=g))
    show(f"cauchy {seed}", torch.empty(9, dtype=f64).cauchy_(1.0, 2.0, generator=g))
    show(f"geometric {seed}", torch.empty(9).geometric_(0.3, generator=g))
    show(f"log_normal {seed}", torch.empty(9, dtype=f64).log_normal_(1.0, 0.5, generator=g))
    show(f"poisson {seed}", torch.poisson(torch.tensor([0.0, 0.5, 3.0, 12.0, 50.0], dtype=f64), generator=g))
    weights = torch.tensor([[1.0, 2.0, 0.0, 4.0], [3.0, 1.0, 1.0, 1.0]])
    show(f"multinomial {seed}", torch.multinomial(weights, 3, generator=g))
    show(f"multinomial-replaced {seed}", torch.multinomial(weights, 9, True, generator=g))
    show(f"random-int64 {seed}", torch.empty(3, dtype=torch.int32).random_(generator=g))
    show(f"random-uint8 {seed}", torch.empty(9, dtype=torch.uint8).random_(generator=g))
    # The order of memory, not of indices.
    show(f"rand-transposed {seed}", torch.empty(3, 4).t().uniform_(generator=g))
    show(f"randn-transposed {seed}", torch.empty(5, 4).t().normal_(generator=g))
    show(f"rand-gaps {seed}", torch.empty(4, 6)[:, ::2].uniform_(generator=g))
    show(f"normal-tensors {seed}", torch.normal(torch.arange(3.0).double(), torch.tensor([[1.0], [2.0]]).double(), generator=g))
    show(f"words-afterwards {seed}", torch.randint(0, 1000, (3,), generator=g))
    show(f"state {seed}", g.get_state()[:24])
