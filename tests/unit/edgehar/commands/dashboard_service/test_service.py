"""What pages may ask: names that they were given, takes, models; never a path, and never a traceback."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehar.commands.dashboard_service.catalog import Catalog
from edgehar.commands.dashboard_service.service import DashboardService, Running
from edgehar.firmware_bridge.live.sinks.dashboard import DashboardSink
from edgehar.firmware_bridge.record.takes_in_background import TakeRecorder
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.web.mailboxes import Mailbox, Mailboxes
from edgehar.models.architecture import named_architecture
from edgehar.models.bundle import Bundle
from edgehar.models.engines import load_engine
from edgehar.models.errors import UsageError

ACTIONS = ("switch", "begin", "end", "keep", "guide", "discard", "rename", "fit", "cancel", "play", "nonsense")


class Loop:
    """Keeps which model it was told to use."""

    def __init__(self) -> None:
        self.used: list[tuple[str, str]] = []

    def use_model(self, engine: Any, manifest: Any) -> None:
        self.used.append((engine.name, manifest.model_id))


class Page:
    """A service, and one page of it."""

    def __init__(self, folder: Path, bundle: Bundle, other: Bundle) -> None:
        self.folder = folder
        bundle.save(folder / "first")
        other.save(folder / "second")
        self.mailboxes = Mailboxes()
        self.catalog = Catalog(folder / "recordings")
        self.catalog.add(folder / "first")
        self.catalog.add(folder / "second")
        sink = DashboardSink(
            self.mailboxes.publish, labels=bundle.manifest.labels, model_id=bundle.manifest.model_id, port="p"
        )
        self.service = DashboardService(self.catalog, self.mailboxes, Running("first", "numpy", "float32"), sink=sink)
        self.loop = Loop()
        self.service.loop = self.loop  # type: ignore[assignment]
        self.recorder = TakeRecorder(
            folder / "recordings", source="p", stream=lambda: ("g", 100.0), changed=self.service.recorder_changed
        )
        self.service.recorder = self.recorder
        self.mailbox = Mailbox()
        self.replies: list[dict[str, Any]] = []

    def ask(self, **request: Any) -> None:
        """Ask as a page does."""
        self.service.asked(request, self.replies.append)

    def reply(self, kind: str, seconds: float = 60.0) -> dict[str, Any]:
        """Return the next reply of a kind."""
        deadline_s = time.monotonic() + seconds
        while True:
            for reply in self.replies:
                if reply["kind"] == kind:
                    self.replies.remove(reply)
                    return json.loads(json.dumps(reply))
            assert time.monotonic() < deadline_s, self.replies
            time.sleep(0.01)

    def send(self, count: int, *, start: int = 0, channels: int = 3) -> None:
        """Let samples come."""
        generator = np.random.default_rng(1)
        for first in range(start, start + count, 20):
            samples = generator.normal([0.9, 0, 0, 9, 0, 0][:channels], 0.3, (20, channels)).astype(np.float32)
            self.recorder.sampled(SampleBlock(samples, np.arange(first, first + 20) / 100, time.monotonic()))


@pytest.fixture
def page(tmp_path: Path, random_bundle: Callable[..., Bundle]) -> Iterator[Page]:
    six = random_bundle(named_architecture("simple_rnn", channels=6), 2)
    made = Page(tmp_path, random_bundle("simple_rnn", 1), six)
    try:
        yield made
    finally:
        made.service.close()


def test_a_model_is_changed_by_its_name(page: Page) -> None:
    with page.mailboxes.joined() as mine:
        page.ask(do="switch", model="second", engine="numpy", quantization="float32")
        deadline_s = time.monotonic() + 60
        while not page.loop.used:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        page.service._worker.submit(lambda: None).result()
        assert json.loads(mine.take()[0]) == {
            "kind": "running", "model": "second", "engine": "numpy", "quantization": "float32",
        }  # fmt: skip
    assert page.loop.used == [("numpy", page.catalog.model("second").open().manifest.model_id)]
    assert page.service.welcome()["running"]["model"] == "second"


@pytest.mark.parametrize("name", ["/etc", "../first", "first/", "", None, 3, ["first"]])
def test_a_path_is_no_name(page: Page, name: object) -> None:
    page.ask(do="switch", model=name)
    assert "expected one of the models on the page" in page.reply("problem")["text"]
    page.ask(do="play", capture=name)
    assert "expected one of the recordings on the page" in page.reply("problem")["text"]
    page.ask(do="fit", captures=[name])
    assert page.reply("problem")["text"]
    assert page.loop.used == []


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "begin", "activity": "", "subject": "7"}, "the name of an activity, got nothing"),
        ({"do": "begin", "activity": "a", "subject": "  "}, "who wears the sensor, got nothing"),
        ({"do": "begin", "activity": "a" * 61, "subject": "7"}, "at most 60 characters, got 61"),
        ({"do": "keep", "activity": "a\x1b[2J", "subject": "7"}, "visible characters, got U+001B"),
        ({"do": "guide", "activities": [], "seconds": 20, "subject": "7"}, "1 to 30 activities"),
        ({"do": "guide", "activities": ["a"], "seconds": 1e9, "subject": "7"}, "5 to 600 seconds"),
        ({"do": "guide", "activities": ["a"], "seconds": True, "subject": "7"}, "5 to 600 seconds"),
        ({"do": "fit", "captures": []}, "none is chosen"),
        ({"do": "switch", "model": "first", "engine": "litert"}, "engine litert: expected a tflite artifact"),
        ({"do": "switch", "model": "first", "engine": "rm -rf"}, "engine: expected one of auto"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(page: Page, request_: dict[str, Any], said: str) -> None:
    page.ask(**request_)
    assert said in page.reply("problem")["text"]


requests = st.dictionaries(
    st.sampled_from(["model", "engine", "quantization", "activity", "subject", "activities", "seconds", "number",
                     "captures", "capture"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.just("first"),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=4,
    ),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(ACTIONS), requests)
def test_no_request_breaks_the_service(page: Page, action: str, fields: dict[str, Any]) -> None:
    before = sorted(path.name for path in page.folder.iterdir())
    page.ask(do=action, **fields)
    page.service._worker.submit(lambda: None).result()
    assert not any("internal error" in reply.get("text", "") for reply in page.replies)
    assert sorted(path.name for path in page.folder.iterdir() if path.name != "recordings") == [
        name for name in before if name != "recordings"
    ]
    page.replies.clear()


@pytest.mark.parametrize(("channels", "model"), [(3, "first"), (6, "first"), (6, "second")])
def test_a_capture_is_played_as_the_live_session_would_have_said_it(page: Page, channels: int, model: str) -> None:
    page.send(1400, channels=channels)
    page.ask(do="keep", activity="Sitting", subject="7")
    deadline_s = time.monotonic() + 60
    while not page.recorder.state.takes:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    (name,) = page.catalog.captures()
    page.ask(do="play", capture=name, model=model)
    played = page.reply("playback")
    assert played["model"] == model
    assert ("gx" in played) == (channels == 6)
    assert [take["activity"] for take in played["takes"]] == ["Sitting"]
    assert played["takes"][0]["to_s"] == pytest.approx(played["seconds"], abs=0.1)
    bundle = page.catalog.model(model).open()
    window = bundle.manifest.window
    samples = np.stack([played[name] for name in window.channels], axis=1).astype(np.float32)
    stacked = [samples[at : at + window.length] for at in range(0, len(samples) - window.length + 1, window.hop)]
    said = load_engine(bundle, "numpy").predict(np.stack(stacked))
    found = np.array([list(each["probabilities"].values()) for each in played["labels"]])
    # The page is given three decimals of a sample.
    np.testing.assert_allclose(found, said, atol=0.02)


def test_a_capture_without_a_gyroscope_is_not_played_with_a_model_that_needs_one(page: Page) -> None:
    page.send(400)
    page.ask(do="keep", activity="Sitting", subject="7")
    deadline_s = time.monotonic() + 20
    while not page.recorder.state.takes:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    page.ask(do="play", capture=next(iter(page.catalog.captures())), model="second")
    assert "expected a capture of x, y, z, gx, gy, gz" in page.reply("problem")["text"]


def test_the_model_is_fitted_to_what_was_recorded_and_offered(page: Page) -> None:
    for place, name in enumerate(("Sitting", "Standing")):
        page.send(1200, start=5000 * place)
        page.ask(do="keep", activity=name, subject="7")
        deadline_s = time.monotonic() + 60
        while len(page.recorder.state.takes) <= place:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
    page.ask(do="fit", captures=list(page.catalog.captures()))
    deadline_s = time.monotonic() + 200
    while page.service._fitting.state.running:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    state = page.service._fitting.state
    assert state.problem == "" or "mounted" in state.problem or "worn" in state.problem, state.problem
    if state.model:
        assert page.catalog.model(state.model).path.parent == page.folder / "recordings"


def test_without_a_sensor_nothing_is_recorded(tmp_path: Path, random_bundle: Callable[..., Bundle]) -> None:
    random_bundle("simple_rnn", 1).save(tmp_path / "first")
    catalog = Catalog(tmp_path / "recordings")
    catalog.add(tmp_path / "first")
    service = DashboardService(catalog, Mailboxes(), Running("first", "numpy", "float32"))
    replies: list[dict[str, Any]] = []
    service.asked({"do": "begin", "activity": "a", "subject": "7"}, replies.append)
    assert "Expected a live sensor to record" in replies[0]["text"]
    assert service.welcome()["live"] is None
    service.close()


def test_two_bundles_of_one_name_are_told_apart(tmp_path: Path, random_bundle: Callable[..., Bundle]) -> None:
    catalog = Catalog(tmp_path)
    for folder in ("a", "b"):
        random_bundle("simple_rnn", 1).save(tmp_path / folder / "lstm")
        catalog.add(tmp_path / folder / "lstm")
    assert [model.name for model in catalog.models()] == ["lstm", "lstm (2)"]
    with pytest.raises(UsageError):
        catalog.model("b")
