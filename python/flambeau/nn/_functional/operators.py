"""Operators that need nothing from Python; one that the extension lacks is absent here too."""

from flambeau import _native

__all__ = []
for _name in """
    adaptive_avg_pool1d avg_pool1d avg_pool2d avg_pool3d bilinear celu_ channel_shuffle conv1d conv2d conv3d conv_tbc
    conv_transpose1d conv_transpose2d conv_transpose3d cosine_similarity elu_ gelu hardshrink hardtanh_ leaky_relu_ linear
    native_channel_shuffle one_hot pairwise_distance pdist pixel_shuffle pixel_unshuffle prelu relu_ rrelu_
    scaled_dot_product_attention selu_ softplus softshrink threshold_
""".split():
    if hasattr(_native, _name):
        globals()[_name] = getattr(_native, _name)
        __all__.append(_name)
if hasattr(_native, "log_sigmoid"):
    logsigmoid = _native.log_sigmoid
    __all__.append("logsigmoid")
del _name
