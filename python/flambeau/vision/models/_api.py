"""How networks are asked for by name, and how their trained weights are found.

Weights are never downloaded: they are read from the folder where torchvision keeps its downloads
(``hub.get_dir()/checkpoints``), and an error says which file is missing from there and where it comes from.
"""

from __future__ import annotations

import dataclasses
import enum
import fnmatch
import functools
import sys
import warnings
from collections.abc import Callable, Iterable

from flambeau import nn

from . import _meta
from ._weights import WEIGHTS

__all__ = ["Weights", "WeightsEnum", "get_model", "get_model_builder", "get_model_weights", "get_weight", "list_models"]

_DOWNLOADS = "https://download.pytorch.org/models/"
#: builders by their names
_BUILDERS: dict[str, Callable[..., nn.Module]] = {}


@dataclasses.dataclass(frozen=True)
class Weights:
    """One set of trained weights: where it comes from, how its images are prepared, what its outputs mean."""

    url: str
    transforms: Callable
    kind: str

    @property
    def meta(self) -> dict:
        """``"categories"``: the names of the classes, or ``None``."""
        names = _meta.categories(self.kind)
        return {"categories": None if names is None else list(names)}


class WeightsEnum(enum.Enum):
    """The sets of trained weights of one network."""

    @classmethod
    def verify(cls, obj):
        """The member that is meant by a member, by its name, or by ``None``."""
        if isinstance(obj, str):
            return cls[obj.replace(cls.__name__ + ".", "")]
        if obj is not None and not isinstance(obj, cls):
            raise TypeError(
                f"Invalid Weight class provided; expected {cls.__name__} but received {obj.__class__.__name__}."
            )
        return obj

    def get_state_dict(self, *args, progress: bool = True, check_hash: bool = False, **kwargs):
        """Reads the weights from the folder of downloads; nothing is downloaded."""
        from flambeau.hub import load_state_dict_from_url

        return load_state_dict_from_url(self.url, *args, progress=progress, check_hash=check_hash, **kwargs)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}.{self._name_}"

    def __reduce_ex__(self, protocol):
        return get_weight, (repr(self),)

    @property
    def url(self) -> str:
        return self.value.url

    @property
    def transforms(self) -> Callable:
        return self.value.transforms

    @property
    def meta(self) -> dict:
        return self.value.meta


def _transforms(kind: str, options: dict):
    """Makes the preparation of images that a set of weights wants."""

    def make(**overrides):
        from flambeau.vision.transforms import _presets

        preset = _presets.SemanticSegmentation if kind == "segments" else _presets.ImageClassification
        return preset(**{**options, **overrides})

    return make


@functools.cache
def weights_enum(name: str) -> type[WeightsEnum]:
    """The enum of this name, from the table of weights."""
    members, default = {}, None
    for member, file, kind, options in WEIGHTS[name]:
        members[member] = Weights(_DOWNLOADS + file, _transforms(kind, options), kind)
        default = member  # the last one is the best
    members["DEFAULT"] = members[default]
    return WeightsEnum(name, members, module=__package__)


def builder(name: str, make: Callable[..., nn.Module], weights_name: str | None = None) -> Callable[..., nn.Module]:
    """Registers ``make(**options)`` as the builder of this name, with torchvision's arguments ``weights`` and
    ``progress`` before the network's own.

    A network without ``weights_name`` has no published weights.
    """

    def build(*, weights=None, progress: bool = True, **options) -> nn.Module:
        weights = _chosen(name, weights_name, weights, options)
        categories = None if weights is None else weights.meta["categories"]
        if categories is not None:
            _agree(options, "num_classes", len(categories))
        model = make(**options)
        if weights is not None:
            model.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
        return model

    described = make.func if isinstance(make, functools.partial) else make
    return register(name, build, described.__doc__)


def _chosen(name: str, weights_name: str | None, weights, options: dict):
    """Which weights are meant, by ``weights`` or by the older ``pretrained``."""
    if "pretrained" in options:
        warnings.warn(
            "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the future, "
            "please use 'weights' instead."
        )
        weights = ("IMAGENET1K_V1" if weights_name else "DEFAULT") if options.pop("pretrained") else None
    if weights is None:
        return None
    if weights_name is None:
        raise ValueError(
            f"No weights available for model {name}: build it with weights=None and load a state dict of your own"
        )
    return weights_enum(weights_name).verify(weights)


def _agree(options: dict, name: str, expected) -> None:
    """Sets an option that the weights decide, unless the caller gave another value."""
    if options.setdefault(name, expected) != expected:
        raise ValueError(f"The parameter '{name}' expected value {expected} but got {options[name]} instead.")


def register(name: str, build: Callable[..., nn.Module], doc: str | None) -> Callable[..., nn.Module]:
    """Gives a builder its name, as if it had been defined where it is assigned."""
    build.__name__ = build.__qualname__ = name
    build.__module__ = sys._getframe(2).f_globals["__name__"]
    build.__doc__ = doc
    if name in _BUILDERS:
        raise ValueError(f"An entry is already registered under the name '{name}'.")
    _BUILDERS[name] = build
    return build


def list_models(module=None, include: Iterable[str] | str | None = None, exclude: Iterable[str] | str | None = None) -> list[str]:
    """The names of the networks, in order; ``include`` and ``exclude`` are shell patterns."""

    def matching(patterns) -> set[str]:
        patterns = [patterns] if isinstance(patterns, str) else patterns
        return {name for pattern in patterns for name in fnmatch.filter(names, pattern)}

    names = {
        name for name, build in _BUILDERS.items()
        if module is None or build.__module__.rsplit(".", 1)[0] == module.__name__
    }
    chosen = matching(include) if include else set(names)
    return sorted(chosen - matching(exclude) if exclude else chosen)


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """The function that builds the network of this name."""
    try:
        return _BUILDERS[name.lower()]
    except KeyError:
        raise ValueError(f"Unknown model {name.lower()}") from None


def get_model(name: str, **config) -> nn.Module:
    """Builds the network of this name."""
    return get_model_builder(name)(**config)


def get_weight(name: str) -> WeightsEnum:
    """The weights of a full name such as ``"ResNet50_Weights.IMAGENET1K_V1"``."""
    enum_name, dot, member = name.partition(".")
    if not dot or "." in member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    if enum_name not in WEIGHTS:
        raise ValueError(f"The weight enum '{enum_name}' for the specific method couldn't be retrieved.")
    return weights_enum(enum_name)[member]


def get_model_weights(name: Callable | str) -> type[WeightsEnum]:
    """The enum of a network's weights."""
    name = (name if isinstance(name, str) else name.__name__).lower()
    get_model_builder(name)
    for enum_name in WEIGHTS:
        if enum_name.removesuffix("_Weights").lower() == name:
            return weights_enum(enum_name)
    raise ValueError(f"No weights available for model {name}")
