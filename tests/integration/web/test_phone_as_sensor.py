"""The page of a phone that is a sensor, and `har live` behind it: every reading arrives once, at its time."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.firmware_bridge.web.phone_line import PhoneLine

pytest.importorskip("trustme", reason="trustme is not installed: edgehar[phone]")
pytest.importorskip("websockets", reason="websockets is not installed: edgehar[ws]")

PHONE = {"viewport": {"width": 390, "height": 844}, "ignore_https_errors": True}


@pytest.fixture
def phone(browser, replay_script) -> Any:
    """A browser of a phone that replays what the test says; ``phone(url)`` opens the page and starts it."""
    context = browser.new_context(**PHONE)

    def opened(url: str, *, turns: bool = False) -> Any:
        page = context.new_page()
        page.add_init_script(replay_script + "hasSensor = true;")
        page.goto(url)
        page.set_checked("#turns", turns)
        page.click("#start")
        page.wait_for_selector("#label:has-text('Sending')")
        return page

    yield opened
    context.close()


def play(page: Any, samples: np.ndarray, *, first: int = 0) -> None:
    """Let the phone move at 50 Hz."""
    times = [1000 + 20 * (first + index) for index in range(len(samples))]
    page.evaluate("([samples, times]) => replay(samples, times)", [samples.tolist(), times])


def lines_of(line: PhoneLine, count: int, *, seconds: float = 20) -> list[str]:
    """Return so many lines as they come."""
    found, deadline = b"", threading.Event()
    timer = threading.Timer(seconds, deadline.set)
    timer.start()
    while found.count(b"\n") < count and not deadline.is_set():
        found += line.read(timeout_s=0.2)
    timer.cancel()
    return found.decode().splitlines()


def test_every_reading_arrives_once_at_its_time_over_a_break(phone) -> None:
    samples = np.round(np.random.default_rng(1).normal((0, 9.8, 0), 1, (300, 3)), 2)
    line = PhoneLine("phone://127.0.0.1:0")
    try:
        page = phone(line.page)
        play(page, samples[:100])
        found = lines_of(line, 100)
        # The connection breaks on the way; the page keeps what is felt meanwhile.
        line._phone[1].socket.shutdown(2)  # type: ignore[index]
        play(page, samples[100:200], first=100)
        page.wait_for_selector("#label:has-text('Sending')")
        play(page, samples[200:], first=200)
        found += lines_of(line, 200)
        times = [int(each.split()[0].removeprefix("t_ns:")) for each in found]
        values = [[float(part[2:]) for part in each.split()[2:5]] for each in found]
        assert len(found) == 300
        np.testing.assert_allclose(np.diff(times) / 1e6, 20, atol=1e-3)
        np.testing.assert_allclose(values, samples)
        page.wait_for_selector("#facts dd:has-text('300 samples')")
    finally:
        line.close()


def test_another_phone_is_told_and_the_first_goes_on(browser, phone, replay_script) -> None:
    line = PhoneLine("phone://127.0.0.1:0")
    context = browser.new_context(**PHONE)
    try:
        first = phone(line.page)
        second = context.new_page()
        second.add_init_script(replay_script + "hasSensor = true;")
        second.goto(line.page)
        second.click("#start")
        second.wait_for_selector("#notices li.warn:has-text('Another phone')")
        play(first, np.full((20, 3), 5.0))
        assert len(lines_of(line, 20)) == 20
    finally:
        context.close()
        line.close()


def test_a_page_without_the_code_says_so(browser, replay_script) -> None:
    line = PhoneLine("phone://127.0.0.1:0")
    context = browser.new_context(**PHONE)
    try:
        page = context.new_page()
        page.add_init_script(replay_script)
        page.goto(line.page.split("#")[0])
        page.click("#start")
        page.wait_for_selector("#notices li.warn:has-text('scan it again')")
    finally:
        context.close()
        line.close()


@pytest.mark.parametrize("turns", [False, True])
def test_har_live_labels_what_the_phone_feels(phone, compiled_bundle, tmp_path: Path, turns: bool) -> None:
    compiled_bundle("simple_rnn-6" if turns else "simple_rnn").save(tmp_path / "bundle")
    command = [sys.executable, "-m", "edgehar", "live", str(tmp_path / "bundle"), "--port"]
    command += ["phone://127.0.0.1:0", "--engine", "native", "--plain", "--jsonl", str(tmp_path / "labels.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as live:
        try:
            assert live.stderr is not None
            url = next(each.strip() for each in live.stderr if each.startswith("https://"))
            page = phone(url, turns=turns)
            samples = np.random.default_rng(1).normal((0, 9.8, 0, 90, 0, -45), 1, (600, 6))
            for first in range(0, 600, 50):
                play(page, samples[first : first + 50], first=first)
                page.wait_for_timeout(150)
            page.wait_for_timeout(1500)
        finally:
            live.send_signal(signal.SIGINT)
            out, err = live.communicate(timeout=60)
    labels = [json.loads(each) for each in (tmp_path / "labels.jsonl").read_text().splitlines()]
    said = [each for each in labels if "label" in each]
    assert len(said) >= 5, out + err
    assert {each["lost_samples"] for each in said} == {0}
