"""Finding the operation whose gradient went wrong."""

import warnings

from flambeau import _native

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switches anomaly detection on or off at once; as a context manager, restores on leaving."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev = _native.is_anomaly_enabled()
        self.prev_check_nan = _native.is_anomaly_check_nan_enabled()
        _native.set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        _native.set_anomaly_enabled(self.prev, self.prev_check_nan)


class detect_anomaly:
    """Inside, a NaN in a backward pass raises, and errors show the forward call at fault."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self.prev = _native.is_anomaly_enabled()
        self.prev_check_nan = _native.is_anomaly_check_nan_enabled()
        _native.set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *args: object) -> None:
        _native.set_anomaly_enabled(self.prev, self.prev_check_nan)
