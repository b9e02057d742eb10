"""Rprop and averaged SGD."""

from __future__ import annotations

from flambeau import _native
from flambeau._tensor import Tensor

from .optimizer import _check_lr, _check_not_negative, _PerParameter, _real, _step_counter, _to_scalar, _zeros_like

__all__ = ["ASGD", "Rprop"]


class Rprop(_PerParameter):
    """Steps by the signs of the gradients (Riedmiller and Braun 1993)."""

    def __init__(
        self, params, lr: float | Tensor = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ):
        _check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        })

    def _initial_state(self, group, param):
        lr = _to_scalar(group["lr"])
        size = complex(lr, lr) if param.is_complex() else lr
        return {
            "step": _step_counter(group), "prev": _zeros_like(param), "step_size": _native.full_like(param.grad, size),
        }

    def _update(self, group, param, grad, state):
        eta_minus, eta_plus = group["etas"]
        state["step"] += 1
        param, grad = _real(param), _real(grad)
        previous, step_size = _real(state["prev"]), _real(state["step_size"])
        factor = grad.mul(previous).sign()
        factor[factor.gt(0)] = eta_plus
        factor[factor.lt(0)] = eta_minus
        factor[factor.eq(0)] = 1
        step_size.mul_(factor).clamp_(*group["step_sizes"])
        grad = grad.clone(memory_format=_native.preserve_format)
        grad[factor.eq(eta_minus)] = 0
        param.addcmul_(grad.sign(), step_size, value=-1)
        previous.copy_(grad)


class ASGD(_PerParameter):
    """Gradient descent with averaged parameters (Polyak and Juditsky 1992)."""

    def __init__(
        self, params, lr: float | Tensor = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ):
        _check_lr(lr)
        _check_not_negative(lambd, "lambd")
        _check_not_negative(alpha, "alpha")
        _check_not_negative(weight_decay, "weight_decay")
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })

    def _initial_state(self, group, param):
        return {
            "step": _step_counter(group), "eta": _step_counter(group, float(_to_scalar(group["lr"]))),
            "mu": _step_counter(group, 1.0), "ax": _zeros_like(param),
        }

    def _update(self, group, param, grad, state):
        lr, lambd = _to_scalar(group["lr"]), group["lambd"]
        param, grad, average = _real(param), _real(grad), _real(state["ax"])
        eta, mu = state["eta"], state["mu"]
        state["step"] += 1
        step = state["step"].item()
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        rate = eta.item()
        param.mul_(1 - lambd * rate)
        param.add_(grad, alpha=-rate)
        if mu.item() != 1:
            average.add_(param.sub(average).mul_(mu))
        else:
            average.copy_(param)
        eta.copy_(_native.as_tensor(lr / ((1 + lambd * lr * step) ** group["alpha"])))
        mu.copy_(_native.as_tensor(1 / max(1, step - group["t0"])))
