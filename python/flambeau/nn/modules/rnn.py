"""Recurrent networks, unrolled step by step."""

from __future__ import annotations

import math
import numbers
import warnings

from flambeau import _native
from flambeau._tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn import init
from flambeau.nn.parameter import Parameter

from .module import Module

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell"]

#: mode -> number of gates
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _simple_step(nonlinearity):
    def step(gates_x, hidden, w_hh, b_hh):
        return nonlinearity(gates_x + F.linear(hidden, w_hh, b_hh))

    return step


def _gru_step(gates_x, hidden, w_hh, b_hh):
    reset_x, update_x, new_x = gates_x.chunk(3, -1)
    reset_h, update_h, new_h = F.linear(hidden, w_hh, b_hh).chunk(3, -1)
    update = (update_x + update_h).sigmoid()
    new = (new_x + (reset_x + reset_h).sigmoid() * new_h).tanh()
    return (hidden - new) * update + new


def _lstm_step(gates_x, hidden, cell, w_hh, b_hh):
    gates = gates_x + F.linear(hidden, w_hh, b_hh)
    enter, forget, new, out = gates.chunk(4, -1)
    cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
    return out.sigmoid() * cell.tanh(), cell


_STEPS = {"GRU": _gru_step, "RNN_TANH": _simple_step(lambda x: x.tanh()), "RNN_RELU": _simple_step(lambda x: x.relu())}


def _check_type(name: str, value, kind) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")


class RNNBase(Module):
    """What recurrent networks share: parameters of layers and directions, and the run over a sequence."""

    __constants__ = [
        "mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size",
    ]

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device=None,
        dtype=None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
                f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        _check_type("bias", bias, bool)
        _check_type("batch_first", batch_first, bool)
        for name, value in (("input_size", input_size), ("hidden_size", hidden_size)):
            _check_type(name, value, int)
            if value <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        gates = _GATES[mode] * hidden_size
        self._all_weights = []
        for layer in range(num_layers):
            width = input_size if layer == 0 else self._output_size * self._directions
            for suffix in ("", "_reverse")[: self._directions]:
                shapes = {f"weight_ih_l{layer}{suffix}": (gates, width)}
                shapes[f"weight_hh_l{layer}{suffix}"] = (gates, self._output_size)
                if bias:
                    shapes[f"bias_ih_l{layer}{suffix}"] = (gates,)
                    shapes[f"bias_hh_l{layer}{suffix}"] = (gates,)
                if proj_size > 0:
                    shapes[f"weight_hr_l{layer}{suffix}"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, name, Parameter(_native.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(list(shapes))
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _output_size(self) -> int:
        return self.proj_size if self.proj_size > 0 else self.hidden_size

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of every layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Accepted: the parameters need no particular place in memory."""

    def reset_parameters(self) -> None:
        """Draws all parameters anew, uniformly within 1/sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text

    # --- running ---------------------------------------------------------------------

    def _check_input(self, input: Tensor) -> None:
        weight = getattr(self, self._all_weights[0][0])
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _states(self, hx, batch: int, input: Tensor, is_batched: bool) -> list[Tensor]:
        """The initial states, one tensor (two for an LSTM) of (layers * directions, batch, size)."""
        count = self.num_layers * self._directions
        shapes = [(count, batch, self._output_size)]
        if self.mode == "LSTM":
            shapes.append((count, batch, self.hidden_size))
        if hx is None:
            return [_native.zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes]
        states = list(hx) if isinstance(hx, (tuple, list)) else [hx]
        rank = 3 if is_batched else 2
        if any(state.dim() != rank for state in states):
            kind = "batched 3-D" if is_batched else "unbatched 2-D"
            what = (
                f"hx and cx should also be {rank}-D but got ({states[0].dim()}-D, {states[-1].dim()}-D) tensors"
                if self.mode == "LSTM"
                else f"hx should also be {rank}-D but got {states[0].dim()}-D tensor"
            )
            raise RuntimeError(f"For {kind} input, {what}")
        if not is_batched:
            states = [state.unsqueeze(1) for state in states]
        for i, (state, shape) in enumerate(zip(states, shapes)):
            if state.size() != shape:
                name = f"hidden[{i}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {name} size {shape}, got {list(state.size())}")
        return states

    def _run_direction(self, sequence: Tensor, states: list[Tensor], names: list[str], reverse: bool):
        """(outputs of all steps, final states) of one layer in one direction."""
        weights = {name.split("_l")[0]: getattr(self, name) for name in names}
        w_hh, b_hh, w_hr = weights["weight_hh"], weights.get("bias_hh"), weights.get("weight_hr")
        gates = F.linear(sequence, weights["weight_ih"], weights.get("bias_ih"))
        steps = gates.unbind(0)
        outputs = []
        for gates_x in reversed(steps) if reverse else steps:
            if self.mode == "LSTM":
                hidden, cell = _lstm_step(gates_x, states[0], states[1], w_hh, b_hh)
                states = [hidden if w_hr is None else F.linear(hidden, w_hr), cell]
            else:
                states = [_STEPS[self.mode](gates_x, states[0], w_hh, b_hh)]
            outputs.append(states[0])
        return _native.stack(outputs[::-1] if reverse else outputs), states

    def forward(self, input: Tensor, hx=None):
        """(output of the last layer at every step, final states)."""
        if not isinstance(input, Tensor):
            raise TypeError(
                f"{self._get_name()} takes a tensor, not a {type(input).__name__}: unpack sequences with "
                "pad_packed_sequence, run, and mask what lies beyond their lengths"
            )
        if input.dim() not in (2, 3):
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        is_batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not is_batched:
            input = input.unsqueeze(batch_dim)
        self._check_input(input)
        sequence = input.transpose(0, 1) if self.batch_first else input
        if sequence.size(0) == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        states = self._states(hx, sequence.size(1), input, is_batched)
        finals: list[list[Tensor]] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(self._directions):
                index = layer * self._directions + direction
                output, last = self._run_direction(
                    sequence, [state[index] for state in states], self._all_weights[index], direction == 1
                )
                outputs.append(output)
                finals.append(last)
            sequence = outputs[0] if len(outputs) == 1 else _native.cat(outputs, -1)
            if self.dropout > 0 and layer + 1 < self.num_layers:
                sequence = F.dropout(sequence, self.dropout, self.training)
        output = sequence.transpose(0, 1) if self.batch_first else sequence
        hidden = tuple(_native.stack(column) for column in zip(*finals))
        if not is_batched:
            output = output.squeeze(batch_dim)
            hidden = tuple(state.squeeze(1) for state in hidden)
        return output, hidden if self.mode == "LSTM" else hidden[0]


class RNN(RNNBase):
    """Elman's network, with tanh or ReLU."""

    def __init__(self, *args, **kwargs) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:  # the fourth positional argument
            self.nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        modes = {"tanh": "RNN_TANH", "relu": "RNN_RELU"}
        if self.nonlinearity not in modes:
            raise ValueError(f"Unknown nonlinearity '{self.nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(modes[self.nonlinearity], *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), optionally with projections."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014)."""

    def __init__(self, *args, **kwargs) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """One step of a recurrent network."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device=None, dtype=None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        shapes = {"weight_ih": (gates, input_size), "weight_hh": (gates, hidden_size)}
        for name, shape in shapes.items():
            setattr(self, name, Parameter(_native.empty(shape, device=device, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            if bias:
                setattr(self, name, Parameter(_native.empty(gates, device=device, dtype=dtype)))
            else:
                self.register_parameter(name, None)
        self.reset_parameters()

    reset_parameters = RNNBase.reset_parameters

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _prepare(self, input: Tensor, states) -> tuple[Tensor, list[Tensor], bool]:
        if input.dim() not in (1, 2):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 1D or 2D, got {input.dim()}D instead"
            )
        is_batched = input.dim() == 2
        input = input if is_batched else input.unsqueeze(0)
        count = 2 if isinstance(self, LSTMCell) else 1
        if states is None:
            zeros = _native.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
            return input, [zeros] * count, is_batched
        states = list(states) if isinstance(states, (tuple, list)) else [states]
        for i, state in enumerate(states):
            if state.dim() not in (1, 2):
                name = f"hx[{i}]" if count == 2 else "hidden"
                raise ValueError(
                    f"{self._get_name()}: Expected {name} to be 1D or 2D, got {state.dim()}D instead"
                )
        return input, states if is_batched else [state.unsqueeze(0) for state in states], is_batched


class RNNCell(RNNCellBase):
    """One step of ``RNN``."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device=None, dtype=None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        input, (hidden,), is_batched = self._prepare(input, hx)
        step = _STEPS[f"RNN_{self.nonlinearity.upper()}"]
        hidden = step(F.linear(input, self.weight_ih, self.bias_ih), hidden, self.weight_hh, self.bias_hh)
        return hidden if is_batched else hidden.squeeze(0)


class LSTMCell(RNNCellBase):
    """One step of ``LSTM``."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        input, states, is_batched = self._prepare(input, hx)
        gates = F.linear(input, self.weight_ih, self.bias_ih)
        result = _lstm_step(gates, *states, self.weight_hh, self.bias_hh)
        return result if is_batched else tuple(state.squeeze(0) for state in result)


class GRUCell(RNNCellBase):
    """One step of ``GRU``."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype=None) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        input, (hidden,), is_batched = self._prepare(input, hx)
        gates = F.linear(input, self.weight_ih, self.bias_ih)
        hidden = _gru_step(gates, hidden, self.weight_hh, self.bias_hh)
        return hidden if is_batched else hidden.squeeze(0)
