"""Weights by address: those that lie in the cache already (see ``flambeau.hub``)."""

from flambeau.hub import load_state_dict_from_url

__all__ = ["load_url"]

load_url = load_state_dict_from_url
