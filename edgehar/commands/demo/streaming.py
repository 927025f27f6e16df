"""Stream one person through a pseudo-terminal: `har simulate` in one process, `har live` in another."""

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edgehar.commands.demo.chain import Chain
from edgehar.commands.demo.results import LiveLabel, ModelResults, PlayedActivity, StreamResults
from edgehar.commands.report.signal import signal_traces
from edgehar.models.bundle import read_bundle
from edgehar.models.errors import HarError
from edgehar.pipeline.data.readers import load_dataset

_PORT_TIMEOUT_S: Final = 60.0
_GRACE_S: Final = 10.0


def stream_one_person(
    chain: Chain, data: str, out: Path, model: ModelResults, *, play_s: float, view: bool
) -> StreamResults:
    """Play everything the first held-out person did within about ``play_s``, and collect the labels.

    With ``view``, stdout is a terminal and shows the live view.

    Raises
    ------
    HarError
        If the virtual sensor does not appear, or `har live` fails.
    """
    manifest = read_bundle(model.bundle).manifest
    subject = manifest.metrics[0].test_subjects[0]
    recordings = load_dataset(data).of_subject(subject)
    recorded_s = sum(recording.duration_s for recording in recordings)
    window_s = manifest.window.length / manifest.window.rate_hz
    speed = max(1, round(recorded_s / play_s))
    link, truth, labels = (out / name for name in ("sensor", "played.jsonl", "labels.jsonl"))
    with _virtual_sensor(chain, data, subject, link, truth, speed):
        _classify(chain, model.bundle, link, labels, play_s, view=view)
    lines = _read_lines(labels)
    return StreamResults(
        subject=subject,
        speed=speed,
        labels=tuple(LiveLabel(line["t_s"], line["label"], line["probability"]) for line in lines),
        played=tuple(PlayedActivity(line["t_s"], line["until_s"], line["label"]) for line in _read_lines(truth)),
        lost_samples=lines[-1]["lost_samples"] if lines else 0,
        window_s=window_s,
        signal=signal_traces(recordings, duration_s=window_s),
    )


@contextlib.contextmanager
def _virtual_sensor(chain: Chain, data: str, subject: str, link: Path, truth: Path, speed: float) -> Iterator[None]:
    """Run `har simulate` until the block ends, and wait for its port before entering it."""
    arguments = ["--link", str(link), "--speed", f"{speed:g}", "--timestamps", "--loop", "--truth", str(truth)]
    command = chain.note("simulate", "--data", data, "--subject", subject, *arguments)
    simulator = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_port(simulator, link)
        yield
    finally:
        if simulator.poll() is None:
            simulator.terminate()
        try:
            simulator.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            simulator.kill()
            simulator.wait()


def _await_port(simulator: "subprocess.Popen[bytes]", link: Path) -> None:
    """Wait until the virtual sensor's port is there."""
    deadline_s = time.monotonic() + _PORT_TIMEOUT_S
    while not link.is_symlink():
        if simulator.poll() is not None or time.monotonic() > deadline_s:
            raise HarError(
                f"demo: expected a virtual sensor at {link}, it did not come",
                next_step="Run the `har simulate` command above alone and read its message.",
            )
        time.sleep(0.05)


def _classify(chain: Chain, bundle: Path, link: Path, labels: Path, play_s: float, *, view: bool) -> None:
    """Run `har live` for ``play_s``, with its view or without a word on stdout."""
    arguments = ["live", str(bundle), "--port", str(link), "--unit", "g", "--duration", f"{play_s:g}"]
    arguments += ["--jsonl", str(labels)]
    typed = chain.note(*arguments, *([] if view else ["--json"]))
    finished = subprocess.run(typed, stdout=None if view else subprocess.DEVNULL, check=False)
    if finished.returncode != 0:
        raise HarError(
            f"demo: `har live` ended with exit code {finished.returncode}",
            next_step="Its message stands above.",
        )


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
