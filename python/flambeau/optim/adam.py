"""Adam and AdamW."""

from __future__ import annotations

from flambeau import _native
from flambeau._tensor import Tensor

from .optimizer import _check_betas, _check_fused, _PerParameter, _real, _step_counter, _to_scalar, _zeros_like

__all__ = ["Adam", "AdamW"]


class Adam(_PerParameter):
    """Kingma and Ba 2015; with ``amsgrad`` the variant of Reddi et al. 2018."""

    def __init__(
        self, params, lr: float | Tensor = 1e-3, betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        if isinstance(lr, Tensor):
            if foreach and not capturable:
                raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
            if lr.numel() != 1:
                raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        _check_betas(betas)
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        kinds = {Tensor if isinstance(beta, Tensor) else type(beta) for beta in betas[:2]}
        if kinds not in ({float}, {Tensor}):
            raise ValueError("betas must be either both floats or both Tensors")
        defaults = {
            "lr": lr, "betas": (_to_scalar(betas[0]), _to_scalar(betas[1])), "eps": eps, "weight_decay": weight_decay,
            "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable, "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        _check_fused(fused, foreach, differentiable)

    def _initial_state(self, group, param):
        state = {"step": _step_counter(group), "exp_avg": _zeros_like(param), "exp_avg_sq": _zeros_like(param)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = _zeros_like(param)
        return state

    def _update(self, group, param, grad, state):
        lr = _to_scalar(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        if not (group["amsgrad"] or group.get("differentiable")) and _native._adam_step_(
            param, grad, state["exp_avg"], state["exp_avg_sq"], state["step"].item(), float(lr), float(beta1), float(beta2),
            group["eps"], group["weight_decay"], group["decoupled_weight_decay"],
        ):
            return
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(param, alpha=group["weight_decay"])
        param, grad = _real(param), _real(grad)
        exp_avg, exp_avg_sq = _real(state["exp_avg"]), _real(state["exp_avg_sq"])
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        step = state["step"].item()
        bias_correction1 = 1 - beta1**step
        bias_correction2_sqrt = (1 - beta2**step) ** 0.5
        if group["amsgrad"]:
            largest = _real(state["max_exp_avg_sq"])
            largest.copy_(_native.maximum(largest, exp_avg_sq))
            exp_avg_sq = largest
        denominator = (exp_avg_sq.sqrt() / bias_correction2_sqrt).add_(group["eps"])
        param.addcdiv_(exp_avg, denominator, value=-(lr / bias_correction1))


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019)."""

    def __init__(
        self, params, lr: float | Tensor = 1e-3, betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False,
        foreach: bool | None = None, capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ):
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
