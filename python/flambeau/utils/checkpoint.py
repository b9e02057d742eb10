"""Trading computation for memory: activations are computed again in the backward pass."""

from __future__ import annotations

import contextlib
import warnings

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.autograd import backward as _backward
from flambeau.autograd.function import Function
from flambeau.autograd.grad_mode import enable_grad, no_grad

__all__ = ["CheckpointFunction", "checkpoint", "checkpoint_sequential", "noop_context_fn"]


def noop_context_fn():
    """Contexts of forward and recomputation that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def _detached(value):
    if not isinstance(value, Tensor):
        return value
    return value.detach().requires_grad_(value.requires_grad)


@contextlib.contextmanager
def _rng(state):
    """Runs with a saved state of the generator, if there is one."""
    if state is None:
        yield
        return
    now = _native.default_generator.get_state()
    _native.default_generator.set_state(state)
    try:
        yield
    finally:
        _native.default_generator.set_state(now)


class CheckpointFunction(Function):
    """Keeps the inputs only, and differentiates a second run of the function."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, context_fn, kwargs, *args):
        ctx.run_function = run_function
        ctx.kwargs = kwargs
        ctx.recompute_context = context_fn()[1]
        ctx.rng_state = _native.default_generator.get_state() if preserve_rng_state else None
        ctx.tensors_at = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx.arguments = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.save_for_backward(*[args[i] for i in ctx.tensors_at])
        with no_grad():
            return run_function(*args, **kwargs)

    @staticmethod
    def backward(ctx, *grads):
        args = list(ctx.arguments)
        for i, tensor in zip(ctx.tensors_at, ctx.saved_tensors):
            args[i] = tensor
        args = [_detached(arg) for arg in args]
        with _rng(ctx.rng_state), enable_grad(), ctx.recompute_context:
            outputs = ctx.run_function(*args, **ctx.kwargs)
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        pairs = [(out, g) for out, g in zip(outputs, grads) if isinstance(out, Tensor) and out.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        _backward([out for out, _ in pairs], [g for _, g in pairs])
        return (None, None, None, None, *(arg.grad if isinstance(arg, Tensor) else None for arg in args))


def checkpoint(
    function=None, *args, use_reentrant: bool | None = None, preserve_rng_state: bool = True, context_fn=noop_context_fn,
    determinism_check: str = "default", debug: bool = False, early_stop: bool = True,
    respect_saved_tensors_hooks: bool | None = None, **kwargs,
):
    """Calls ``function`` without keeping its activations."""
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but if "
            "you need to preserve the current default behavior, you can pass use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = preserve_rng_state
    if kwargs and use_reentrant:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if use_reentrant and context_fn is not noop_context_fn:
        raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    if use_reentrant:
        if not any(isinstance(arg, Tensor) and arg.requires_grad for arg in args):
            warnings.warn(
                "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
            )
        return CheckpointFunction.apply(function, preserve, context_fn, kwargs, *args)
    # Parameters of ``function`` may need gradients where no argument does: a leaf makes sure that it is recorded.
    if not any(isinstance(arg, Tensor) and arg.requires_grad for arg in args) and _native.is_grad_enabled():
        trigger = _native.empty(0).requires_grad_()

        def run(_, *rest, **options):
            return function(*rest, **options)

        return CheckpointFunction.apply(run, preserve, context_fn, kwargs, trigger, *args)
    return CheckpointFunction.apply(function, preserve, context_fn, kwargs, *args)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """Checkpoints a sequence of modules in ``segments`` pieces."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    modules = list(functions.children()) if hasattr(functions, "children") else list(functions)

    def run(start, end):
        def forward(value):
            for module in modules[start:end]:
                value = module(value)
            return value

        return forward

    size = len(modules) // segments
    end = 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(run(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(end, len(modules))(input)
