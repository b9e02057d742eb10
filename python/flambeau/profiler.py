"""Where a program's time goes: ``profile`` times every operator and every node of the backward pass on its thread.

.. code-block:: python

    with profile(record_shapes=True) as prof:
        with record_function("forward"):
            model(x)
    print(prof.key_averages().table(sort_by="cpu_time_total", row_limit=10))
"""

from __future__ import annotations

import enum
import functools
import json
import os
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flambeau import _native

__all__ = [
    "EventList",
    "FunctionEvent",
    "FunctionEventAvg",
    "ProfilerAction",
    "ProfilerActivity",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]


class ProfilerActivity(enum.Enum):
    """Kinds of processors to observe. Only the CPU does anything here; others may be named."""

    CPU = 0
    XPU = 1
    CUDA = 2
    HPU = 3
    MTIA = 4
    PrivateUse1 = 5


class ProfilerAction(enum.Enum):
    """What a profiler does at a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def supported_activities() -> set[ProfilerActivity]:
    """The kinds of processors that are observed."""
    return {ProfilerActivity.CPU}


def _time(microseconds: float) -> str:
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    if microseconds >= 1e3:
        return f"{microseconds / 1e3:.3f}ms"
    return f"{microseconds:.3f}us"


@dataclass
class FunctionEvent:
    """One call of an operator, one node of a backward pass, or one ``record_function``. Times are microseconds."""

    name: str
    start: float
    cpu_time_total: float
    input_shapes: list[list[int]] = field(default_factory=list)
    self_cpu_time_total: float = 0.0

    @property
    def key(self) -> str:
        return self.name


@dataclass
class FunctionEventAvg:
    """All events of a name (and of the same shapes, where they are told apart). Times are microseconds."""

    key: str
    input_shapes: list[list[int]] | None = None
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0

    @property
    def cpu_time(self) -> float:
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={_time(self.self_cpu_time_total)} "
            f"cpu_time={_time(self.cpu_time)} input_shapes={self.input_shapes or ''}>"
        )


_SORTABLE = ("cpu_time", "cpu_time_total", "self_cpu_time_total", "count")
_WIDEST_NAME = 55


class EventList(list):
    """Events, or their averages."""

    def self_cpu_time_total(self) -> float:
        """Microseconds of all events, each counted once."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_input_shape: bool = False) -> EventList:
        """One entry for each name; with ``group_by_input_shape``, for each name and the shapes of its tensors."""
        averages: dict = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shape else None
            average = averages.setdefault((event.name, str(shapes)), FunctionEventAvg(event.name, shapes))
            average.count += 1
            average.cpu_time_total += event.cpu_time_total
            average.self_cpu_time_total += event.self_cpu_time_total
        return EventList(averages.values())

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = _WIDEST_NAME,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The averages as text, the largest of ``sort_by`` first, no more than ``row_limit`` of them (-1: all)."""
        rows = list(self)
        if not rows:
            return ""
        if sort_by is not None:
            sort_by = sort_by.replace("cuda", "cpu").replace("device", "cpu")
            if sort_by not in _SORTABLE:
                raise ValueError(f"cannot sort by {sort_by!r}; events have {', '.join(_SORTABLE)}")
            rows.sort(key=lambda row: getattr(row, sort_by), reverse=True)
        total = self.self_cpu_time_total()
        share = lambda part: f"{100 * part / total:.2f}%" if total else "NaN"  # noqa: E731
        with_shapes = any(row.input_shapes for row in rows)
        name_width = min(max(len(row.key) for row in rows) + 4, max_name_column_width)
        widths = [name_width, 12, 12, 12, 12, 12, 12]
        titles = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls"]
        if with_shapes:
            widths.append(min(max(len(str(row.input_shapes)) for row in rows) + 4, max_shapes_column_width))
            titles.append("Input Shapes")
        line = "  ".join("-" * width for width in widths) + "  "
        cells = lambda texts: "  ".join(f"{text:>{width}}" for text, width in zip(texts, widths)) + "  "  # noqa: E731
        short = lambda text, width: text if len(text) <= width else text[: width - 3] + "..."  # noqa: E731
        lines = [header] if header else []
        lines += [line, cells(titles), line]
        for row in rows if row_limit < 0 else rows[:row_limit]:
            texts = [
                short(row.key, name_width),
                share(row.self_cpu_time_total),
                _time(row.self_cpu_time_total),
                share(row.cpu_time_total),
                _time(row.cpu_time_total),
                _time(row.cpu_time_total / row.count),
                str(row.count),
            ]
            if with_shapes:
                texts.append(short(str(row.input_shapes), widths[-1]))
            lines.append(cells(texts))
        lines += [line, f"Self CPU time total: {_time(total)}", ""]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table() if all(isinstance(event, FunctionEventAvg) for event in self) else super().__str__()

    def export_chrome_trace(self, path: str) -> None:
        """Writes the events as a trace that ``chrome://tracing`` and Perfetto show."""
        every = {"ph": "X", "pid": os.getpid(), "tid": 0, "cat": "cpu_op"}
        trace = [
            every
            | {"name": event.name, "ts": event.start, "dur": event.cpu_time_total}
            | ({"args": {"Input Dims": event.input_shapes}} if event.input_shapes else {})
            for event in self
        ]
        beside = f"{path}.{os.getpid()}.part"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": trace}, file)
        os.replace(beside, path)


def _nested(events: Iterable[FunctionEvent]) -> EventList:
    """Events in the order in which they began, each with the time that is its own and not of events within it."""
    ordered = EventList(sorted(events, key=lambda event: (event.start, -event.cpu_time_total)))
    open_events: list[FunctionEvent] = []
    for event in ordered:
        event.self_cpu_time_total = event.cpu_time_total
        while open_events and event.start >= open_events[-1].start + open_events[-1].cpu_time_total:
            open_events.pop()
        if open_events:
            outer = open_events[-1]
            outer.self_cpu_time_total = max(0.0, outer.self_cpu_time_total - event.cpu_time_total)
        open_events.append(event)
    return ordered


#: what ``record_function`` has noted while a profile runs on this thread
_noted: list[FunctionEvent] = []


class record_function:
    """Names a part of a program, as a context manager or a decorator, so that a profile shows it."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._began: float | None = None

    def __enter__(self) -> record_function:
        self._began = _native._profiling_time()
        return self

    def __exit__(self, *exception) -> None:
        now = _native._profiling_time()
        if self._began is not None and now is not None and now >= self._began:
            _noted.append(FunctionEvent(self.name, self._began, now - self._began))

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with record_function(self.name):
                return function(*args, **kwargs)

        return wrapped


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0, skip_first_wait: int = 0
) -> Callable[[int], ProfilerAction]:
    """What to do at each step: nothing for ``wait`` steps, then ``warmup``, then record ``active`` steps; and again."""
    if min(wait, warmup, repeat, skip_first) < 0 or active <= 0:
        raise AssertionError("Invalid profiler schedule arguments")

    def action(step: int) -> ProfilerAction:
        step -= skip_first
        if step < 0:
            return ProfilerAction.NONE
        if skip_first_wait:
            step += wait
        cycle = wait + warmup + active
        if repeat and step >= cycle * repeat:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(dir_name: str, worker_name: str | None = None, use_gzip: bool = False) -> Callable:
    """For ``on_trace_ready``: writes each trace to a file of its own in a folder."""
    if use_gzip:
        raise NotImplementedError("traces are not compressed here: leave use_gzip False")

    def handler(prof: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        name = worker_name or f"{os.uname().nodename}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(dir_name, f"{name}.{time.time_ns()}.pt.trace.json"))

    return handler


class profile:
    """Times operators between ``start`` and ``stop``, or in a ``with`` block, on the thread that starts it.

    What other threads compute is not seen. Of PyTorch's options ``record_shapes``, ``schedule`` and
    ``on_trace_ready`` work; stacks, memory, modules and FLOPs are not recorded, and asking for them warns.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], object] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: object = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
    ) -> None:
        self.activities = set(activities) if activities is not None else supported_activities()
        self.schedule, self.on_trace_ready, self.record_shapes = schedule, on_trace_ready, record_shapes
        unseen = {"profile_memory": profile_memory, "with_stack": with_stack, "with_flops": with_flops}
        asked = [name for name, wanted in (unseen | {"with_modules": with_modules}).items() if wanted]
        if asked:
            warnings.warn(f"the profiler records times and shapes, and leaves {', '.join(asked)} aside", stacklevel=2)
        self.step_num = 0
        self._events = EventList()
        self._recording = False
        self.current_action = schedule(0) if schedule else ProfilerAction.RECORD

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *exception) -> None:
        self.stop()

    def start(self) -> None:
        """Begins, at step 0 of the schedule."""
        self._follow()

    def stop(self) -> None:
        """Ends; ``on_trace_ready`` is called if something was being recorded."""
        self._finish()
        self.current_action = ProfilerAction.NONE

    def step(self) -> None:
        """Says that the next step of the program begins."""
        self.step_num += 1
        if self.schedule is None:
            return
        if self.current_action is ProfilerAction.RECORD_AND_SAVE:
            self._finish()
        self.current_action = self.schedule(self.step_num)
        self._follow()

    def _follow(self) -> None:
        wanted = self.current_action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        if wanted and not self._recording:
            _native._start_profiling(self.record_shapes)
            _noted.clear()
            self._recording = True

    def _finish(self) -> None:
        if not self._recording:
            return
        self._recording = False
        operators = [
            FunctionEvent(name if name.endswith(("Backward0", "AccumulateGrad")) else f"aten::{name}", start, took, shapes)
            for name, start, took, shapes in _native._stop_profiling()
        ]
        self._events = _nested(operators + _noted)
        _noted.clear()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def events(self) -> EventList:
        """All events of the last recording, in the order in which they began."""
        return self._events

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False
    ) -> EventList:
        """The events by name; see :meth:`EventList.key_averages`."""
        return self._events.key_averages(group_by_input_shape)

    def export_chrome_trace(self, path: str) -> None:
        """See :meth:`EventList.export_chrome_trace`."""
        self._events.export_chrome_trace(path)
