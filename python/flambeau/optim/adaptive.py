"""Optimisers that scale the step of every element by its gradients' history."""

from __future__ import annotations

from flambeau import _native
from flambeau._tensor import Tensor

from .optimizer import (
    _check_betas, _check_fused, _check_lr, _check_not_negative, _PerParameter, _real, _step_counter, _to_scalar, _zeros_like,
)

__all__ = ["Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "RMSprop"]


class RMSprop(_PerParameter):
    """Divides by a running root mean square (Hinton's lecture 6e; ``centered`` as Graves 2013)."""

    def __init__(
        self, params, lr: float | Tensor = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ):
        _check_lr(lr)
        _check_not_negative(eps, "epsilon")
        _check_not_negative(momentum, "momentum")
        _check_not_negative(weight_decay, "weight_decay")
        _check_not_negative(alpha, "alpha")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay,
            "capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
        })

    def _initial_state(self, group, param):
        state = {"step": _step_counter(group), "square_avg": _zeros_like(param)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = _zeros_like(param)
        if group["centered"]:
            state["grad_avg"] = _zeros_like(param)
        return state

    def _update(self, group, param, grad, state):
        lr, alpha = _to_scalar(group["lr"]), group["alpha"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        param, grad, square_avg = _real(param), _real(grad), _real(state["square_avg"])
        square_avg.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            grad_avg = _real(state["grad_avg"])
            grad_avg.lerp_(grad, 1 - alpha)
            average = square_avg.addcmul(grad_avg, grad_avg, value=-1).sqrt_()
        else:
            average = square_avg.sqrt()
        average = average.add_(group["eps"])
        if group["momentum"] > 0:
            buffer = _real(state["momentum_buffer"])
            buffer.mul_(group["momentum"]).addcdiv_(grad, average)
            param.add_(buffer, alpha=-lr)
        else:
            param.addcdiv_(grad, average, value=-lr)


class Adagrad(_PerParameter):
    """Divides by the root of the summed squares (Duchi et al. 2011)."""

    def __init__(
        self, params, lr: float | Tensor = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *, maximize: bool = False,
        differentiable: bool = False, fused: bool | None = None,
    ):
        _check_lr(lr)
        _check_not_negative(lr_decay, "lr_decay")
        _check_not_negative(weight_decay, "weight_decay")
        _check_not_negative(initial_accumulator_value, "initial_accumulator_value")
        _check_not_negative(eps, "epsilon")
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        })
        _check_fused(fused, foreach, differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param].update(self._initial_state(group, param))

    def _initial_state(self, group, param):
        value = group["initial_accumulator_value"]
        fill = complex(value, value) if param.is_complex() else value
        return {
            "step": _step_counter(group),
            "sum": _native.full_like(param, fill, memory_format=_native.preserve_format),
        }

    def share_memory(self) -> None:
        """Moves the state to memory shared between processes."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def _update(self, group, param, grad, state):
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        rate = _to_scalar(group["lr"]) / (1 + (state["step"].item() - 1) * group["lr_decay"])
        param, grad, total = _real(param), _real(grad), _real(state["sum"])
        total.addcmul_(grad, grad, value=1)
        param.addcdiv_(grad, total.sqrt().add_(group["eps"]), value=-rate)


class Adadelta(_PerParameter):
    """Steps in the unit of the parameters (Zeiler 2012)."""

    def __init__(
        self, params, lr: float | Tensor = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ):
        _check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        _check_not_negative(eps, "epsilon")
        _check_not_negative(weight_decay, "weight_decay")
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "capturable": capturable,
            "foreach": foreach, "differentiable": differentiable,
        })

    def _initial_state(self, group, param):
        return {"step": _step_counter(group), "square_avg": _zeros_like(param), "acc_delta": _zeros_like(param)}

    def _update(self, group, param, grad, state):
        rho, eps = group["rho"], group["eps"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        param, grad = _real(param), _real(grad)
        square_avg, acc_delta = _real(state["square_avg"]), _real(state["acc_delta"])
        square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        std = square_avg.add(eps).sqrt_()
        delta = acc_delta.add(eps).sqrt_().div_(std).mul_(grad)
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-_to_scalar(group["lr"]))


class Adamax(_PerParameter):
    """Adam with the infinity norm (Kingma and Ba 2015, section 7.1)."""

    def __init__(
        self, params, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ):
        _check_lr(lr)
        _check_not_negative(eps, "epsilon")
        _check_betas(betas)
        _check_not_negative(weight_decay, "weight_decay")
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        })

    def _initial_state(self, group, param):
        return {"step": _step_counter(group), "exp_avg": _zeros_like(param), "exp_inf": _zeros_like(param)}

    def _update(self, group, param, grad, state):
        beta1, beta2 = group["betas"]
        state["step"] += 1
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        param, grad = _real(param), _real(grad)
        exp_avg, exp_inf = _real(state["exp_avg"]), _real(state["exp_inf"])
        exp_avg.lerp_(grad, 1 - beta1)
        exp_inf.copy_(_native.maximum(exp_inf.mul_(beta2), grad.abs().add_(group["eps"])))
        bias_correction = 1 - beta1 ** state["step"].item()
        param.addcdiv_(exp_avg, exp_inf, value=-(_to_scalar(group["lr"]) / bias_correction))


class NAdam(_PerParameter):
    """Adam with Nesterov momentum (Dozat 2016)."""

    def __init__(
        self, params, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ):
        _check_lr(lr)
        _check_not_negative(eps, "epsilon")
        _check_betas(betas)
        _check_not_negative(weight_decay, "weight_decay")
        _check_not_negative(momentum_decay, "momentum_decay")
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        })

    def __setstate__(self, state):
        super().__setstate__(state)
        for kept in self.state.values():
            if "mu_product" in kept and not isinstance(kept["mu_product"], Tensor):
                kept["mu_product"] = _step_counter(None, float(kept["mu_product"]))

    def _initial_state(self, group, param):
        return {
            "step": _step_counter(group), "mu_product": _step_counter(group, 1.0), "exp_avg": _zeros_like(param),
            "exp_avg_sq": _zeros_like(param),
        }

    def _update(self, group, param, grad, state):
        lr, decay = _to_scalar(group["lr"]), group["momentum_decay"]
        beta1, beta2 = group["betas"]
        state["step"] += 1
        step = state["step"].item()
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(param, alpha=group["weight_decay"])
        param, grad = _real(param), _real(grad)
        exp_avg, exp_avg_sq = _real(state["exp_avg"]), _real(state["exp_avg_sq"])
        mu = beta1 * (1.0 - 0.5 * (0.96 ** (step * decay)))
        mu_next = beta1 * (1.0 - 0.5 * (0.96 ** ((step + 1) * decay)))
        state["mu_product"] *= mu
        product = state["mu_product"].item()
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denominator = exp_avg_sq.div(1 - beta2**step).sqrt().add_(group["eps"])
        param.addcdiv_(grad, denominator, value=(-lr * (1.0 - mu) / (1.0 - product)))
        param.addcdiv_(exp_avg, denominator, value=(-lr * mu_next) / (1.0 - product * mu_next))


class RAdam(_PerParameter):
    """Adam with a rectified variance in the first steps (Liu et al. 2020)."""

    def __init__(
        self, params, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ):
        _check_lr(lr)
        _check_not_negative(eps, "epsilon")
        _check_betas(betas)
        _check_not_negative(weight_decay, "weight_decay")
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        })

    def _initial_state(self, group, param):
        return {"step": _step_counter(group), "exp_avg": _zeros_like(param), "exp_avg_sq": _zeros_like(param)}

    def _update(self, group, param, grad, state):
        lr = _to_scalar(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        step = state["step"].item()
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(param, alpha=group["weight_decay"])
        param, grad = _real(param), _real(grad)
        exp_avg, exp_avg_sq = _real(state["exp_avg"]), _real(state["exp_avg_sq"])
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        bias_correction2 = 1 - beta2**step
        corrected = exp_avg / (1 - beta1**step)
        rho_inf = 2 / (1 - beta2) - 1  # the length of the approximated moving average
        rho = rho_inf - 2 * step * (beta2**step) / bias_correction2
        if rho > 5.0:
            rectification = (
                (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)
            ) ** 0.5
            adaptive = (bias_correction2**0.5) / exp_avg_sq.sqrt().add_(group["eps"])
            param.add_(corrected * lr * adaptive * rectification, alpha=-1.0)
        else:
            param.add_(corrected * lr, alpha=-1.0)
