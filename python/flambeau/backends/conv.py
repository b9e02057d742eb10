"""The convolutions of this library: what the planner decides, and the switches that it obeys.

``allow_winograd`` (default True)
    Whether Winograd's algorithms may be chosen. They need up to four times fewer multiplications, and lose a digit
    or so of precision to it.

``deterministic`` (always True)
    Results never depend on the number of threads, nor on anything else but the operands and the algorithm. Setting it
    to False is accepted, as scripts do, and changes nothing: it still reads as True.

``benchmark`` (default False)
    If True, the first call of a geometry times the algorithms that apply, on the operands of that call, and the
    fastest is remembered. Two algorithms round differently, so that another process, in which another one wins, may
    get other last digits; a file of plans keeps the choice.

    ``FLAMBEAU_PLANS=FILE`` in the environment names such a file. Its plans are followed from the start, whether
    ``benchmark`` is set or not, and what is measured is added to it. A file that is damaged, or was made on another
    machine or by another version, is ignored with a warning.

Whatever is changed, plans that were made before are forgotten.
"""

import contextlib
import sys
import types

from flambeau import _native

__all__ = ["Explanation", "explain", "flags", "set_flags"]


class Explanation:
    """How a convolution is done. ``str`` of it is the text; its facts are attributes, and :meth:`as_dict` has them all.

    ``algorithm``, ``why`` and ``reason`` (of the choice); ``flops`` by the definition and ``bytes`` that must move at
    least; ``intensity``, the quotient of the two; ``scratch`` in bytes; ``expected``, a share of the peak of
    multiply-adds; ``measured``, whether it was chosen by timing; ``others``, the algorithms that apply besides; shapes.
    """

    def __init__(self, text, facts):
        self._text = text
        self._facts = facts

    def __getattr__(self, name):
        if not name.startswith("_") and name in self._facts:
            return self._facts[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __dir__(self):
        return [*super().__dir__(), *self._facts]

    def __str__(self):
        return self._text

    def __repr__(self):
        return f"<{type(self).__name__}: {self.direction} {self.input_shape} * {self.weight_shape} by {self.algorithm}>"

    def as_dict(self):
        """All facts by name."""
        return {name: list(value) if isinstance(value, list) else value for name, value in self._facts.items()}


def explain(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, direction="forward"):
    """How ``conv1d``, ``conv2d`` or ``conv3d`` of these tensors is done; nothing is computed.

    The arguments are those of :func:`torch.nn.functional.conv2d`, and so are the errors. ``direction`` is
    ``'forward'``, ``'data_gradient'`` or ``'weight_gradient'``.
    """
    sizes = (_numbers(stride), padding if isinstance(padding, str) else _numbers(padding), _numbers(dilation), groups)
    return Explanation(*_native._explain_convolution((input, weight, bias), sizes, direction))


def _numbers(value):
    return [value] if isinstance(value, int) else list(value)


def set_flags(_allow_winograd=None, _deterministic=None, _benchmark=None):
    """Sets some of the switches and returns what they were: ``(allow_winograd, deterministic, benchmark)``."""
    _check(_deterministic, "deterministic")
    allow_winograd, benchmark = _native._get_conv_settings()
    _native._set_conv_settings(
        allow_winograd=_check(_allow_winograd, "allow_winograd"), benchmark=_check(_benchmark, "benchmark")
    )
    return allow_winograd, True, benchmark


@contextlib.contextmanager
def flags(allow_winograd=None, deterministic=None, benchmark=None):
    """Sets the switches within a block; those that are not given stay as they are."""
    before = set_flags(allow_winograd, deterministic, benchmark)
    try:
        yield
    finally:
        set_flags(*before)


def _check(value, name):
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"torch.backends.conv.{name} must be a bool, not {type(value).__name__}")
    return value


def _switch(name, get):
    def set(_module, value):
        if value is None:
            raise TypeError(f"torch.backends.conv.{name} must be a bool, not NoneType")
        set_flags(**{f"_{name}": value})

    return property(get, set)


class _Switches(types.ModuleType):
    """This module, whose switches are read from and written to the planner."""

    allow_winograd = _switch("allow_winograd", lambda _module: _native._get_conv_settings()[0])
    deterministic = _switch("deterministic", lambda _module: True)
    benchmark = _switch("benchmark", lambda _module: _native._get_conv_settings()[1])


sys.modules[__name__].__class__ = _Switches
