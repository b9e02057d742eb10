"""Special functions, as far as the extension has them."""

from flambeau import _native

_ALIASES = {
    "digamma": "digamma", "erf": "erf", "erfc": "erfc", "erfinv": "erfinv", "exp2": "exp2", "expit": "sigmoid",
    "expm1": "expm1", "gammaln": "lgamma", "i0": "i0", "log1p": "log1p", "log_softmax": "log_softmax", "logit": "logit",
    "logsumexp": "logsumexp", "multigammaln": "mvlgamma", "polygamma": "polygamma", "psi": "digamma", "round": "round",
    "sinc": "sinc", "softmax": "softmax", "xlogy": "xlogy",
}
__all__ = []
for _name in dir(_native):
    if _name.startswith("special_"):
        globals()[_name[len("special_"):]] = getattr(_native, _name)
        __all__.append(_name[len("special_"):])
for _name, _target in _ALIASES.items():
    if _name not in globals() and hasattr(_native, _target):
        globals()[_name] = getattr(_native, _target)
        __all__.append(_name)
