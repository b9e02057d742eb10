"""Whether operations are recorded: context managers that also decorate functions."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from typing import Any

from flambeau import _native

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]


def _wrap_generator(make_context, function):
    """Runs every step of a generator, but not its caller between the steps, inside the context."""

    @functools.wraps(function)
    def stepped(*args, **kwargs):
        generator = function(*args, **kwargs)
        try:
            with make_context():
                response = generator.send(None)
            while True:
                try:
                    request = yield response
                except GeneratorExit:
                    with make_context():
                        generator.close()
                    raise
                except BaseException:
                    with make_context():
                        response = generator.throw(*sys.exc_info())
                else:
                    with make_context():
                        response = generator.send(request)
        except StopIteration as stop:
            return stop.value

    return stepped


class _DecoratorContextManager:
    """A context manager whose instances decorate functions: every call gets a fresh context."""

    def __call__(self, orig_func):
        function = orig_func
        if inspect.isclass(orig_func):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
                "the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )

            def function(*args, **kwargs):
                return orig_func(*args, **kwargs)

        if inspect.isgeneratorfunction(function):
            return _wrap_generator(self.clone, function)

        @functools.wraps(function)
        def decorate_context(*args, **kwargs):
            with self.clone():
                return function(*args, **kwargs)

        return decorate_context

    def clone(self):
        return type(self)()


class _WithoutArguments(_DecoratorContextManager):
    """``@no_grad`` works as ``@no_grad()`` does."""

    def __new__(cls, orig_func=None):
        if orig_func is None:
            return super().__new__(cls)
        return cls()(orig_func)


class _Recording(_WithoutArguments):
    _mode: bool

    def __init__(self) -> None:
        self.prev = False

    def __enter__(self) -> None:
        self.prev = _native.is_grad_enabled()
        _native._set_grad_enabled(self._mode)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        _native._set_grad_enabled(self.prev)


class no_grad(_Recording):
    """Operations inside are not recorded for differentiation."""

    _mode = False


class enable_grad(_Recording):
    """Operations inside are recorded, also within ``no_grad``."""

    _mode = True


class set_grad_enabled(_DecoratorContextManager):
    """Switches recording on or off at once; as a context manager, restores on leaving."""

    def __init__(self, mode: bool) -> None:
        self.prev = _native.is_grad_enabled()
        self.mode = mode
        _native._set_grad_enabled(mode)

    def __call__(self, orig_func):
        _native._set_grad_enabled(self.prev)
        return super().__call__(orig_func)

    def __enter__(self) -> None:
        _native._set_grad_enabled(self.mode)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        _native._set_grad_enabled(self.prev)

    def __str__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"

    __repr__ = __str__

    def clone(self):
        return type(self)(self.mode)


class inference_mode(_DecoratorContextManager):
    """``no_grad`` whose results can never enter a graph, which saves their bookkeeping."""

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __new__(cls, mode=True):
        if isinstance(mode, bool):
            return super().__new__(cls)
        return cls()(mode)

    def __enter__(self) -> None:
        self._guard = _native._InferenceMode(self.mode)
        self._guard.__enter__()

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        self._guard.__exit__(exc_type, exc_value, traceback)

    def clone(self):
        return type(self)(self.mode)
