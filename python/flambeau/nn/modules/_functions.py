"""Differentiable functions that modules need besides the operators."""

from flambeau.autograd.function import Function

__all__ = ["BackwardHookFunction"]


class BackwardHookFunction(Function):
    """The identity, whose backward shows the gradients to a callback and passes on what it returns."""

    @staticmethod
    def forward(ctx, on_gradients, *args):
        ctx.on_gradients = on_gradients
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*[arg for arg in args if not arg.requires_grad])
        return args

    @staticmethod
    def backward(ctx, *grads):
        return (None, *ctx.on_gradients(grads))
