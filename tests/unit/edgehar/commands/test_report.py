"""`har report`: one page whose numbers are those of the other commands, whatever the bundle calls its activities."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.commands.evaluate import evaluate
from edgehar.commands.report import report
from edgehar.commands.report.facts import ReportFacts
from edgehar.commands.report.learning import FILE, learning_figure, read_learning_curves
from edgehar.commands.report.page import report_page
from edgehar.commands.report.signal import signal_traces
from edgehar.firmware_bridge.benchmark.machine import describe_machine
from edgehar.firmware_bridge.benchmark.results import BenchmarkResult, Settings
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset
from edgehar.reporting.page import render_page

HOSTILE = {
    "Walking Forward": "<script>alert(1)</script>",
    "Sitting": "Sit&lt;ting",
    "Standing": '"><img src=x onerror=alert(1)>',
    "Sleeping": "a name that goes on and on " * 4,
}
SECTIONS = [
    "At a glance",
    "What is taken for what",
    "Person by person",
    "Learning curves",
    "How sure, and how often right",
    "Over time",
    "Accuracy, speed and size",
    "When the sensor differs",
    "Where it comes from",
]


class _Page(HTMLParser):
    """Collects the tags and headings of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.headings: list[str] = []
        self.text = ""
        self._in_heading = False
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._in_heading = tag == "h2"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_heading:
            self.headings.append(data)
            self._in_heading = False


def _renamed(dataset: Dataset, names: dict[str, str]) -> Dataset:
    """Return a data set whose activities have other names."""

    def of(recording: Recording) -> Recording:
        labels = tuple(replace(each, activity=names.get(each.activity, each.activity)) for each in recording.labels)
        return replace(recording, labels=labels)

    activities = tuple(names.get(name, name) for name in dataset.activities)
    return replace(dataset, activities=activities, recordings=tuple(map(of, dataset.recordings)))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Recordings of five virtual people."""
    return synthetic_dataset(people=5, seconds_per_activity=8)


@pytest.fixture(scope="module")
def data(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The same, as a store."""
    path = tmp_path_factory.mktemp("data") / "store"
    save_store(dataset, path)
    return str(path)


@pytest.fixture
def trained(random_bundle: Callable[..., Bundle], dataset: Dataset) -> Bundle:
    """A bundle that says that it learned from two of them."""
    bundle = random_bundle("simple_rnn")
    configuration = {"train_subjects": ["1", "2"], "held_out_subjects": ["3", "4", "5"]}
    provenance = replace(bundle.manifest.provenance, dataset=dataset.name, configuration=configuration)
    return replace(bundle, manifest=replace(bundle.manifest, provenance=provenance))


def _reported(
    bundle: Bundle, data: str, folder: Path, capsys: pytest.CaptureFixture[str], **options: Any
) -> tuple[_Page, dict[str, Any]]:
    """Write a report, and return the page and what was printed."""
    bundle.save(folder / "bundle")
    report(folder / "bundle", data, out=folder / "page.html", bench=False, as_json=True, **options)
    return _Page(folder / "page.html"), json.loads(capsys.readouterr().out)


def test_the_page_says_what_evaluate_says(
    trained: Bundle, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, printed = _reported(trained, data, tmp_path, capsys)
    assert page.headings == SECTIONS
    evaluate(tmp_path / "bundle", [data], as_json=True)
    judged = json.loads(capsys.readouterr().out)
    assert {key: printed[key] for key in ("accuracy", "macro_f1", "confusion", "protocol", "per_subject")} == {
        key: judged[key] for key in ("accuracy", "macro_f1", "confusion", "protocol", "per_subject")
    }
    assert printed["honest"] is True
    assert f"{judged['macro_f1']:.3f}" in page.text
    assert judged["protocol"] in page.text
    assert printed["robustness"]["as recorded"] == pytest.approx(judged["macro_f1"])
    assert len(printed["robustness"]) == 11
    low, high = printed["intervals"]["macro_f1"]
    assert 0 <= low <= high <= 1
    assert printed["calibration"]["temperature"] > 0
    assert "person 3" in page.text
    assert "float32" in page.text


def test_it_is_one_file_that_runs_and_loads_nothing(
    trained: Bundle, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, _ = _reported(trained, data, tmp_path, capsys)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "a"}
    assert not re.search(r"https?:(?!//www\.w3\.org/)", page.source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "page.html"]


def test_hostile_labels_stay_text(
    trained: Bundle, dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_store(_renamed(dataset, HOSTILE), tmp_path / "store")
    labels = tuple(HOSTILE.get(name, name) for name in trained.manifest.labels)
    hostile = replace(trained, manifest=replace(trained.manifest, labels=labels))
    page, printed = _reported(hostile, str(tmp_path / "store"), tmp_path, capsys)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not {name for name in page.attributes if name.startswith("on")}
    assert "<script>alert(1)</script>" in page.text
    assert "Sit&lt;ting" in page.text
    assert printed["labels"] == list(labels)


def test_texts_that_turn_their_neighbours_are_made_visible(
    trained: Bundle, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[ReportFacts] = []
    monkeypatch.setattr("edgehar.commands.report.report_page", lambda facts, **_: measured.append(facts) or "")
    trained.save(tmp_path / "bundle")
    report(tmp_path / "bundle", data, out=tmp_path / "page.html", bench=False)
    (facts,) = measured
    manifest = replace(facts.manifest, model_id="lstm\u202e<b>", labels=("a\u2066b", *facts.manifest.labels[1:]))
    made = report_page(replace(facts, dataset="USC\u202eHAD\x00", manifest=manifest), command_line="har \u2067 report")
    assert not re.search("[\x00\u202e\u2066\u2067]", made)
    assert "USC⟨U+202E⟩HAD⟨U+0000⟩" in made
    assert "lstm⟨U+202E⟩&lt;b&gt;" in made
    assert "har ⟨U+2067⟩ report" in made


def test_people_the_model_learned_from_are_said_loudly(
    trained: Bundle, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, printed = _reported(trained, data, tmp_path, capsys, subjects="1,3")
    assert printed["honest"] is False
    assert "NOT HONEST" in page.text
    assert "Such numbers say nothing about other people" in page.text
    assert printed["intervals"] is None
    assert "fewer than three people" in page.text


def test_a_decoder_gets_a_row_and_a_column_of_its_own(
    trained: Bundle, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, _ = _reported(trained, data, tmp_path / "plain", capsys)
    decoded, _ = _reported(trained.with_decoder(DecoderSpec(4, 0.2, 2)), data, tmp_path / "decoded", capsys)
    assert "The decoder of this bundle changes nothing" in plain.text
    assert "with the decoder" not in plain.text
    assert "with the decoder" in decoded.text
    assert "The decoder of this bundle changes nothing" not in decoded.text


def test_other_data_hold_nobody_to_fit_a_temperature_on(
    trained: Bundle, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = replace(trained.manifest.provenance, dataset="another data set")
    bundle = replace(trained, manifest=replace(trained.manifest, provenance=foreign))
    page, printed = _reported(bundle, data, tmp_path, capsys)
    assert printed["calibration"]["temperature"] is None
    assert "a temperature could not be fitted" in page.text


@pytest.mark.parametrize(
    ("options", "error"),
    [({"subjects": "99"}, UsageError), ({"person": "1"}, UsageError), ({"subjects": " , "}, UsageError)],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(
    trained: Bundle, data: str, tmp_path: Path, options: dict[str, str], error: type[Exception]
) -> None:
    trained.save(tmp_path / "bundle")
    with pytest.raises(error):
        report(tmp_path / "bundle", data, out=tmp_path / "page.html", bench=False, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_is_no_page(trained: Bundle, data: str, tmp_path: Path) -> None:
    trained.save(tmp_path / "bundle")
    with pytest.raises(UsageError, match="expected a file"):
        report(tmp_path / "bundle", data, out=tmp_path, bench=False)


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(UsageError, match="expected a place that can be written to"):
        report(tmp_path / "no bundle", "no data", out=tmp_path / "file" / "page.html")


def test_a_file_that_is_no_page_is_not_replaced(trained: Bundle, data: str, tmp_path: Path) -> None:
    (tmp_path / "recordings.csv").write_text("x,y,z\n")
    with pytest.raises(UsageError, match="it would be lost"):
        report(tmp_path / "bundle", data, out=tmp_path / "recordings.csv")
    assert (tmp_path / "recordings.csv").read_text() == "x,y,z\n"
    trained.save(tmp_path / "bundle")
    (tmp_path / "page.html").write_text(render_page(title="an earlier page", sections=[]), encoding="utf-8")
    report(tmp_path / "bundle", data, out=tmp_path / "page.html", bench=False)
    assert _Page(tmp_path / "page.html").headings == SECTIONS


def test_an_interrupted_benchmark_makes_no_report(
    trained: Bundle, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> BenchmarkResult:
        return BenchmarkResult(describe_machine(), Settings(), (), (), interrupted=True)

    monkeypatch.setattr("edgehar.commands.report.speed.run_benchmark", interrupted)
    trained.save(tmp_path / "bundle")
    with pytest.raises(KeyboardInterrupt):
        report(tmp_path / "bundle", data, out=tmp_path / "page.html")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_activities_the_model_does_not_know_are_refused(trained: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    save_store(_renamed(dataset, {"Sitting": "Swimming"}), tmp_path / "store")
    trained.save(tmp_path / "bundle")
    with pytest.raises(DataError, match="Swimming"):
        report(tmp_path / "bundle", str(tmp_path / "store"), out=tmp_path / "page.html", bench=False)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
EPOCHS = st.lists(st.dictionaries(st.sampled_from(["number", "final_loss", "accuracy", "held_out_loss"]), VALUES))
NUMBERED = st.lists(st.fixed_dictionaries(dict.fromkeys(["number", "final_loss", "accuracy"], st.floats(-1e12, 1e12))))


@given(st.fixed_dictionaries({"epochs": EPOCHS | NUMBERED | VALUES, "kept_epoch": VALUES}) | st.lists(VALUES) | VALUES)
def test_learning_curves_of_a_stranger_are_drawn_or_left_out(content: Any) -> None:
    curves = read_learning_curves({FILE: json.dumps(content).encode()})
    assert curves is None or "<svg" in learning_figure(curves, name="lstm")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"epochs": 5}', b'{"epochs": []}'])
def test_damaged_learning_curves_are_left_out(content: bytes) -> None:
    assert read_learning_curves({FILE: content}) is None


def test_learning_curves_show_held_out_people_where_the_bundle_has_them() -> None:
    epochs = [{"number": n, "final_loss": 1 / n, "accuracy": 0.5} for n in (1, 2, 3)]
    without = read_learning_curves({FILE: json.dumps({"kept_epoch": 3, "epochs": epochs}).encode()})
    held_out = [{**epoch, "held_out_loss": 1.0, "held_out_accuracy": 0.4} for epoch in epochs]
    with_them = read_learning_curves({FILE: json.dumps({"kept_epoch": 3, "epochs": held_out}).encode()})
    assert without is not None
    assert with_them is not None
    assert "people never learned from</text>" not in learning_figure(without, name="lstm")
    assert "people never learned from</text>" in learning_figure(with_them, name="lstm")


def test_a_signal_is_a_window_of_every_activity_and_crosses_no_gap() -> None:
    samples = np.arange(1500, dtype=np.float32).reshape(500, 3)
    labels = (LabelInterval(0, 200, "Sitting"), LabelInterval(200, 250, "Standing"), LabelInterval(250, 500, "Walking"))
    recording = Recording("r", "1", samples, 50.0, labels, gaps=(375,))
    assert [trace.label for trace in signal_traces([recording], duration_s=2.0)] == ["Sitting"]
    (sitting,) = signal_traces([recording], duration_s=2.0)
    assert [len(axis) for axis in sitting.axes] == [100, 100, 100]
    assert sitting.axes[0][0] == samples[50, 0]
