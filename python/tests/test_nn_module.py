"""Module: registration, hooks, state dicts, text."""

import copy
import pickle
from collections import OrderedDict

import flambeau as torch
import pytest
from flambeau import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.bn = nn.BatchNorm2d(3)
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(self.bn(self.conv(x)).relu().mean((2, 3)))


def test_members_are_listed_in_order_of_assignment():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == [
        "conv.weight", "conv.bias", "bn.weight", "bn.bias", "fc.weight", "fc.bias",
    ]
    assert [n for n, _ in net.named_buffers()] == ["bn.running_mean", "bn.running_var", "bn.num_batches_tracked"]
    assert [n for n, _ in net.named_modules()] == ["", "conv", "bn", "fc"]
    assert sum(p.numel() for p in net.parameters()) == 2 * 3 * 9 + 3 + 6 + 8


def test_repr_shows_the_tree():
    assert repr(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))) == (
        "Sequential(\n  (0): Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))\n  (1): ReLU(inplace=True)\n)"
    )
    assert repr(nn.ModuleList([nn.Linear(1, 1)] * 3)) == (
        "ModuleList(\n  (0-2): 3 x Linear(in_features=1, out_features=1, bias=True)\n)"
    )


@pytest.mark.parametrize(
    ("assign", "error", "text"),
    [
        (lambda m: setattr(m, "weight", torch.ones(2)), TypeError,
         "cannot assign 'torch.FloatTensor' as parameter 'weight' (torch.nn.Parameter or None expected)"),
        (lambda m: m.register_buffer("a.b", None), KeyError, 'buffer name can\'t contain "."'),
        (lambda m: m.register_parameter("weight2", torch.ones(1)), TypeError,
         "cannot assign 'torch.FloatTensor' object to parameter 'weight2' (torch.nn.Parameter or None required)"),
        (lambda m: m.add_module("forward", nn.ReLU()), KeyError, "attribute 'forward' already exists"),
        (lambda m: m.get_submodule("nothing"), AttributeError, "Linear has no attribute `nothing`"),
        (lambda m: m.train(1), ValueError, "training mode is expected to be boolean"),
        (lambda m: m.nothing, AttributeError, "'Linear' object has no attribute 'nothing'"),
    ],
)
def test_mistakes_are_named(assign, error, text):
    with pytest.raises(error) as caught:
        assign(nn.Linear(2, 2))
    assert caught.value.args[0] == text


def test_parameters_before_init_are_refused():
    class Early(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(torch.ones(1))

    with pytest.raises(AttributeError, match="cannot assign parameters before"):
        Early()


def test_load_state_dict_reports_everything_at_once():
    net = Net()
    state = net.state_dict()
    del state["fc.bias"]
    state["fc.weight"] = torch.zeros(5, 3)
    state["other"] = torch.zeros(1)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Net:\n"
        '\tMissing key(s) in state_dict: "fc.bias". \n'
        '\tUnexpected key(s) in state_dict: "other". \n'
        "\tsize mismatch for fc.weight: copying a param with shape torch.Size([5, 3]) from checkpoint, the shape in current "
        "model is torch.Size([2, 3])."
    )


def test_state_dict_shares_memory_and_round_trips():
    net, other = Net(), Net()
    result = other.load_state_dict(net.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    for a, b in zip(net.parameters(), other.parameters()):
        assert torch.equal(a, b)
        assert a.data_ptr() != b.data_ptr()
    net.state_dict()["fc.weight"].zero_()
    assert net.fc.weight.abs().sum() == 0


def test_old_batch_norm_checkpoints_lack_the_counter():
    bn = nn.BatchNorm2d(2)
    state = {k: v for k, v in bn.state_dict().items() if k != "num_batches_tracked"}
    bn.load_state_dict(state)  # a plain dict has no version: it counts as the oldest
    kept = OrderedDict(state)
    kept._metadata = {"": {"version": 2}}
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        bn.load_state_dict(kept)


def test_conversion_keeps_the_parameter_objects():
    net = Net()
    weight = net.fc.weight
    net.double()
    assert net.fc.weight is weight
    assert weight.dtype == torch.float64
    assert net.bn.num_batches_tracked.dtype == torch.int64
    with pytest.raises(TypeError, match="only accepts floating point or complex dtypes"):
        net.to(torch.int64)


def test_forward_hooks_run_in_order_and_can_be_removed():
    log = []
    module = nn.ReLU()
    first = module.register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    second = module.register_forward_hook(lambda m, args, out: log.append(out.sum().item()))
    assert module(torch.zeros(2)).tolist() == [1.0, 1.0]
    first.remove()
    assert module(torch.zeros(2)).tolist() == [0.0, 0.0]
    second.remove()
    module(torch.zeros(2))
    assert log == [2.0, 0.0]


def test_full_backward_hook_sees_and_replaces_gradients():
    module = nn.Linear(2, 2)
    seen = []

    def hook(m, grad_input, grad_output):
        seen.append((tuple(grad_input[0].shape), tuple(grad_output[0].shape)))
        return (grad_input[0] * 0,)

    handle = module.register_full_backward_hook(hook)
    x = torch.ones(3, 2, requires_grad=True)
    module(x).sum().backward()
    assert seen == [((3, 2), (3, 2))]
    assert x.grad.abs().sum() == 0
    handle.remove()
    module(x).sum().backward()
    assert len(seen) == 1


def test_lazy_modules_learn_their_shape():
    module = nn.LazyConv2d(4, 3)
    assert module.has_uninitialized_params()
    with pytest.raises(ValueError, match="uninitialized parameter"):
        module.weight + 1
    module(torch.zeros(1, 2, 5, 5))
    assert type(module) is nn.Conv2d
    assert tuple(module.weight.shape) == (4, 2, 3, 3)


def test_copies_are_independent():
    net = Net()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(twin.fc.weight, net.fc.weight)
        with torch.no_grad():
            twin.fc.weight.zero_()
        assert net.fc.weight.abs().sum() > 0


def test_containers_keep_their_numbering():
    module = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    del module[0]
    module.append(nn.ELU()).insert(0, nn.Identity())
    assert [type(m).__name__ for m in module] == ["Identity", "Tanh", "Sigmoid", "ELU"]
    assert list(dict(module.named_children())) == ["0", "1", "2", "3"]
    with pytest.raises(IndexError, match="index 4 is out of range"):
        module[4]


def test_functional_call_leaves_the_module_alone():
    module = nn.Linear(2, 1)
    before = module.weight.clone()
    out = torch.func.functional_call(module, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, torch.ones(1, 2))
    assert out.item() == 2.0
    assert torch.equal(module.weight, before)
