"""Optimisers: one step by hand, groups, state dicts; schedules by their closed forms."""

import copy
import math

import flambeau as torch
import pytest


def _param(values=(1.0, -2.0), grad=(0.5, 0.25)):
    p = torch.tensor(list(values), requires_grad=True)
    p.grad = torch.tensor(list(grad))
    return p


def test_sgd_with_momentum_by_hand():
    p = _param()
    opt = torch.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.01)
    w, v = [1.0, -2.0], [None, None]
    for _ in range(3):
        opt.step()
        for i, g in enumerate((0.5, 0.25)):
            g = g + 0.01 * w[i]
            v[i] = g if v[i] is None else 0.9 * v[i] + g
            w[i] -= 0.1 * v[i]
    assert torch.allclose(p.detach(), torch.tensor(w), rtol=1e-6)


def test_adam_by_hand():
    p = _param()
    opt = torch.optim.Adam([p], lr=0.01, betas=(0.8, 0.9), eps=1e-6)
    w, m, s = [1.0, -2.0], [0.0, 0.0], [0.0, 0.0]
    for t in range(1, 4):
        opt.step()
        for i, g in enumerate((0.5, 0.25)):
            m[i] = 0.8 * m[i] + 0.2 * g
            s[i] = 0.9 * s[i] + 0.1 * g * g
            w[i] -= 0.01 * (m[i] / (1 - 0.8**t)) / (math.sqrt(s[i] / (1 - 0.9**t)) + 1e-6)
    assert torch.allclose(p.detach(), torch.tensor(w), rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
        lambda ps: torch.optim.AdamW(ps, lr=0.1),
        lambda ps: torch.optim.Adam(ps, lr=0.1, amsgrad=True),
        lambda ps: torch.optim.RMSprop(ps, lr=0.05, momentum=0.5, centered=True),
        lambda ps: torch.optim.Adagrad(ps, lr=0.5),
        lambda ps: torch.optim.Adadelta(ps, lr=20.0),
        lambda ps: torch.optim.Adamax(ps, lr=0.1),
        lambda ps: torch.optim.NAdam(ps, lr=0.1),
        lambda ps: torch.optim.RAdam(ps, lr=0.1),
        lambda ps: torch.optim.Rprop(ps, lr=0.1),
        lambda ps: torch.optim.ASGD(ps, lr=0.1),
    ],
)
def test_every_optimiser_descends_and_resumes(make):
    def loss_of(p):
        return ((p - torch.tensor([3.0, -1.0])) ** 2).sum()

    def train(p, opt, steps):
        for _ in range(steps):
            opt.zero_grad()
            loss_of(p).backward()
            opt.step()

    p = torch.zeros(2, requires_grad=True)
    opt = make([p])
    before = loss_of(p).item()
    train(p, opt, 30)
    assert loss_of(p).item() < before

    twin = p.detach().clone().requires_grad_()
    resumed = make([twin])
    resumed.load_state_dict(copy.deepcopy(opt.state_dict()))
    train(p, opt, 3)
    train(twin, resumed, 3)
    assert torch.equal(p, twin)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_solves_a_quadratic(search):
    p = torch.tensor([4.0, -3.0], requires_grad=True)
    opt = torch.optim.LBFGS([p], lr=0.5 if search is None else 1.0, line_search_fn=search)

    def closure():
        opt.zero_grad()
        loss = (p[0] - 1) ** 2 + 10 * (p[1] + 2) ** 2
        loss.backward()
        return loss

    for _ in range(5):
        opt.step(closure)
    assert torch.allclose(p.detach(), torch.tensor([1.0, -2.0]), atol=1e-3)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: torch.optim.SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"),
        (lambda: torch.optim.SGD([_param()], lr=-1.0), ValueError, "Invalid learning rate: -1.0"),
        (lambda: torch.optim.SGD([_param() * 2], lr=0.1), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: torch.optim.SGD([_param()], lr=0.1, nesterov=True), ValueError,
         "Nesterov momentum requires a momentum and zero dampening"),
        (lambda: torch.optim.Adam([_param()], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda: torch.optim.SGD(_param(), lr=0.1), TypeError,
         "params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.FloatTensor"),
    ],
)
def test_mistakes_are_named(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text


def test_parameter_groups_have_options_of_their_own():
    a, b = _param(), _param()
    opt = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 1.0}], lr=0.1)
    opt.step()
    assert a.tolist() == pytest.approx([0.95, -2.025])
    assert b.tolist() == pytest.approx([0.5, -2.25])
    assert [g["params"] for g in opt.state_dict()["param_groups"]] == [[0], [1]]


def test_parameters_without_gradient_are_left_alone():
    p = torch.ones(2, requires_grad=True)
    opt = torch.optim.Adam([p])
    opt.step()
    assert p.tolist() == [1.0, 1.0]
    assert len(opt.state) == 0


def _rates(make, steps=8):
    p = torch.ones(1, requires_grad=True)
    opt = torch.optim.SGD([p], lr=1.0, momentum=0.9)
    scheduler = make(opt)
    rates = [opt.param_groups[0]["lr"]]
    for _ in range(steps):
        opt.step()
        scheduler.step()
        rates.append(opt.param_groups[0]["lr"])
    return rates


L = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("make", "closed"),
    [
        (lambda o: L.StepLR(o, 3, 0.5), lambda e: 0.5 ** (e // 3)),
        (lambda o: L.MultiStepLR(o, [2, 5]), lambda e: 0.1 ** ((e >= 2) + (e >= 5))),
        (lambda o: L.ExponentialLR(o, 0.8), lambda e: 0.8**e),
        (lambda o: L.CosineAnnealingLR(o, 5, 0.1), lambda e: 0.1 + 0.9 * (1 + math.cos(math.pi * e / 5)) / 2),
        (lambda o: L.LambdaLR(o, lambda e: 1 / (1 + e)), lambda e: 1 / (1 + e)),
        (lambda o: L.LinearLR(o, 0.25, total_iters=4), lambda e: 0.25 + 0.75 * min(e, 4) / 4),
        (lambda o: L.PolynomialLR(o, 8, 2.0), lambda e: (1 - e / 8) ** 2),
        (lambda o: L.ConstantLR(o, 0.5, 3), lambda e: 0.5 if e < 3 else 1.0),
        (lambda o: L.CosineAnnealingWarmRestarts(o, 4), lambda e: (1 + math.cos(math.pi * (e % 4) / 4)) / 2),
    ],
)
def test_schedules_follow_their_closed_forms(make, closed):
    assert _rates(make) == pytest.approx([closed(e) for e in range(9)])


def test_schedules_in_sequence():
    rates = _rates(lambda o: L.SequentialLR(o, [L.ConstantLR(o, 0.1, 10), L.ExponentialLR(o, 0.5)], [3]))
    assert rates == pytest.approx([0.1, 0.1, 0.1, 1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125])


def test_plateau_lowers_the_rate():
    p = torch.ones(1, requires_grad=True)
    opt = torch.optim.SGD([p], lr=1.0)
    scheduler = L.ReduceLROnPlateau(opt, factor=0.5, patience=1)
    rates = []
    for value in (1.0, 1.0, 1.0, 0.5, 0.5, 0.5):
        scheduler.step(value)
        rates.append(opt.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


def test_wrong_order_of_steps_warns():
    p = torch.ones(1, requires_grad=True)
    scheduler = L.StepLR(torch.optim.SGD([p], lr=1.0), 1)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()


def test_clip_grad_norm():
    p = _param(grad=(3.0, 4.0))
    assert torch.nn.utils.clip_grad_norm_([p], 1.0).item() == pytest.approx(5.0)
    assert p.grad.tolist() == pytest.approx([0.6, 0.8], abs=1e-5)
