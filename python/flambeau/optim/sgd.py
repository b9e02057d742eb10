"""Stochastic gradient descent."""

from __future__ import annotations

from flambeau import _native
from flambeau._tensor import Tensor

from .optimizer import _check_fused, _PerParameter, _to_scalar

__all__ = ["SGD"]


class SGD(_PerParameter):
    """Gradient descent with momentum (Sutskever et al. 2013) and weight decay."""

    def __init__(
        self, params, lr: float | Tensor = 1e-3, momentum: float = 0, dampening: float = 0,
        weight_decay: float | Tensor = 0, nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        differentiable: bool = False, fused: bool | None = None,
    ):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }
        super().__init__(params, defaults)
        _check_fused(fused, foreach, differentiable)

    def _initial_state(self, group, param):
        return {"momentum_buffer": None} if group["momentum"] != 0 else {}

    def _update(self, group, param, grad, state):
        momentum = group["momentum"]
        buffer = state.get("momentum_buffer")
        if (buffer is not None or momentum == 0) and not group.get("differentiable") and _native._sgd_step_(
            param, grad, buffer if momentum != 0 else None, float(group["lr"]), momentum, group["dampening"],
            float(group["weight_decay"]), group["nesterov"],
        ):
            return
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        if momentum != 0:
            if buffer is None:
                buffer = state["momentum_buffer"] = grad.detach().clone()
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        param.add_(grad, alpha=-_to_scalar(group["lr"]))

    def step(self, closure=None):
        """Updates every parameter that has a gradient."""
        loss = super().step(closure)
        for param in [param for param, state in self.state.items() if not state]:
            del self.state[param]  # without momentum there is nothing to keep
        return loss
