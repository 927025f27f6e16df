"""The dashboard in a real browser, in front of `har live` and a simulated sensor on a pty."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.models.architecture import named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.capture_file import read_capture, takes_of
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset

pytest.importorskip("websockets", reason="websockets is not installed: edgehar[ws]")

HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>window.hacked=1</script>", "&amp;\"'", "{{7*7}}")
APPEARANCE = Path(__file__).with_name("test_appearance.py").read_text(encoding="utf-8")


def script_of(name: str) -> str:
    """Return a script of the phone page's tests, so that both pages are held to the same."""
    found: dict[str, Any] = {}
    text = re.search(rf'^{name} = (""".*?""")', APPEARANCE, re.MULTILINE | re.DOTALL)
    assert text is not None
    exec(f"value = {text[1]}", found)
    return found["value"]


class Live:
    """A simulated sensor and `har live --dashboard` in front of it."""

    def __init__(self, folder: Path, bundle: Path, also: list[Path]) -> None:
        self.folder, self.labels_file = folder, folder / "labels.jsonl"
        self.recordings, self.port = folder / "recordings", folder / "port"
        self.bundle, self.also = bundle, also
        self.sensor = self.start_sensor()
        options = [part for each in also for part in ("--also", str(each))]
        self.live = self._har(
            "live", str(bundle), "--port", str(self.port), "--dashboard", "--dashboard-port", "0", "--raw", "--plain",
            "--recordings", str(self.recordings), "--jsonl", str(self.labels_file), "--engine", "numpy", "--hop", "50",
            *options,
        )  # fmt: skip
        self.url = ""
        while not self.url:
            line = self.live.stderr.readline()
            assert line, "har live has ended"
            self.url = line.removeprefix("dashboard: ").strip() if line.startswith("dashboard: ") else ""

    def start_sensor(self) -> subprocess.Popen[str]:
        """Plug the sensor in."""
        sensor = self._har("simulate", "--data", "motion", "--link", str(self.port), "--loop", "--protocol", "frames")
        deadline_s = time.monotonic() + 60
        while not self.port.exists():
            assert sensor.poll() is None
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        return sensor

    def labels(self) -> list[dict[str, Any]]:
        """Return what the JSON lines say until now."""
        whole = self.labels_file.read_text(encoding="utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def close(self) -> None:
        """End both."""
        for process in (self.live, self.sensor):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in (self.live, self.sensor):
            process.communicate(timeout=60)

    def _har(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "edgehar", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ},
            cwd=self.folder,
        )


def with_gyroscope(data: Dataset) -> Dataset:
    """Return recordings with a turning rate that is like the acceleration."""
    recordings = (replace(each, samples=np.hstack([each.samples, 90 * each.samples])) for each in data.recordings)
    return replace(data, recordings=tuple(recordings))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, random_bundle: Callable[..., Bundle]) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("dashboard")
    save_store(with_gyroscope(synthetic_dataset()), folder / "motion")
    random_bundle(named_architecture("simple_rnn", channels=6), 1, gain=3.0).save(folder / "first")
    second = random_bundle("lstm", 2, gain=3.0)
    labels = (*HOSTILE, *second.manifest.labels[len(HOSTILE) :])
    replace(second, manifest=replace(second.manifest, labels=labels)).save(folder / "hostile")
    running = Live(folder, folder / "first", [folder / "hostile"])
    try:
        yield running
    finally:
        running.close()


def is_complaint(said: Any) -> bool:
    """Tell whether the console holds an error of the page; that the program has ended, it says itself."""
    return said.type == "error" and "ERR_CONNECTION_REFUSED" not in said.text


@pytest.fixture
def page(browser: Any, live: Live) -> Iterator[Any]:
    """The page in Chromium; what it complains about fails the test."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    opened.goto(live.url)
    opened.wait_for_selector("#label:not(.idle)", timeout=60_000)
    yield opened
    context.close()
    assert complaints == []


def until(page: Any, expression: str, *, seconds: float = 60.0) -> None:
    """Wait until an expression holds on the page; its policy lets no other way in."""
    deadline_s = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline_s, expression
        page.wait_for_timeout(50)


WATCH = r"""() => {
  window.shown = [];
  const keep = () => {
    const [label, text] = ["label", "confidence"].map((id) => document.getElementById(id).textContent);
    if (/at [\d.]+ s/.test(text)) window.shown.push([label, text]);
  };
  const changes = { childList: true, characterData: true, subtree: true };
  new MutationObserver(keep).observe(document.getElementById("confidence"), changes);
}"""
"""Keep every label that is shown; on a busy machine there are pauses in which the page says that there is none."""


def test_the_labels_on_the_page_are_those_of_the_json_lines(page: Any, live: Live) -> None:
    page.evaluate(WATCH)
    until(page, "window.shown.length >= 8", seconds=60)
    shown = [(label, float(re.search(r"at ([\d.]+) s", text)[1])) for label, text in page.evaluate("window.shown")]
    told = {round(each["t_s"], 1): each["label"] for each in live.labels()}
    assert [told[at] for _, at in shown] == [label for label, _ in shown]


def test_two_tabs_show_the_same(page: Any, live: Live) -> None:
    other = page.context.new_page()
    other.goto(live.url)
    other.wait_for_selector("#label:not(.idle)")
    for each in (page, other):
        each.evaluate(WATCH)
    for each in (page, other):
        until(each, "window.shown.length >= 8", seconds=60)
    one, two = (
        {text.split(" at ")[1]: (label, text) for label, text in each.evaluate("window.shown")}
        for each in (page, other)
    )
    both = one.keys() & two.keys()
    assert len(both) >= 4, (one, two)
    assert all(one[at] == two[at] for at in both)
    other.close()


def test_a_take_is_recorded_labelled_and_played_with_its_label(page: Any, live: Live) -> None:
    page.fill("#subject", "7")
    page.fill("#activity", "Climbing <b>")
    page.click("#record")
    until(page, "document.getElementById('record').textContent.includes('Climbing <b>, 3 s')")
    page.click("#record")
    until(page, "document.getElementById('takes').textContent.includes('Climbing <b> (7)')")
    page.fill("#activity", "Sitting")
    page.click("#keep")
    until(
        page,
        "document.getElementById('takes').rows.length >= 2 || document.getElementById('recording-notices').textContent",
    )
    capture = read_capture(next(iter(live.recordings.glob("7-*.harcap"))))
    takes = takes_of(capture.events)
    assert takes[1]["activity"] == "Climbing <b>"
    assert capture.channels == 6
    shown_s = float(page.inner_text("#takes tr:first-child td.number"))
    assert takes[1]["stop_s"] - takes[1]["start_s"] == pytest.approx(shown_s, abs=0.06)
    assert shown_s >= 3
    page.get_by_role("button", name=re.compile("^Play 7-")).first.click()
    page.wait_for_selector("#player:not([hidden])", timeout=60_000)
    page.click("#play")
    page.evaluate(
        "() => { const at = document.getElementById('position'); at.value = at.max; "
        "at.dispatchEvent(new Event('input')); }"
    )
    assert "Climbing <b>" in page.get_attribute("#truth", "aria-label")
    at_end = page.inner_text("#label")
    assert turns_as_it_moves(page)
    assert at_end in read_labels(live)
    page.click("#close-player")
    page.wait_for_selector("#player", state="hidden")
    page.wait_for_selector("#label:not(.idle)")
    until(page, f"({TURNS})()")


TURNS = r"""() => {
  const [x, gx] = ["x", "gx"].map((id) => Number(document.getElementById(id).textContent));
  return document.getElementById("turning-trace").querySelector("canvas").width > 100 && Math.abs(gx - 90 * x) < 2;
}"""
"""Whether the turning rate is drawn, and the number beside it is of the same sample as that of the acceleration."""


def turns_as_it_moves(page: Any) -> bool:
    """Tell whether the turning rate that is shown belongs to the acceleration that is shown."""
    return bool(page.evaluate(TURNS))


def read_labels(live: Live) -> set[str]:
    """Return the class labels of the first model."""
    manifest = json.loads((live.bundle / "manifest.json").read_text(encoding="utf-8"))
    return {*manifest["labels"], "unknown"}


def test_another_model_with_hostile_labels_runs_and_hurts_nobody(page: Any, live: Live) -> None:
    before = len(live.labels())
    page.select_option("#model", "hostile")
    page.select_option("#engine", "numpy/float32")
    page.click("#switch")
    until(page, "document.getElementById('probabilities').textContent.includes('<img src=x')")
    deadline_s = time.monotonic() + 60
    while HOSTILE[0] not in live.labels()[-1]["probabilities"]:
        assert time.monotonic() < deadline_s, "another model tells labels"
        page.wait_for_timeout(100)
    page.wait_for_selector("#label:not(.idle)")
    rows = page.eval_on_selector_all("#probabilities .name", "nodes => nodes.map((node) => node.textContent)")
    assert rows[: len(HOSTILE)] == list(HOSTILE)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    newest = live.labels()
    assert len(newest) > before
    assert [each["t_s"] for each in newest] == sorted(each["t_s"] for each in newest)
    page.select_option("#model", "first")
    page.click("#switch")
    until(page, "!document.getElementById('probabilities').textContent.includes('<img')")


def test_an_engine_that_cannot_run_is_a_sentence_and_the_old_one_goes_on(page: Any, live: Live) -> None:
    page.evaluate("() => document.getElementById('engine').add(new Option('x', 'litert/int8'))")
    page.select_option("#engine", "litert/int8")
    page.click("#switch")
    page.wait_for_selector("#notices li.warn")
    assert "engine litert: expected a tflite artifact" in page.inner_text("#notices")
    page.evaluate(WATCH)
    until(page, "window.shown.length >= 3", seconds=60)


def test_a_page_of_another_origin_gets_nothing(browser: Any, live: Live, page: Any) -> None:
    stranger = browser.new_page()
    stranger.route("http://stranger.test/", lambda route: route.fulfill(body="<p>hello", content_type="text/html"))
    stranger.goto("http://stranger.test/")
    ended = stranger.evaluate(
        "(url) => new Promise((done) => { const socket = new WebSocket(url); "
        "socket.onmessage = () => done('message'); socket.onclose = () => done('closed'); })",
        live.url.replace("http", "ws") + "ws",
    )
    assert ended == "closed"
    stranger.close()


def test_a_sensor_that_is_gone_is_shown_and_waited_for(page: Any, live: Live) -> None:
    live.sensor.send_signal(signal.SIGINT)
    live.sensor.communicate(timeout=60)
    until(page, "document.getElementById('source').textContent.includes('silent')")
    assert page.inner_text("#label") == "Silence"
    assert "unplugged; waiting for it" in page.inner_text("#remarks")
    live.sensor = live.start_sensor()
    page.wait_for_selector("#label:not(.idle)", timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_everything_can_be_read_and_reached(browser: Any, live: Live, page: Any, scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    try:
        opened = context.new_page()
        opened.goto(live.url)
        opened.wait_for_selector("#label:not(.idle)")
        opened.click("summary")
        opened.wait_for_timeout(1500)
        assert opened.evaluate(script_of("CONTRAST")) == []
        nameless = """() => [...document.querySelectorAll("button, input, select, a, progress, output, [role=img]")]
          .filter((node) => !((node.labels?.[0]?.textContent ?? "") + node.textContent
            + (node.getAttribute("aria-label") ?? "")).trim()).map((node) => node.outerHTML)"""
        assert opened.evaluate(nameless) == []
        small = """() => [...document
          .querySelectorAll("button, select, summary, input:not([type=checkbox]), label.option")]
          .map((node) => [node.outerHTML.slice(0, 60), node.getBoundingClientRect()])
          .filter(([, box]) => box.width && (box.height < 36 || box.width < 36)).map(([text]) => text)"""
        assert opened.evaluate(small) == []
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert opened.evaluate("getComputedStyle(document.querySelector('.bar i')).transitionDuration") == "0s"
    finally:
        context.close()


def test_the_keyboard_alone_is_enough_and_shows_where_it_is(page: Any) -> None:
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => [document.activeElement.id || document.activeElement.tagName, "
            "getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert outline != "none" or name == "BODY", name
        reached.append(name)
    assert {"activity", "subject", "record", "keep", "SUMMARY", "model", "engine"} <= set(reached)


def test_it_ends_with_the_program_and_says_so(page: Any, live: Live) -> None:
    live.live.send_signal(signal.SIGINT)
    assert live.live.wait(timeout=60) == 130
    until(page, "document.getElementById('label').textContent === 'Not connected'")
    assert "has ended" in page.inner_text("#notices")
