"""Padding and packing sequences, compared with PyTorch."""

import pytest

import flambeau

torch = pytest.importorskip("torch", reason="compares with PyTorch")


def run(module, program):
    rnn = module.nn.utils.rnn
    sequences = [module.arange(float(n)) + 1 for n in (3, 5, 2)]
    try:
        return repr(eval(program, {"torch": module, "rnn": rnn, "s": sequences}))
    except Exception as error:  # noqa: BLE001 - what is compared
        return type(error).__name__, str(error)


@pytest.mark.parametrize(
    "program",
    [
        "rnn.pad_sequence(s)", "rnn.pad_sequence(s, batch_first=True, padding_value=-1.0, padding_side='left')",
        "rnn.pack_sequence(s, enforce_sorted=False)", "rnn.pack_sequence(s)",
        "rnn.pad_packed_sequence(rnn.pack_sequence(s, enforce_sorted=False), batch_first=True, total_length=6)",
        "rnn.unpack_sequence(rnn.pack_sequence(s, enforce_sorted=False))",
        "rnn.pack_padded_sequence(torch.ones(4, 3, 2), [4, 2, 1]).batch_sizes",
        "rnn.pack_padded_sequence(torch.ones(4, 3, 2), [4, 0, 1])", "rnn.pack_padded_sequence(torch.ones(4, 3), [4, 1])",
    ],
)
def test_same_as_torch(program):
    assert run(flambeau, program) == run(torch, program)


def test_recurrent_layers_say_what_to_do_with_packed_sequences():
    packed = flambeau.nn.utils.rnn.pack_sequence([flambeau.ones(3, 2)])
    with pytest.raises(TypeError, match="unpack sequences"):
        flambeau.nn.LSTM(2, 4)(packed)
