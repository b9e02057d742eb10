"""flambeau: PyTorch's convolution system in Rust, with PyTorch's own Python interface.

``import flambeau as torch`` is the intended spelling.  Compute, tensors and the
autograd engine live in the Rust extension ``flambeau._native``; the modules of
this package are the thin Python part: layers, optimisers, data loading, files.

Subpackages are imported on first use, so that importing flambeau stays cheap.
"""

import importlib as _importlib
import math as _math
from typing import TYPE_CHECKING as _TYPE_CHECKING

from flambeau import _native
from flambeau._native import *  # noqa: F403 - the operators, dtypes and types
from flambeau.version import __version__

# The extension is flat; these functions are reached through ``nn.functional`` only.
_ONLY_IN_NN = frozenset(
    """
    adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d avg_pool2d avg_pool3d
    binary_cross_entropy col2im conv_depthwise3d cross_entropy_loss elu elu_ fractional_max_pool2d
    fractional_max_pool3d gelu gelu_ glu hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh hardtanh_
    huber_loss im2col l1_loss leaky_relu leaky_relu_ linear log_sigmoid max_pool2d_with_indices
    max_pool3d_with_indices max_unpool2d max_unpool3d mish mish_ mse_loss multi_margin_loss
    multilabel_margin_loss nll_loss nll_loss2d nll_loss_nd one_hot pad pad_sequence reflection_pad1d
    reflection_pad2d reflection_pad3d relu6 relu6_ replication_pad1d replication_pad2d replication_pad3d
    rrelu_with_noise rrelu_with_noise_ scaled_dot_product_attention silu silu_ slow_conv3d
    slow_conv_dilated2d slow_conv_dilated3d slow_conv_transpose2d slow_conv_transpose3d smooth_l1_loss
    soft_margin_loss softplus softshrink thnn_conv2d unique_dim upsample_bicubic2d upsample_bilinear2d
    upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
    TensorBase
    """.split()
)
for _name in _ONLY_IN_NN & globals().keys():
    del globals()[_name]

e, pi, inf, nan = _math.e, _math.pi, _math.inf, _math.nan
newaxis = None

for _alias, _dtype in {
    "float": "float32", "double": "float64", "half": "float16", "short": "int16", "int": "int32", "long": "int64",
    "cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32",
}.items():
    if _dtype in globals():
        globals()[_alias] = globals()[_dtype]

from flambeau import _errors as _errors  # noqa: E402, F401
from flambeau._tensor import Tensor  # noqa: E402
from flambeau._legacy_types import *  # noqa: E402, F403
from flambeau.autograd.grad_mode import (  # noqa: E402
    enable_grad, inference_mode, no_grad, set_grad_enabled,
)
from flambeau.functional import *  # noqa: E402, F403
from flambeau._runtime import *  # noqa: E402, F403
from flambeau.random import (  # noqa: E402
    get_rng_state, initial_seed, manual_seed, seed, set_rng_state,
)
from flambeau.serialization import from_file, load, save  # noqa: E402
from flambeau.storage import TypedStorage, UntypedStorage, is_storage  # noqa: E402

if _TYPE_CHECKING:  # what __getattr__ below finds
    from flambeau import (
        amp, autograd, backends, compiler, cuda, distributed, func, functional, fx, hub, jit, linalg, multiprocessing, nn, onnx,
        optim, profiler, random, serialization, special, storage, testing, torch_alias, trainer, types, utils, version, vision,
    )
    from flambeau.amp import autocast
    from flambeau.func import vmap

#: subpackages and modules that are imported when first touched
_LAZY = frozenset(
    "_C amp autograd backends compiler cuda distributed func functional fx hub jit linalg multiprocessing nn onnx optim "
    "profiler random serialization special storage testing torch_alias trainer types utils version vision".split()
)
_LAZY_NAMES = {"autocast": "flambeau.amp", "vmap": "flambeau.func"}


def __getattr__(name):
    if name in _LAZY:
        try:
            return _importlib.import_module(f"flambeau.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"flambeau.{name}":
                raise
    elif name in _LAZY_NAMES:
        value = getattr(_importlib.import_module(_LAZY_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__():
    return sorted(set(globals()) | _LAZY | _LAZY_NAMES.keys())


del _name, _alias, _dtype
