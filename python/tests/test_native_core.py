"""The extension itself: calls, attributes, constructors, sharing, nodes and hooks."""

import copy
import pickle

import numpy as np
import pytest

from flambeau import _native
import flambeau as torch


def test_attributes_of_a_view():
    x = torch.ones(2, 3)
    y = x.transpose(0, 1)
    assert y.shape == (3, 2) and type(y.shape) is torch.Size
    assert y.stride() == (1, 3) and y.stride(-1) == 3 and y.size(0) == 3
    assert not y.is_contiguous() and x.is_contiguous()
    assert y.data_ptr() == x.data_ptr()
    assert y.untyped_storage() == x.untyped_storage()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: torch.cat(x), "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor"),
        (lambda x: torch.cat([x, 1]), "expected Tensor as element 1 in argument 0, but got int"),
        (lambda x: torch.ones(2.0), "ones(): argument 'size' (position 1) must be tuple of ints, not float"),
        (lambda x: torch.ones(2, foo=1), "ones() got an unexpected keyword argument 'foo'"),
        (lambda x: torch.transpose(x, 0), 'transpose() missing 1 required positional arguments: "dim1"'),
        (lambda x: torch.transpose(x, 0, True), "transpose(): argument 'dim1' (position 3) must be int, not bool"),
        (
            lambda x: x.view(2, "a"),
            "view(): argument 'size' failed to unpack the object at pos 2 with error \"type must be tuple of ints,but got str\"",
        ),
        (
            lambda x: x.view("a"),
            "view() received an invalid combination of arguments - got (str), but expected one of:\n"
            " * (torch.dtype dtype)\n      didn't match because some of the arguments have invalid types: (!str!)\n"
            " * (tuple of ints size)\n      didn't match because some of the arguments have invalid types: (!str!)\n",
        ),
        (lambda x: x.size(0, 1), "size() takes from 0 to 1 positional arguments but 2 were given"),
        (lambda x: _native.TensorBase.view(3, x), "descriptor 'view' for 'torch._C.TensorBase' objects doesn't apply to a 'int' object"),
    ],
)
def test_texts_of_type_errors(call, message):
    with pytest.raises(TypeError) as error:
        call(torch.ones(2, 3))
    assert str(error.value) == message


def test_sizes_may_be_given_one_by_one_or_as_a_tuple():
    x = torch.ones(2, 3)
    assert x.view(3, 2).shape == x.view((3, 2)).shape == x.view(torch.Size([3, 2])).shape == (3, 2)
    assert x.permute(1, 0).shape == x.permute([1, 0]).shape == (3, 2)


def test_out_is_written_and_returned():
    x, out = torch.ones(2, 3), torch.ones(4, 3)
    assert torch.cat([x, x], out=out) is out
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        torch.cat([x.requires_grad_(), x], out=out)


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        ([1, 2], torch.int64),
        ([1, 2.5], torch.float32),
        ([True, False], torch.bool),
        ([[1.0], [2.0]], torch.float32),
        (np.float64(2), torch.float64),
        ([np.float32(1), 2], torch.float32),
        (np.arange(3, dtype=np.int16), torch.int16),
        ([], torch.float32),
    ],
)
def test_tensor_infers_dtypes(data, dtype):
    t = torch.tensor(data)
    assert t.dtype is dtype
    assert t.tolist() == np.asarray(data).tolist()


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        ([[1, 2], [3]], ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
        (None, RuntimeError, "Could not infer dtype of NoneType"),
        ("a", TypeError, "new(): invalid data type 'str'"),
        ([[1, 2], 3], TypeError, "not a sequence"),
        (2**70, ValueError, "Overflow when unpacking long long"),
    ],
)
def test_tensor_refuses_data(data, kind, message):
    with pytest.raises(kind) as error:
        torch.tensor(data)
    assert str(error.value) == message


def test_numpy_shares_memory_both_ways():
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = torch.from_numpy(a.T)
    assert t.stride() == (1, 3)
    a[0, 1] = 10
    assert t.tolist()[1][0] == 10
    b = t.numpy()
    b[0, 0] = -1
    assert a[0, 0] == -1
    del a, t
    assert b[0, 0] == -1
    with pytest.raises(ValueError, match="negative strides"):
        torch.from_numpy(np.zeros(3)[::-1])


def test_dlpack_shares_memory_both_ways():
    t = torch.ones(2, 3)
    a = np.from_dlpack(t)
    assert a.ctypes.data == t.data_ptr() and a.shape == (2, 3)
    source = np.zeros((3, 2))
    back = _native.from_dlpack(source)
    assert back.data_ptr() == source.ctypes.data and back.dtype is torch.float64
    capsule = _native._to_dlpack(t)
    assert _native.from_dlpack(capsule).data_ptr() == t.data_ptr()
    with pytest.raises(RuntimeError, match="consumed only once"):
        _native.from_dlpack(capsule)


def test_a_tensor_is_always_shown_as_the_same_object():
    x = torch.ones(2, requires_grad=True)
    y = x.view(2, 1)
    torch.autograd.backward([y], [torch.ones(2, 1)])
    assert x.grad is x.grad
    x.grad.note = 1
    assert x.grad.note == 1
    assert x.requires_grad_() is x


def test_nodes_have_classes_of_their_own():
    x = torch.ones(2, 3, requires_grad=True)
    y = x.transpose(0, 1)
    assert type(y.grad_fn).__name__ == y.grad_fn.name() == "TransposeBackward0"
    assert y.grad_fn is y.grad_fn
    ((leaf, number),) = y.grad_fn.next_functions
    assert (type(leaf).__name__, number) == ("AccumulateGrad", 0) and leaf.variable is x


def test_hooks_see_and_replace_gradients():
    x = torch.ones(2, requires_grad=True)
    y = x.view(2)
    seen = []
    x._register_hook(lambda grad: seen.append(grad.tolist()))
    handle = y.grad_fn.register_hook(lambda inputs, outputs: seen.append("node"))
    torch.autograd.backward([y], [torch.ones(2)], retain_graph=True)
    handle.remove()
    torch.autograd.backward([y], [torch.ones(2)])
    assert seen == ["node", [1.0, 1.0], [1.0, 1.0]]


def test_an_exception_in_a_hook_comes_out_as_itself():
    class Own(Exception):
        pass

    def fail(grad):
        raise Own("from the hook")

    x = torch.ones(2, requires_grad=True)
    x._register_hook(fail)
    with pytest.raises(Own, match="from the hook"):
        torch.autograd.backward([x.view(2)], [torch.ones(2)])


def test_functions_written_in_python():
    class Flip(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, plain):
            ctx.save_for_backward(a)
            ctx.plain = plain
            return a.transpose(0, 1)

        @staticmethod
        def backward(ctx, grad):
            assert ctx.saved_tensors[0] is x and ctx.plain == 3 and ctx.needs_input_grad == (True, False)
            return grad.transpose(0, 1), None

    x = torch.ones(2, 3, requires_grad=True)
    y = Flip.apply(x, 3)
    assert type(y.grad_fn).__name__ == "FlipBackward" and y.grad_fn is y.grad_fn
    torch.autograd.backward([y], [torch.ones(3, 2)])
    assert x.grad.tolist() == [[1.0] * 3] * 2

    class Short(Flip):
        @staticmethod
        def backward(ctx, grad):
            return grad.transpose(0, 1)

    with pytest.raises(RuntimeError, match=r"returned an incorrect number of gradients \(expected 2, got 1\)"):
        torch.autograd.backward([Short.apply(x, 3)], [torch.ones(3, 2)])


def test_subscripts():
    x = torch.tensor(np.arange(24.0).reshape(2, 3, 4))
    a = np.arange(24.0).reshape(2, 3, 4)
    for index in [0, -1, (slice(None), 1), (..., 2), (None, 1), (0, slice(1, None, 2)), [0, 1], (0, [0, 2]), np.array([1, 0])]:
        assert x[index].tolist() == a[index].tolist(), index
    assert x[torch.tensor([True, False])].shape == (1, 3, 4)
    x[0, 1] = 5
    assert x[0, 1].tolist() == [5.0] * 4
    with pytest.raises(IndexError, match=r"only integers, slices .* \(got float\)"):
        x[1.0]
    with pytest.raises(TypeError, match="can't assign a list to a torch.DoubleTensor"):
        x[0] = [1]
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 2"):
        x[5]


def test_values_pickle_and_print_as_pytorchs():
    assert repr(torch.float32) == "torch.float32" and pickle.loads(pickle.dumps(torch.float32)) is torch.float32
    assert copy.deepcopy(torch.bfloat16) is torch.bfloat16
    device = torch.device("cuda:1")
    assert repr(device) == "device(type='cuda', index=1)" and pickle.loads(pickle.dumps(device)) == device
    size = torch.Size([2, 3])
    assert repr(size + (4,)) == "torch.Size([2, 3, 4])" and type(size[:1]) is torch.Size
    assert pickle.loads(pickle.dumps(size)) == size and size.numel() == 6
    assert repr(torch.finfo(torch.float32)).startswith("finfo(resolution=1e-06, min=-3.40282e+38")


def test_conversions_to_python_numbers():
    assert int(torch.tensor(2.7)) == 2 and float(torch.tensor(3)) == 3.0 and bool(torch.tensor([1]))
    assert [1, 2, 3][torch.tensor(1)] == 2
    with pytest.raises(RuntimeError, match="Boolean value of Tensor with more than one value is ambiguous"):
        bool(torch.ones(2))
    with pytest.raises(RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"):
        torch.ones(2).item()


def test_generators_keep_their_state():
    g = torch.Generator()
    assert g.initial_seed() == 67280421310721 and g.manual_seed(3) is g
    state = g.get_state()
    assert state.shape == (5056,) and g.clone_state().get_state().tolist() == state.tolist()


def test_dtypes_equal_pytorchs_of_the_same_name():
    theirs = pytest.importorskip("torch", reason="compares with PyTorch")
    assert torch.float32 == theirs.float32
    assert theirs.int64 == torch.int64
    assert torch.float32 != theirs.float64
    assert torch.float32 != "torch.float32"
    assert {torch.float32: 1}[torch.ones(1).dtype] == 1
