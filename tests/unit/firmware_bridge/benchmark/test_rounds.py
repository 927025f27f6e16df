"""Rounds: every candidate is measured alike, none waits for another to finish, a failure ends one run only."""

from collections import Counter

import numpy as np
import pytest

from edgehar.firmware_bridge.benchmark.candidates import CandidateFacts, UnavailableCandidate
from edgehar.firmware_bridge.benchmark.results import Settings
from edgehar.firmware_bridge.benchmark.rounds import run_benchmark
from edgehar.models.errors import EngineError

QUICK = Settings(windows=30, rounds=3, bulk_rounds=2)


def test_rows_say_what_workers_gave(make_plan):
    result = run_benchmark([make_plan([], fast={"window_us": 100.0}, slow={"window_us": 400.0})], QUICK)
    fast, slow = result.rows
    assert (fast.engine, fast.artifact, fast.bytes, fast.runtime, fast.load_ms) == (
        "fast",
        "model.bin",
        1234,
        "fake 1.0",
        12.5,
    )
    assert fast.windows == 30
    assert fast.latency_us is not None
    assert slow.latency_us is not None
    assert (fast.latency_us.p50, slow.latency_us.p50) == (100.0, 400.0)
    assert fast.round_p50_us == (100.0,) * 3
    assert fast.windows_per_s == pytest.approx(20_000)
    assert fast.peak_rss_mb == 42.0
    assert fast.max_abs_error == pytest.approx(0, abs=1e-7)
    assert fast.top1_agreement == 1.0
    assert fast.error is None
    assert not result.interrupted


def test_turns_are_interleaved_and_cover_every_window_once(make_plan):
    requests: list[tuple[str, ...]] = []
    run_benchmark([make_plan(requests, a={}, b={}, c={})], QUICK)
    each = [entry for entry in requests if entry[1] == "each"]
    for number in range(3):
        assert Counter(entry[0] for entry in each[3 * number : 3 * number + 3]) == {"a": 1, "b": 1, "c": 1}
    assert [entry[2:] for entry in each if entry[0] == "a"] == [("0", "10"), ("10", "10"), ("20", "10")]


def test_the_order_changes_from_round_to_round(make_plan):
    requests: list[tuple[str, ...]] = []
    run_benchmark([make_plan(requests, a={}, b={}, c={}, d={})], Settings(windows=20, rounds=10, bulk_rounds=1))
    each = [entry[0] for entry in requests if entry[1] == "each"]
    rounds = {tuple(each[start : start + 4]) for start in range(0, 40, 4)}
    assert len(rounds) > 3


def test_memory_is_measured_before_many_windows_take_some(make_plan):
    requests: list[tuple[str, ...]] = []
    run_benchmark([make_plan(requests, a={}, b={})], QUICK)
    kinds = [entry[1] for entry in requests]
    assert max(i for i, kind in enumerate(kinds) if kind == "each") < kinds.index("memory")
    assert max(i for i, kind in enumerate(kinds) if kind == "memory") < kinds.index("bulk")


def test_bulk_calls_grow_to_take_a_turn_s_time(make_plan):
    requests: list[tuple[str, ...]] = []
    run_benchmark([make_plan(requests, a={"window_us": 1000.0})], QUICK)
    counts = [int(entry[3]) for entry in requests if entry[1] == "bulk"]
    assert counts == [200, 400, 400]


@pytest.mark.parametrize("stage", ["load", "each", "memory", "bulk"])
def test_a_failure_ends_one_run_and_no_other(make_plan, stage):
    requests: list[tuple[str, ...]] = []
    result = run_benchmark([make_plan(requests, bad={"fails_at": stage}, good={})], QUICK)
    bad, good = result.rows
    assert bad.error == "the worker process was ended"
    assert good.error is None
    assert good.windows == 30
    assert Counter(requests)["bad", "close"] == 1
    assert Counter(requests)["good", "close"] == 1
    after = requests[requests.index(("bad", "close")) :]
    assert [entry for entry in after if entry[0] == "bad"] == [("bad", "close")]


def test_a_candidate_that_cannot_start_is_a_row(make_plan):
    plan = make_plan([], good={})
    missing = UnavailableCandidate(
        CandidateFacts("litert", "a.tflite", "int8", "peer", None), "the converter was killed by SIGSEGV"
    )
    result = run_benchmark([type(plan)(plan.model, (missing, *plan.candidates), plan.windows, plan.oracle)], QUICK)
    assert result.rows[0].error == "the converter was killed by SIGSEGV"
    assert result.rows[0].latency_us is None
    assert result.rows[1].error is None


def test_a_slow_one_is_measured_with_fewer_windows(make_plan):
    settings = Settings(windows=30, rounds=3, round_limit_s=1.0, bulk_rounds=1)
    result = run_benchmark([make_plan([], slow={"window_us": 300_000.0})], settings)
    assert result.rows[0].windows == 9


def test_errors_are_measured_against_the_oracle(make_plan):
    result = run_benchmark([make_plan([], off={"offset": 0.125})], QUICK)
    assert result.rows[0].max_abs_error == pytest.approx(0.125, abs=1e-6)
    assert result.rows[0].top1_agreement == 1.0


def test_another_label_is_a_disagreement(make_plan):
    plan = make_plan([], swapped={})
    plan.candidates[0].worker.oracle = plan.oracle[:, ::-1]
    result = run_benchmark([plan], QUICK)
    expected = float((plan.oracle.argmax(1) == plan.oracle[:, ::-1].argmax(1))[:30].mean())
    assert result.rows[0].top1_agreement == pytest.approx(expected, abs=0.2)
    assert result.rows[0].top1_agreement < 0.8


def test_nan_is_not_a_probability(make_plan):
    result = run_benchmark([make_plan([], broken={"offset": np.nan})], QUICK)
    assert result.rows[0].error == "expected probabilities, got NaN or infinity for 10 of 10 windows"
    assert result.rows[0].max_abs_error is None


def test_outputs_of_another_shape_are_a_failure(make_plan):
    plan = make_plan([], odd={})
    plan.candidates[0].worker.oracle = plan.oracle[:, :2]
    assert "expected outputs of shape (10, 3), got (10, 2)" in str(run_benchmark([plan], QUICK).rows[0].error)


@pytest.mark.parametrize("stage", ["load", "each", "bulk"])
def test_an_interruption_keeps_what_there_is_and_ends_every_worker(make_plan, stage):
    requests: list[tuple[str, ...]] = []
    first = make_plan(requests, a={}, b={"fails_at": stage, "failure": KeyboardInterrupt()})
    never = make_plan(requests, z={})
    result = run_benchmark([first, never], QUICK)
    assert result.interrupted
    assert len(result.rows) == 3
    assert result.rows[2].error == "interrupted before its first round"
    assert {name for name, *_ in requests} == {"a", "b"}
    started = {name for name, what, *_ in requests if what == "start"}
    assert Counter(name for name, what, *_ in requests if what == "close") == dict.fromkeys(started, 1)
    if stage == "bulk":
        assert result.rows[0].windows == 30
        assert result.rows[0].error is None


def test_an_error_of_our_own_ends_every_worker_and_is_not_hidden(make_plan):
    requests: list[tuple[str, ...]] = []
    plan = make_plan(requests, a={}, b={"fails_at": "each", "failure": ZeroDivisionError()})
    with pytest.raises(ZeroDivisionError):
        run_benchmark([plan], QUICK)
    assert Counter(entry[1] for entry in requests)["close"] == 2


def test_progress_is_told_from_the_first_step_to_the_last(make_plan):
    told: list[tuple[int, int, str]] = []
    plan = make_plan([], a={}, b={})
    run_benchmark([plan, plan], QUICK, on_progress=lambda *step: told.append(step))
    assert [step[0] for step in told] == list(range(len(told)))
    assert {step[1] for step in told} == {len(told)}
    assert told[0][2] == "loading lstm a model.bin"


def test_fewer_windows_than_turns_are_still_all_timed(make_plan):
    result = run_benchmark([make_plan([], a={})], Settings(windows=2, rounds=10, bulk_rounds=1))
    assert result.rows[0].windows == 2


def test_failing_to_start_is_an_engine_error(tmp_path):
    with pytest.raises(EngineError, match="because"):
        UnavailableCandidate(CandidateFacts("a", "b", "c", "d", None), "because").start(tmp_path)


def test_the_share_of_time_lost_to_others_is_that_of_all_rounds(make_plan):
    plan = make_plan([], known={"waited_ns": 250_000}, unknown={"waited_ns": None})
    known, unknown = run_benchmark([plan], QUICK).rows
    assert known.waited_share == pytest.approx(0.25)
    assert unknown.waited_share is None
