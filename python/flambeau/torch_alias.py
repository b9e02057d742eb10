"""Making ``import torch`` mean flambeau, and ``import torchvision`` its ``vision``, so that scripts written for PyTorch run
unmodified.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator

from flambeau import version as _version

__all__ = ["aliased", "install", "uninstall"]

_OWN_VERSION = _version.__version__

#: what stands in for each package
_ALIASES = {"torch": "flambeau", "torchvision": "flambeau.vision"}


def _package(fullname: str) -> str:
    return fullname.partition(".")[0]


class _AliasLoader(importlib.abc.Loader):
    """Loads ``torch.x`` by importing ``flambeau.x`` and giving out the same module."""

    def __init__(self, own_name: str) -> None:
        self.own_name = own_name

    def create_module(self, spec):
        try:
            self.module = importlib.import_module(self.own_name)
        except ModuleNotFoundError as error:
            if error.name == self.own_name:
                raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name) from None
            raise
        self.kept = {name: getattr(self.module, name, None) for name in ("__spec__", "__loader__", "__package__")}
        return self.module

    def exec_module(self, module) -> None:
        for name, value in self.kept.items():  # the import system has written the alias's values
            setattr(module, name, value)

    # what runpy and inspect want of a loader
    def get_code(self, fullname):
        spec = importlib.util.find_spec(self.own_name)
        return spec.loader.get_code(self.own_name) if spec and hasattr(spec.loader, "get_code") else None

    def get_source(self, fullname):
        spec = importlib.util.find_spec(self.own_name)
        return spec.loader.get_source(self.own_name) if spec and hasattr(spec.loader, "get_source") else None

    def is_package(self, fullname) -> bool:
        spec = importlib.util.find_spec(self.own_name)
        return bool(spec and spec.submodule_search_locations is not None)


class _AliasFinder(importlib.abc.MetaPathFinder):
    """Finds every module under ``torch`` and ``torchvision`` in flambeau."""

    def find_spec(self, fullname, path=None, target=None):
        package = _package(fullname)
        if package not in _ALIASES:
            return None
        own_name = _ALIASES[package] + fullname[len(package):]
        try:
            own = importlib.util.find_spec(own_name)
        except (ModuleNotFoundError, ValueError):
            own = None
        if own is None and own_name not in sys.modules:
            raise ModuleNotFoundError(
                f"No module named {fullname!r} (flambeau stands in for {package} and has no {own_name!r})", name=fullname
            )
        return importlib.machinery.ModuleSpec(
            fullname, _AliasLoader(own_name), origin=own_name,
            is_package=bool(own and own.submodule_search_locations is not None),
        )


_finder = _AliasFinder()


def _show_version(text: str) -> None:
    """A program that looks at ``torch.__version__`` wants to know which interface it meets."""
    import flambeau

    flambeau.__version__ = _version.__version__ = text


def install() -> None:
    """From now on, ``import torch`` and ``import torch.anything`` give flambeau, with the version it follows, and
    ``import torchvision`` its ``vision``."""
    if _finder in sys.meta_path:
        return
    for name, own_name in _ALIASES.items():
        loaded = sys.modules.get(name)
        if loaded is not None and getattr(loaded, "__name__", None) != own_name:
            raise RuntimeError(f"{name} has been imported already; call torch_alias.install() before it is")
    sys.meta_path.insert(0, _finder)
    _show_version(f"{_version.torch_version}+flambeau.{_OWN_VERSION}")


def uninstall() -> None:
    """Undoes ``install``; names already imported keep their meaning."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
        _show_version(_OWN_VERSION)
    for name in [name for name in sys.modules if _package(name) in _ALIASES]:
        if getattr(sys.modules[name], "__name__", "").split(".")[0] == "flambeau":
            del sys.modules[name]


@contextlib.contextmanager
def aliased() -> Iterator[None]:
    """``install`` for the duration of a block."""
    install()
    try:
        yield
    finally:
        uninstall()
