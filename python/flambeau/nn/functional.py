"""Functional forms of the layers: checks and conventions around the extension's operators."""

import types as _types

from flambeau.nn._functional import (
    activation, dropout as _dropout, embedding as _embedding, loss, normalization, operators, pooling, resampling,
)

for _module in (operators, activation, _dropout, _embedding, loss, normalization, pooling, resampling):
    for _name, _value in vars(_module).items():
        if isinstance(_value, _types.FunctionType) and _value.__module__ == _module.__name__:
            _value.__module__ = __name__  # pickles know functions by where they are public
            globals()[_name] = _value
for _name in operators.__all__:
    globals()[_name] = getattr(operators, _name)
GRID_SAMPLE_INTERPOLATION_MODES = resampling.GRID_SAMPLE_INTERPOLATION_MODES
GRID_SAMPLE_PADDING_MODES = resampling.GRID_SAMPLE_PADDING_MODES
del _module, _name, _value, _types, _dropout, _embedding, activation, loss, normalization, operators, pooling, resampling


def __getattr__(name):
    if name in ("multi_head_attention_forward", "_canonical_mask", "_none_or_dtype"):
        from flambeau.nn import _attention

        value = getattr(_attention, name)
        globals()[name] = value
        return value
    if name == "grad":
        from flambeau.nn import grad

        return grad
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
