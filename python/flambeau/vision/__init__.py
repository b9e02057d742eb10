"""Computer vision: ready networks (``models``), published sets and folders of images (``datasets``), preparation of images
(``transforms``), blocks (``ops``), pictures in files (``io``, ``utils``).

Names, arguments, numbers and state-dict keys are torchvision's; a program run by ``python -m flambeau`` finds this
package as ``torchvision``.
"""

import importlib as _importlib

from flambeau.version import __version__

_LAZY = ("datasets", "io", "models", "ops", "transforms", "utils")


def __getattr__(name):
    if name in _LAZY:
        return _importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module '{__name__}' has no attribute '{name}': flambeau.vision stands in for torchvision and has "
        f"{', '.join(_LAZY)}"
    )


def __dir__():
    return sorted(set(globals()) | set(_LAZY))
