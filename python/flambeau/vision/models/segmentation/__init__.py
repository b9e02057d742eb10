"""Networks that score every pixel."""

from .._lazy import weights_attribute
from .deeplabv3 import *  # noqa: F403
from .fcn import *  # noqa: F403

__getattr__ = weights_attribute(__name__)
