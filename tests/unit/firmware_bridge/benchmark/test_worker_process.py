"""A worker process: whatever happens in it becomes a sentence, and it never outlives its parent's interest."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from edgehar.firmware_bridge.benchmark.worker_process import ProcessWorker
from edgehar.models.errors import EngineError

STUB = """
import json, os, signal, sys, time
mode = os.environ["STUB_MODE"]
for line in sys.stdin:
    request = json.loads(line)
    if mode == "echo":
        reply = {"load_ms": 1.5, "runtime": json.dumps(request, sort_keys=True)}
    elif mode == "refuse":
        reply = {"error": "no such model. Train one."}
    elif mode == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif mode == "abort":
        print("terminate called after throwing", file=sys.stderr, flush=True)
        os.abort()
    elif mode == "exit":
        print("first line", "cannot import name\\n", sep="\\n", file=sys.stderr)
        sys.exit(3)
    elif mode == "hang":
        time.sleep(60)
    elif mode == "slices":
        text = json.dumps({"load_ms": 2.0, "runtime": "x" * 200_000}) + "\\n"
        for start in range(0, len(text), 50_001):
            sys.stdout.write(text[start:start + 50_001]); sys.stdout.flush()
        continue
    elif mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        reply = {"load_ms": 0, "runtime": str(os.getpid())}
        print(json.dumps(reply), flush=True)
        while True:
            time.sleep(1)
    print(json.dumps(reply), flush=True)
"""


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """A function that starts a worker of a given behaviour; all are ended."""
    (tmp_path / "stub_worker.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    started = []

    def start(mode: str, **options) -> ProcessWorker:
        monkeypatch.setenv("STUB_MODE", mode)
        started.append(ProcessWorker({"engine": "x"}, module="stub_worker", **options))
        return started[-1]

    yield start
    for process in started:
        process.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_request_is_one_line_and_so_is_its_reply(worker):
    loaded = worker("echo").load()
    assert loaded.load_ms == 1.5
    assert loaded.runtime == '{"engine": "x", "request": "load"}'


def test_a_reply_may_come_in_pieces(worker):
    assert len(worker("slices").load().runtime) == 200_000


def test_a_refusal_is_passed_on(worker):
    with pytest.raises(EngineError, match=r"^no such model\. Train one\.$"):
        worker("refuse").load()


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("segfault", r"was ended by SIGSEGV \(Segmentation fault\) while loading the model"),
        ("abort", r"was ended by SIGABRT \(Aborted\) while loading the model"),
        ("exit", r"ended with code 3 \(cannot import name\) while loading the model"),
    ],
)
def test_a_death_says_how_and_while_doing_what(worker, mode, sentence):
    process = worker(mode)
    with pytest.raises(EngineError, match=sentence):
        process.load()
    with pytest.raises(EngineError, match="while measuring its memory"):
        process.peak_rss_mb()


def test_a_worker_that_hangs_is_given_up(worker):
    with pytest.raises(EngineError, match=r"gave no answer within 0 s while loading the model"):
        worker("hang", patience_s=0.4).load()


def test_closing_ends_the_process_even_if_it_will_not(worker):
    process = worker("stubborn")
    pid = int(process.load().runtime)
    assert _alive(pid)
    process.close()
    assert not _alive(pid)
    process.close()


def test_a_python_that_is_not_there_is_said():
    with pytest.raises(EngineError, match=r"expected to start /no/such/python, got: No such file"):
        ProcessWorker({}, python="/no/such/python")


def test_a_worker_ends_when_its_parent_is_killed(tmp_path):
    code = (
        "import sys, time; from edgehar.firmware_bridge.benchmark.worker_process import ProcessWorker;"
        "worker = ProcessWorker({}); worker.peak_rss_mb(); print(worker.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    assert _alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 60
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def test_a_models_folder_where_the_user_stands_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise SystemExit('the wrong models')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    process = ProcessWorker({})
    try:
        assert process.peak_rss_mb() > 0
    finally:
        process.close()


def test_a_real_worker_measures_and_its_memory_is_its_own(random_bundle, tmp_path):
    ballast = np.ones(40_000_000)  # 320 MB in the parent
    random_bundle("simple_rnn").save(tmp_path / "bundle")
    windows = np.random.default_rng(0).normal(size=(8, 200, 3)).astype(np.float32)
    np.save(tmp_path / "windows.npy", windows)
    task = {
        "bundle": str(tmp_path / "bundle"),
        "engine": "numpy",
        "artifact": "weights.npz",
        "threads": 1,
        "windows": str(tmp_path / "windows.npy"),
    }
    process = ProcessWorker(task)
    try:
        loaded = process.load()
        each = process.time_each(6, 4, limit_s=10.0)
        bulk = process.time_bulk(0, 20)
        peak_mb = process.peak_rss_mb()
    finally:
        process.close()
    assert loaded.load_ms > 0
    assert loaded.runtime == f"numpy {np.__version__}"
    assert each.durations_ns.shape == (4,)
    assert each.outputs.shape == (4, 12)
    np.testing.assert_allclose(each.outputs[2], bulk.outputs[0], atol=1e-6)
    np.testing.assert_allclose(bulk.outputs[8:16], bulk.outputs[:8], atol=1e-6)
    assert bulk.durations_ns.shape == (1,)
    assert 10 < peak_mb < 200
    assert ballast[-1] == 1
