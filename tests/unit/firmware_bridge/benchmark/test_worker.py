"""The worker's program: what it answers, and what it never loads."""

import base64
import gc
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from edgehar.firmware_bridge.benchmark.worker import WorkerProgram, peak_rss_mb, waited_ns


@pytest.fixture
def task(random_bundle, tmp_path):
    """A request to load an untrained model."""
    random_bundle("simple_rnn").save(tmp_path / "bundle")
    np.save(tmp_path / "windows.npy", np.zeros((4, 200, 3), np.float32))
    return {
        "request": "load",
        "bundle": str(tmp_path / "bundle"),
        "engine": "numpy",
        "artifact": "weights.npz",
        "threads": 1,
        "windows": str(tmp_path / "windows.npy"),
    }


def test_single_predictions_are_timed_one_by_one(task):
    program = WorkerProgram()
    assert "error" not in program.answer(task)
    reply = program.answer({"request": "each", "first": 0, "count": 6, "limit_s": 30.0})
    assert len(reply["durations_ns"]) == 6
    assert all(duration > 0 for duration in reply["durations_ns"])
    assert reply["shape"] == [6, 12]
    outputs = np.frombuffer(base64.b64decode(reply["outputs"]), np.float32)
    np.testing.assert_allclose(outputs.reshape(6, 12).sum(axis=1), 1, rtol=1e-5)


def test_a_turn_ends_at_its_limit_but_not_before_its_first_window(task):
    program = WorkerProgram()
    program.answer(task)
    assert len(program.answer({"request": "each", "first": 0, "count": 100, "limit_s": 0.0})["durations_ns"]) == 1


def test_the_garbage_collector_is_off_only_while_it_is_measured(task):
    program = WorkerProgram()
    program.answer(task)
    seen = []
    predict = program._engine.predict
    program._engine.predict = lambda windows: (seen.append(gc.isenabled()), predict(windows))[1]
    program.answer({"request": "each", "first": 0, "count": 3, "limit_s": 30.0})
    program.answer({"request": "bulk", "first": 0, "count": 3})
    assert seen[-4:] == [False] * 4
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bundle": "/no/such/bundle"}, "expected a bundle, found nothing"),
        ({"engine": "tvm"}, "expected one of auto"),
        ({"windows": "/no/such/windows.npy"}, "FileNotFoundError"),
        ({"surprise": 1}, "TypeError"),
    ],
)
def test_what_goes_wrong_is_answered_with_a_sentence(task, change, sentence):
    assert sentence in WorkerProgram().answer(task | change)["error"]


def test_predicting_before_loading_is_refused():
    answer = WorkerProgram().answer({"request": "bulk", "first": 0, "count": 1})
    assert "before a model was loaded" in answer["error"]


def test_peak_memory_is_that_of_this_program_and_remembers():
    code = (
        "import numpy; from edgehar.firmware_bridge.benchmark.worker import peak_rss_mb as peak;"
        "before = peak(); ballast = numpy.ones(20_000_000); del ballast; print(before, peak())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert 5 < before < 150
    assert 150 < after - before < 180
    assert peak_rss_mb() > 5


@pytest.mark.skipif(
    waited_ns() is None, reason="not for this machine: its system does not tell how long a thread waited"
)
def test_waiting_for_the_processor_is_counted_and_sleeping_is_not():
    spin = "import time; end = time.monotonic() + 1.0\nwhile time.monotonic() < end: pass"
    watch = f"from edgehar.firmware_bridge.benchmark.worker import waited_ns as w; a = w()\n{spin}\nprint(w() - a)"
    here = str(sorted(os.sched_getaffinity(0))[0])
    pinned = [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{here}}})\n{watch}"]
    rivals = [subprocess.Popen(pinned, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    waits = [int(rival.communicate()[0]) for rival in rivals]
    assert max(waits) > 300_000_000
    # Waking up may have to wait for others; not every time.
    assert min(waited_while_sleeping_ns() for _ in range(5)) < 100_000_000


def waited_while_sleeping_ns() -> int:
    before = waited_ns()
    time.sleep(0.15)
    return waited_ns() - before


def _run(requests: list[dict], extra: str = "") -> tuple[list[dict], str]:
    code = f"import sys; {extra}\nfrom edgehar.firmware_bridge.benchmark import worker\nworker.main()"
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([sys.executable, "-c", code], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_what_libraries_print_does_not_mix_with_the_replies():
    noisy = (
        "import os, edgehar.models.engines\n"
        "def loud(*arguments, **options): print('hello'); os.write(1, b'from C'); raise ValueError('x')\n"
        "import edgehar.firmware_bridge.benchmark.worker as w; w.read_bundle = loud"
    )
    request = {"request": "load", "bundle": "", "engine": "", "artifact": "", "threads": 1, "windows": ""}
    replies, stderr = _run([request, {"request": "memory"}], noisy)
    assert replies[0] == {"error": "ValueError: x"}
    assert replies[1]["peak_rss_mb"] > 0
    assert "from C" in stderr


def test_a_worker_loads_nothing_but_its_engine(task):
    tell = "import atexit; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))"
    replies, stderr = _run([task], tell)
    assert replies[0]["runtime"].startswith("numpy")
    loaded = {name.strip("[]' ").partition(".")[0] for name in stderr.split(",")}
    assert "numpy" in loaded
    forbidden = {"rich", "typer", "click", "reporting", "pipeline", "tensorflow", "scipy", "onnxruntime", "serial"}
    assert loaded & (forbidden | {"ai_edge_litert", "matplotlib"}) == set()
