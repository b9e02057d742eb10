"""L-BFGS, with a line search for the strong Wolfe conditions."""

from __future__ import annotations

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.autograd.grad_mode import enable_grad, no_grad

from .optimizer import Optimizer, _check_lr, _real, _to_scalar

__all__ = ["LBFGS"]


def _cubic_minimum(x1, f1, g1, x2, f2, g2, bounds=None):
    """The minimum of the cubic through two points with slopes (Nocedal and Wright, equation 3.59)."""
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if x1 <= x2:
        minimum = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        minimum = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(minimum, low), high)


class _Point:
    """A trial step: its length, the loss, the gradient, and the slope along the direction."""

    __slots__ = ("grad", "loss", "slope", "t")

    def __init__(self, t, loss, grad, slope):
        self.t, self.loss, self.grad, self.slope = t, loss, grad, slope

    def interpolate(self, other, bounds=None):
        return _cubic_minimum(self.t, self.loss, self.slope, other.t, other.loss, other.slope, bounds)


def _strong_wolfe(evaluate, t, direction, start: _Point, c1=1e-4, c2=0.9, tolerance_change=1e-9, max_ls=25):
    """A step that fulfils the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6).

    Returns (loss, gradient, step length, number of evaluations)."""
    length = direction.abs().max()
    slope = start.slope

    def trial(t):
        loss, grad = evaluate(t)
        return _Point(t, loss, grad, grad.dot(direction))

    def too_high(point):
        return point.loss > start.loss + c1 * point.t * slope

    new = trial(t)
    evaluations, iteration = 1, 0
    previous = start
    bracket = None
    done = False
    while iteration < max_ls:
        if too_high(new) or (iteration > 1 and new.loss >= previous.loss):
            bracket = [previous, new]
            break
        if abs(new.slope) <= -c2 * slope:
            bracket, done = [new], True
            break
        if new.slope >= 0:
            bracket = [previous, new]
            break
        bounds = (new.t + 0.01 * (new.t - previous.t), new.t * 10)
        t = previous.interpolate(new, bounds)
        previous = new
        new = trial(t)
        evaluations += 1
        iteration += 1
    if iteration == max_ls:
        bracket = [start, new]

    stuck = False
    low, high = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
    while not done and iteration < max_ls:
        left, right = bracket
        if abs(right.t - left.t) * length < tolerance_change:
            break
        t = left.interpolate(right)
        nearest, farthest = min(left.t, right.t), max(left.t, right.t)
        margin = 0.1 * (farthest - nearest)
        if min(farthest - t, t - nearest) < margin:  # too close to an end: move away if it happens twice
            if stuck or t >= farthest or t <= nearest:
                t = farthest - margin if abs(t - farthest) < abs(t - nearest) else nearest + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = trial(t)
        evaluations += 1
        iteration += 1
        if too_high(new) or new.loss >= bracket[low].loss:
            bracket[high] = new
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
        else:
            if abs(new.slope) <= -c2 * slope:
                done = True
            elif new.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = new
    best = bracket[low if len(bracket) > 1 else 0]
    return best.loss, best.grad, best.t, evaluations


class LBFGS(Optimizer):
    """Limited-memory BFGS (Liu and Nocedal 1989); ``step`` needs a closure."""

    def __init__(
        self, params, lr: float | Tensor = 1, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search_fn: str | None = None, *, maximize: bool = False,
    ):
        _check_lr(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_eval, "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change, "history_size": history_size, "line_search_fn": line_search_fn,
            "maximize": maximize,
        })
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def _flat_gradient(self) -> Tensor:
        parts = [
            (_real(p).new_zeros(_real(p).numel()) if p.grad is None else _real(p.grad).reshape(-1)) for p in self._params
        ]
        gradient = _native.cat(parts, 0)
        return gradient.neg_() if self.param_groups[0].get("maximize", False) else gradient

    def _move(self, step_size, direction: Tensor) -> None:
        offset = 0
        for param in self._params:
            param = _real(param)
            count = param.numel()
            param.add_(direction[offset : offset + count].view_as(param), alpha=step_size)
            offset += count

    def _loss(self, closure) -> float:
        loss = float(closure())
        return -loss if self.param_groups[0].get("maximize", False) else loss

    def _direction(self, state, gradient: Tensor, history_size: int) -> Tensor:
        """Two-loop recursion over the kept pairs (Nocedal and Wright, algorithm 7.4)."""
        y = gradient.sub(state["prev_flat_grad"])
        s = state["d"].mul(state["t"])
        ys = y.dot(s)
        if ys > 1e-10:
            if len(state["old_dirs"]) == history_size:
                for key in ("old_dirs", "old_stps", "ro"):
                    state[key].pop(0)
            state["old_dirs"].append(y)
            state["old_stps"].append(s)
            state["ro"].append(1.0 / ys)
            state["H_diag"] = ys / y.dot(y)
        dirs, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        weights = state.setdefault("al", [None] * history_size)
        q = gradient.neg()
        for i in reversed(range(len(dirs))):
            weights[i] = steps[i].dot(q) * ro[i]
            q.add_(dirs[i], alpha=-weights[i])
        direction = q.mul(state["H_diag"])
        for i in range(len(dirs)):
            direction.add_(steps[i], alpha=weights[i] - dirs[i].dot(direction) * ro[i])
        return direction

    @no_grad()
    def step(self, closure):
        """Runs up to ``max_iter`` iterations; returns the loss before the first."""
        closure = enable_grad()(closure)
        group = self.param_groups[0]
        lr = _to_scalar(group["lr"])
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        first_loss = closure()
        loss = -float(first_loss) if group.get("maximize", False) else float(first_loss)
        evaluations = 1
        state["func_evals"] += 1
        gradient = self._flat_gradient()
        if gradient.abs().max() <= group["tolerance_grad"]:
            return first_loss

        iteration = 0
        while iteration < group["max_iter"]:
            iteration += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                state.update(d=gradient.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            else:
                state["d"] = self._direction(state, gradient, group["history_size"])
            direction = state["d"]
            state["prev_flat_grad"] = gradient.clone(memory_format=_native.contiguous_format)
            previous_loss = state["prev_loss"] = loss
            state["t"] = min(1.0, 1.0 / gradient.abs().sum()) * lr if state["n_iter"] == 1 else lr
            slope = gradient.dot(direction)
            if slope > -group["tolerance_change"]:
                break

            used = 0
            optimal = False
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                origin = [p.clone(memory_format=_native.contiguous_format) for p in self._params]

                def evaluate(t):
                    self._move(t, direction)
                    value = self._loss(closure)
                    grad = self._flat_gradient()
                    for param, kept in zip(self._params, origin):
                        param.copy_(kept)
                    return value, grad

                start = _Point(0, loss, gradient.clone(), slope)
                loss, gradient, state["t"], used = _strong_wolfe(
                    evaluate, state["t"], direction, start, max_ls=group["max_eval"] - evaluations
                )
                self._move(state["t"], direction)
                optimal = gradient.abs().max() <= group["tolerance_grad"]
            else:
                self._move(state["t"], direction)
                if iteration != group["max_iter"]:
                    loss = self._loss(closure)
                    gradient = self._flat_gradient()
                    optimal = gradient.abs().max() <= group["tolerance_grad"]
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if (
                iteration == group["max_iter"]
                or evaluations >= group["max_eval"]
                or optimal
                or direction.mul(state["t"]).abs().max() <= group["tolerance_change"]
                or abs(loss - previous_loss) < group["tolerance_change"]
            ):
                break
        return first_loss
