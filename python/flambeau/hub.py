"""Downloads of code and weights, which this package refuses: it never goes to the network."""

from __future__ import annotations

import os
import re
from urllib.parse import urlparse  # also a name that libraries import from here

__all__ = ["download_url_to_file", "get_dir", "load", "load_state_dict_from_url", "set_dir"]

#: the hash in a file's name: ``resnet18-f37072fd.pth``
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")

_directory: str | None = None


def _get_torch_home() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.expanduser(os.environ.get("TORCH_HOME") or os.path.join(cache, "torch"))


def get_dir() -> str:
    """Where downloaded files would be kept."""
    return _directory or os.path.join(_get_torch_home(), "hub")


def set_dir(d: str | os.PathLike) -> None:
    """Sets where files are looked for."""
    global _directory
    _directory = os.path.expanduser(d)


def load(repo_or_dir, model, *args, source="github", **kwargs):
    """Runs the code of a repository in PyTorch; here it is refused."""
    raise RuntimeError(
        "hub.load() downloads and runs code from the network, which this package does not do. "
        "Build the model in your program and load a state dict from a file instead."
    )


def load_state_dict_from_url(
    url: str, model_dir: str | None = None, map_location=None, progress: bool = True, check_hash: bool = False,
    file_name: str | None = None, weights_only: bool = False,
):
    """Loads a state dict that is already in the cache; nothing is downloaded."""
    from flambeau.serialization import load as load_file

    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(model_dir or os.path.join(get_dir(), "checkpoints"), name)
    if not os.path.exists(path):
        raise RuntimeError(
            f"{path} does not exist, and this package does not download files. Fetch {url} yourself and put it there."
        )
    return load_file(path, map_location=map_location, weights_only=weights_only or None)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Refused."""
    raise RuntimeError(f"this package does not download files. Fetch {url} yourself and put it at {dst}.")
