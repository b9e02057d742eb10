"""``SummaryWriter``: a run's numbers, pictures, texts and histograms for TensorBoard."""

from __future__ import annotations

import os
import socket
import time
from datetime import datetime
from typing import Any, NoReturn, Optional

import flambeau

from . import _message as message
from . import _summary as summary
from ._event_file import EventFile

__all__ = ["FileWriter", "SummaryWriter"]


class FileWriter:
    """An event file in a folder.  ``max_queue`` and ``flush_secs`` are taken and not needed: every event is written
    when it is added."""

    def __init__(self, log_dir, max_queue: int = 10, flush_secs: int = 120, filename_suffix: str = "") -> None:
        self._log_dir, self._suffix = os.fspath(log_dir), filename_suffix
        self._file: Optional[EventFile] = EventFile(self._log_dir, filename_suffix)

    def get_logdir(self) -> str:
        return self._log_dir

    def add_event(self, event: bytes, step: Optional[int] = None, walltime: Optional[float] = None) -> None:
        """Adds an event: its encoded fields but its time and its step."""
        if self._file is None:
            self.reopen()
        self._file.write(event, step, walltime)

    def add_summary(self, summary: bytes, global_step: Optional[int] = None, walltime: Optional[float] = None) -> None:
        """Adds an encoded ``Summary``."""
        self.add_event(message.binary(5, summary), global_step, walltime)

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def reopen(self) -> None:
        """Begins another file after :meth:`close`."""
        if self._file is None:
            self._file = EventFile(self._log_dir, self._suffix)


class SummaryWriter:
    """Writes what ``tensorboard --logdir`` shows.

    ``log_dir`` is by default ``runs/`` with the time, the machine's name and ``comment``.  After ``purge_step``,
    TensorBoard forgets what an earlier file of the same folder says about that step and later ones.  Every call is in
    the file when it returns, whatever ``max_queue`` and ``flush_secs`` say: a program that is killed loses nothing.
    """

    def __init__(
        self, log_dir=None, comment: str = "", purge_step: Optional[int] = None, max_queue: int = 10,
        flush_secs: int = 120, filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = datetime.now().strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self.purge_step, self.max_queue, self.flush_secs = purge_step, max_queue, flush_secs
        self.filename_suffix = filename_suffix
        self.default_bins = summary.default_limits()
        self.file_writer: Optional[FileWriter] = None
        self.all_writers: Optional[dict[str, FileWriter]] = None
        self._get_file_writer()

    def _get_file_writer(self) -> FileWriter:
        """The writer of ``log_dir``, made again if it was closed."""
        if self.file_writer is None or self.all_writers is None:
            self.file_writer = self._new_writer(self.log_dir)
            self.all_writers = {self.log_dir: self.file_writer}
            if self.purge_step is not None:
                self.file_writer.add_event(message.binary(3, "brain.Event:2"), self.purge_step)
                # A session log that says START.
                self.file_writer.add_event(message.binary(7, message.integer(1, 1)), self.purge_step)
                self.purge_step = None
        return self.file_writer

    def _new_writer(self, folder: str) -> FileWriter:
        return FileWriter(folder, self.max_queue, self.flush_secs, self.filename_suffix)

    def get_logdir(self) -> str:
        return self.log_dir

    def _add(self, value: bytes, step, walltime) -> None:
        self._get_file_writer().add_summary(value, step, walltime)

    def add_scalar(
        self, tag: str, scalar_value, global_step=None, walltime=None, new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """A number: a point of the curve ``tag``."""
        self._add(summary.scalar(tag, scalar_value, new_style, double_precision), global_step, walltime)

    def add_scalars(self, main_tag: str, tag_scalar_dict: dict, global_step=None, walltime=None) -> None:
        """Several numbers for one diagram: each name is a run of its own, in a folder below this one."""
        walltime = time.time() if walltime is None else walltime
        folder = self._get_file_writer().get_logdir()
        for tag, value in tag_scalar_dict.items():
            path = f"{folder}/{main_tag.replace('/', '_')}_{tag}"
            if path not in self.all_writers:
                self.all_writers[path] = self._new_writer(path)
            self.all_writers[path].add_summary(summary.scalar(main_tag, value), global_step, walltime)

    def add_histogram(
        self, tag: str, values, global_step=None, bins="tensorflow", walltime=None, max_bins: Optional[int] = None
    ) -> None:
        """How the numbers of a tensor are distributed.  ``bins`` is ``'tensorflow'``, a number of buckets, their limits,
        or the name of one of NumPy's rules."""
        if isinstance(bins, str) and bins == "tensorflow":
            bins = self.default_bins
        self._add(summary.histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_histogram_raw(
        self, tag: str, min, max, num, sum, sum_squares, bucket_limits, bucket_counts, global_step=None, walltime=None
    ) -> None:
        """A histogram that was counted elsewhere."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        value = summary.histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts)
        self._add(value, global_step, walltime)

    def add_image(self, tag: str, img_tensor, global_step=None, walltime=None, dataformats: str = "CHW") -> None:
        """An image of numbers from 0 to 1, or of bytes."""
        self._add(summary.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(self, tag: str, img_tensor, global_step=None, walltime=None, dataformats: str = "NCHW") -> None:
        """Several images as one, eight in a row."""
        self._add(summary.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_figure(self, tag: str, figure, global_step=None, close: bool = True, walltime=None) -> None:
        """A figure of matplotlib, or a list of figures."""
        several = isinstance(figure, list)
        pixels = [_rendered(one, close) for one in (figure if several else [figure])]
        if several:
            self.add_images(tag, flambeau.stack(pixels), global_step, walltime, dataformats="NHWC")
        else:
            self.add_image(tag, pixels[0], global_step, walltime, dataformats="HWC")

    def add_text(self, tag: str, text_string: str, global_step=None, walltime=None) -> None:
        """A text, which may be Markdown."""
        self._add(summary.text(tag, text_string), global_step, walltime)

    def add_hparams(
        self, hparam_dict: dict, metric_dict: dict, hparam_domain_discrete: Optional[dict] = None,
        run_name: Optional[str] = None, global_step=None,
    ) -> None:
        """With what settings a run came to what: a row of TensorBoard's table, in a folder of its own."""
        if type(hparam_dict) is not dict or type(metric_dict) is not dict:
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        parts = summary.hparams(hparam_dict, metric_dict, hparam_domain_discrete)
        folder = os.path.join(self._get_file_writer().get_logdir(), run_name or str(time.time()))
        with SummaryWriter(log_dir=folder) as writer:
            for part in parts:
                writer._add(part, global_step, None)
            for name, value in metric_dict.items():
                writer.add_scalar(name, value, global_step)

    def flush(self) -> None:
        """Brings everything to the disk."""
        for writer in (self.all_writers or {}).values():
            writer.flush()

    def close(self) -> None:
        """Closes the files.  What is added later begins new ones."""
        for writer in (self.all_writers or {}).values():
            writer.close()
        self.file_writer = self.all_writers = None

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, exc_type, exc_val, exc_tb) -> None:
        self.close()

    def add_graph(self, model, input_to_model=None, verbose: bool = False, use_strict_trace: bool = True) -> NoReturn:
        _refuse("add_graph", "flambeau.onnx.export writes a model's graph, which Netron shows")

    def add_onnx_graph(self, prototxt) -> NoReturn:
        _refuse("add_onnx_graph", "Netron shows ONNX files")

    def add_tensor(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("add_tensor", "flambeau.save keeps tensors")

    def add_image_with_boxes(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("add_image_with_boxes", "draw the boxes into the image and use add_image")

    def add_video(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("add_video", "add_images shows frames side by side")

    def add_audio(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("add_audio", "there is no sound here")

    def add_embedding(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("add_embedding", "flambeau.save keeps tensors")

    def add_pr_curve(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("add_pr_curve", "draw the curve and use add_figure")

    def add_custom_scalars(self, layout) -> NoReturn:
        _refuse("add_custom_scalars", "add_scalars lays curves over each other")

    def add_mesh(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("add_mesh", "draw the mesh and use add_figure")


def _refuse(name: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"SummaryWriter.{name} is not available in flambeau: {instead}")


def _rendered(figure, close: bool):
    """The pixels of a figure, ``(H, W, 3)``."""
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = memoryview(canvas.buffer_rgba())
    image = flambeau.frombuffer(bytearray(pixels), dtype=flambeau.uint8).reshape(pixels.shape)
    if close:
        pyplot.close(figure)
    return image[:, :, :3]
