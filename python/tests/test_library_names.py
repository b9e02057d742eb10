"""Names that libraries written for PyTorch touch while they are imported."""

import importlib

import flambeau as torch
import pytest


def test_wrap_marks_nothing():
    assert torch.fx.wrap(len) is len
    assert torch.fx.wrap("len") == "len"
    with pytest.raises(RuntimeError, match="callable or string"):
        torch.fx.wrap(3)
    with pytest.raises(AttributeError, match="traces no programs"):
        torch.fx.symbolic_trace


def test_there_is_one_process():
    assert torch.distributed.is_available() is False
    with pytest.raises(AttributeError, match="one process"):
        torch.distributed.init_process_group


def test_hashes_in_names_of_files():
    assert torch.hub.HASH_REGEX.search("resnet18-f37072fd.pth").group(1) == "f37072fd"
    assert torch.hub.urlparse("https://a.b/c.pth").path == "/c.pth"


def test_annotations_are_those_of_typing():
    annotations = importlib.import_module("flambeau.jit.annotations")
    assert annotations.List[int] == __import__("typing").List[int]
