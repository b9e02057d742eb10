"""The profiler: what it sees, how times add up, what it writes."""

import json

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.profiler import ProfilerAction, ProfilerActivity, profile, record_function, schedule


def _work():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    net(torch.randn(1, 3, 16, 16)).sum().backward()


def test_operators_nodes_and_named_parts_are_seen():
    with profile(record_shapes=True) as prof:
        with record_function("part"):
            _work()
    events = {event.key: event for event in prof.key_averages()}
    assert {"part", "aten::conv2d", "aten::relu", "ConvolutionBackward0", "SumBackward0"} <= set(events)
    assert events["part"].count == 1
    [conv] = [event for event in prof.events() if event.name == "aten::conv2d"]
    assert conv.input_shapes[:2] == [[1, 3, 16, 16], [8, 3, 3, 3]]


def test_times_add_up():
    with profile() as prof:
        with record_function("outer"):
            with record_function("inner"):
                _work()
    events = {event.key: event for event in prof.key_averages()}
    outer, inner = events["outer"], events["inner"]
    assert outer.cpu_time_total >= inner.cpu_time_total > 0
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - inner.cpu_time_total)
    assert prof.key_averages().self_cpu_time_total() == pytest.approx(outer.cpu_time_total)


def test_the_table_is_sorted_and_cut():
    with profile() as prof:
        _work()
    lines = prof.key_averages().table(sort_by="cpu_time_total", row_limit=2).splitlines()
    assert lines[1].split() == "Name Self CPU % Self CPU CPU total % CPU total CPU time avg # of Calls".split()
    assert len(lines) == 3 + 2 + 2
    assert lines[-1].startswith("Self CPU time total: ")
    with pytest.raises(ValueError, match="cannot sort by 'colour'"):
        prof.key_averages().table(sort_by="colour")


def test_shapes_are_told_apart():
    with profile(record_shapes=True) as prof:
        torch.relu(torch.ones(2))
        torch.relu(torch.ones(3))
        torch.relu(torch.ones(3))
    counts = [(e.input_shapes, e.count) for e in prof.key_averages(group_by_input_shape=True) if e.key == "aten::relu"]
    assert counts == [([[2]], 1), ([[3]], 2)]


def test_a_schedule_records_some_steps(tmp_path):
    seen = []

    def ready(prof):
        seen.append(sum(event.name == "aten::relu" for event in prof.events()))
        prof.export_chrome_trace(str(tmp_path / "trace.json"))

    with profile(schedule=schedule(wait=1, warmup=1, active=2, repeat=1), on_trace_ready=ready) as prof:
        for _ in range(8):
            torch.relu(torch.ones(2))
            prof.step()
    assert seen == [2]
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert sum(event["name"] == "aten::relu" for event in trace["traceEvents"]) == 2


def test_the_schedule_is_pytorchs():
    theirs = pytest.importorskip("torch.profiler", reason="compares with PyTorch")
    for options in [
        {"wait": 1, "warmup": 1, "active": 3},
        {"wait": 0, "warmup": 2, "active": 1, "repeat": 2},
        {"wait": 2, "warmup": 0, "active": 2, "repeat": 1, "skip_first": 3},
    ]:
        ours, want = schedule(**options), theirs.schedule(**options)
        assert [ours(step).name for step in range(20)] == [want(step).name for step in range(20)]
    assert all(theirs.ProfilerAction[action.name].value == action.value for action in ProfilerAction)
    assert all(theirs.ProfilerActivity.__members__[kind.name].value == kind.value for kind in ProfilerActivity)


def test_a_second_profile_on_a_thread_is_refused_and_the_first_goes_on():
    with profile() as prof:
        with pytest.raises(RuntimeError, match="already enabled"):
            profile().start()
        torch.relu(torch.ones(2))
    assert "aten::relu" in [event.name for event in prof.events()]


def test_what_is_not_recorded_is_said():
    with pytest.warns(UserWarning, match="leaves with_stack aside"):
        profile(with_stack=True)
