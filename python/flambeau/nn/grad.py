"""Gradients of convolutions with respect to one argument, computed on their own."""

from __future__ import annotations

from flambeau import _native
from flambeau.nn.modules.utils import _pair, _single, _triple

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _gradient(expand, grad_output, input, weight, stride, padding, dilation, groups, wanted):
    zeros = expand(0)
    return _native.convolution_backward(
        grad_output, input, weight, None, expand(stride), expand(padding), expand(dilation), False, zeros, groups, wanted
    )


def _input(expand, input_size, weight, grad_output, stride, padding, dilation, groups):
    empty = grad_output.new_empty(1).expand(input_size)  # only its shape is looked at
    wanted = (True, False, False)
    return _gradient(expand, grad_output, empty, weight, stride, padding, dilation, groups, wanted)[0]


def _weight(expand, input, weight_size, grad_output, stride, padding, dilation, groups):
    empty = grad_output.new_empty(1).expand(weight_size)
    wanted = (False, True, False)
    return _gradient(expand, grad_output, input, empty, stride, padding, dilation, groups, wanted)[1]


def conv1d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of ``conv1d`` with respect to its input."""
    return _input(_single, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of ``conv1d`` with respect to its weight."""
    return _weight(_single, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of ``conv2d`` with respect to its input."""
    return _input(_pair, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of ``conv2d`` with respect to its weight."""
    return _weight(_pair, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of ``conv3d`` with respect to its input."""
    return _input(_triple, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of ``conv3d`` with respect to its weight."""
    return _weight(_triple, input, weight_size, grad_output, stride, padding, dilation, groups)
