"""An archive of recordings: labels as of one stream, whatever parts it was cut into; what is wrong is said."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import PushSpec
from edgehar.models.decoder import Decoder
from edgehar.models.engines import load_engine
from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.bulk import tasks
from edgehar.pipeline.bulk.classification import classify_recordings, job_of
from edgehar.pipeline.bulk.inputs import find_inputs
from edgehar.pipeline.bulk.synthetic_weeks import movement, write_capture24, write_week
from edgehar.pipeline.data.rate_conversion import resample
from edgehar.pipeline.data.readers import load_dataset

HOUR = 1 / 24
Labels = Callable[[Path], pa.Table]


def run(bundle: Bundle, out: Path, *paths: Path | str, **options: object):
    """Classify in this process."""
    return classify_recordings(bundle, [str(path) for path in paths], out, workers=1, **options)


def expected(bundle: Bundle, samples: np.ndarray, hop: int = 100) -> tuple[list[str], list[float]]:
    """Return what the engine and the decoder say of a stream, window by window."""
    views = np.lib.stride_tricks.sliding_window_view(samples, 200, axis=0).swapaxes(1, 2)[::hop]
    decoder = Decoder.of_model(bundle.manifest, hop=hop)
    ways = decoder.watch(samples)[199::hop].tolist()
    rows = load_engine(bundle, "native").predict(np.ascontiguousarray(views))
    found = [decoder.decode(row, way) for row, way in zip(rows, ways, strict=True)]
    return [label.label for label in found], [np.float32(label.probability) for label in found]


@pytest.mark.parametrize("decoder", ["plain", "tuned"])
@pytest.mark.parametrize("part_rows", [1_000, 7_000, 10**9])
def test_parts_give_the_bits_of_one_stream(
    request: pytest.FixtureRequest, tmp_path: Path, labels_of: Labels, decoder: str, part_rows: int
) -> None:
    bundle = request.getfixturevalue("bundle" if decoder == "plain" else "tuned")
    path = write_week(tmp_path / "p" / "a.parquet", days=0.01, subject="7")
    job = replace(job_of(bundle), part_rows=part_rows)
    item = find_inputs([str(path)])[0]
    look = tasks.look(job, item)
    assert (len(look.cuts) > 1) == (part_rows < 10**9)
    made = tasks.finish(job, item, "k", look.plan, *(tasks.part(job, item, look.plan, cut) for cut in look.cuts))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "k.parquet").write_bytes(made.content)
    table = labels_of(tmp_path)
    labels, probabilities = expected(bundle, movement(0, 86_400))
    assert table["label"].to_pylist() == labels
    assert table["probability"].to_pylist() == probabilities
    assert table["start_s"].to_pylist() == [float(second) for second in range(len(labels))]
    assert set(table["subject"].to_pylist()) == {"7"}
    assert table["time"][0].as_py().isoformat() == "2014-05-13T17:00:00"


@pytest.mark.parametrize("hop", [100, 250])
@pytest.mark.parametrize("early", [0, 700, 2**17])
def test_parts_hear_the_elevators_of_one_stream(
    tuned: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labels_of: Labels, early: int, hop: int
) -> None:
    """However early a part begins to listen: where it is not sure what went before, it is listened to again."""
    monkeypatch.setattr(tasks, "BEFORE_SAMPLES", early)
    up, down, *_ = tuned.manifest.labels
    spec = replace(tuned.manifest.decoder, push=PushSpec(up, down), minimum_dwell_windows=1)
    model = replace(tuned, manifest=replace(tuned.manifest, decoder=spec))
    generator = np.random.default_rng(1)
    strength = np.repeat(generator.choice([0.0, 0.0, 0.0, 0.05, -0.05, 0.3], 300), 200)
    lengths = np.outer(1.0 + strength, [0.6, 0.0, 0.8]) + 0.003 * generator.standard_normal((60_000, 3))
    samples = np.delete(lengths.astype(np.float32), slice(31_000, 31_004), axis=0)
    times = np.delete(np.arange(60_000), slice(31_000, 31_004)) * 0.01
    columns = {name: np.ascontiguousarray(samples[:, axis]) for axis, name in enumerate("xyz")}
    pq.write_table(pa.table({"time": times, **columns}), tmp_path / "a.parquet", row_group_size=9_000)
    job, item = replace(job_of(model, hop=hop), part_rows=5_000), find_inputs([str(tmp_path / "a.parquet")])[0]
    look = tasks.look(job, item)
    assert len(look.cuts) > 5
    made = tasks.finish(job, item, "k", look.plan, *(tasks.part(job, item, look.plan, cut) for cut in look.cuts))
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "k.parquet").write_bytes(made.content)
    stretch = look.plan.stretches[0]
    whole = stretch.read(lambda first, last: samples[first:last], 0, len(stretch))
    labels, probabilities = expected(model, whole, hop)
    table = labels_of(tmp_path)
    assert table["label"].to_pylist() == labels
    assert table["probability"].to_pylist() == probabilities


@pytest.mark.parametrize(("smoothing", "dwell", "reject"), [(1, 1, 0.0), (1, 3, 0.2), (4, 1, 0.15), (5, 4, 0.25)])
def test_every_decoder_says_what_it_says_of_a_stream(
    bundle: Bundle, tmp_path: Path, labels_of: Labels, smoothing: int, dwell: int, reject: float
) -> None:
    spec = replace(
        bundle.manifest.decoder, smoothing_windows=smoothing, minimum_dwell_windows=dwell, reject_below=reject
    )
    model = replace(bundle, manifest=replace(bundle.manifest, decoder=spec))
    path = write_week(tmp_path / "a.parquet", days=0.005)
    run(model, tmp_path / "out", path, hop=20)
    labels, probabilities = expected(model, movement(0, 43_200), hop=20)
    table = labels_of(tmp_path / "out")
    assert table["label"].to_pylist() == labels
    assert table["probability"].to_pylist() == probabilities


def test_text_and_parquet_give_the_same_labels(bundle: Bundle, tmp_path: Path, labels_of: Labels) -> None:
    folder = write_capture24(tmp_path / "capture24", people=2, hours=0.05)
    samples = load_dataset(folder / "P001.csv.gz").recordings[0].samples
    table = pa.table(
        {"time": np.arange(len(samples)) * 0.01, **{name: samples[:, axis] for axis, name in enumerate("xyz")}}
    )
    pq.write_table(table, tmp_path / "P001.parquet")
    run(bundle, tmp_path / "text", folder)
    run(bundle, tmp_path / "parquet", tmp_path / "P001.parquet")
    text = labels_of(tmp_path / "text").filter(pa.compute.field("recording") == "P001")
    assert text.select(["label", "probability"]) == labels_of(tmp_path / "parquet").select(["label", "probability"])
    assert set(labels_of(tmp_path / "text")["subject"].to_pylist()) == {"P001", "P002"}


@pytest.mark.parametrize("rate_hz", [50.0, 62.5])
def test_another_rate_is_resampled_as_for_training(bundle: Bundle, tmp_path: Path, labels_of: Labels, rate_hz) -> None:
    count = round(300 * rate_hz)
    samples = movement(0, count, rate_hz=rate_hz)
    table = pa.table({name: np.ascontiguousarray(samples[:, axis]) for axis, name in enumerate("xyz")})
    pq.write_table(table.replace_schema_metadata({"rate_hz": str(rate_hz), "unit": "g"}), tmp_path / "a.parquet")
    run(bundle, tmp_path / "out", tmp_path / "a.parquet")
    labels, _ = expected(bundle, resample(samples, from_hz=rate_hz, to_hz=100.0))
    assert labels_of(tmp_path / "out")["label"].to_pylist() == labels


def test_another_unit_is_found_by_gravity(bundle: Bundle, tmp_path: Path, labels_of: Labels) -> None:
    run(bundle, tmp_path / "g", write_week(tmp_path / "a.parquet", days=0.005))
    run(bundle, tmp_path / "si", write_week(tmp_path / "b.parquet", days=0.005, unit_per_g=9.80665))
    one, other = labels_of(tmp_path / "g"), labels_of(tmp_path / "si")
    assert np.mean(np.array(one["label"]) == np.array(other["label"])) > 0.99


def test_gaps_end_windows_and_short_holes_are_filled_and_marked(
    bundle: Bundle, tmp_path: Path, labels_of: Labels
) -> None:
    samples = movement(0, 12_000)
    keep = np.ones(12_000, bool)
    keep[3_000:3_003] = False
    keep[7_000:7_500] = False
    times = pa.array((1_400_000_000_000 + 10 * np.arange(12_000))[keep], pa.timestamp("ms"))
    columns = {name: np.ascontiguousarray(samples[keep, axis]) for axis, name in enumerate("xyz")}
    pq.write_table(pa.table({"time": times, **columns}), tmp_path / "a.parquet")
    run(bundle, tmp_path / "out", tmp_path / "a.parquet")
    table = labels_of(tmp_path / "out")
    starts = table["start_s"].to_pylist()
    assert starts == pytest.approx([*range(69), *range(75, 119)])
    marked = [
        start for start, quality in zip(starts, table["quality"].to_pylist(), strict=True) if "bridged" in quality
    ]
    assert marked == pytest.approx([29.0, 30.0])
    assert table["coverage"].to_pylist()[29] == np.float32(1 - 3 / 200)
    run(bundle, tmp_path / "strict", tmp_path / "a.parquet", bridge_ms=0)
    strict = np.array(labels_of(tmp_path / "strict")["start_s"])
    assert not ((strict > 28.005) & (strict < 30.02)).any()


def test_values_that_are_missing_or_absurd_are_kept_out_of_windows(
    bundle: Bundle, tmp_path: Path, labels_of: Labels
) -> None:
    samples = movement(0, 6_000)
    samples[2_000] = np.nan
    samples[4_050] = 1e9
    table = pa.table({"time": np.arange(6_000) * 0.01, **{name: samples[:, axis] for axis, name in enumerate("xyz")}})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1000)
    run(bundle, tmp_path / "out", tmp_path / "a.parquet", bridge_ms=0)
    starts = np.array(labels_of(tmp_path / "out")["start_s"])
    for bad in (20.0, 40.5):
        assert not ((starts <= bad) & (bad < starts + 2 - 1e-9)).any()
    assert len(starts) > 45


def test_a_run_goes_on_where_it_stopped(bundle: Bundle, tmp_path: Path) -> None:
    one = write_week(tmp_path / "data" / "a.parquet", days=0.002, seed=1)
    assert len(run(bundle, tmp_path / "out", tmp_path / "data").done) == 1
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "labels").glob("*.parquet")}
    write_week(tmp_path / "data" / "b.parquet", days=0.002, seed=2)
    one.rename(tmp_path / "data" / "renamed.parquet")
    found = run(bundle, tmp_path / "out", tmp_path / "data")
    assert (found.done, found.skipped) == (("b.parquet",), ("renamed.parquet",))
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())


def test_a_journal_cut_short_and_labels_cut_short_are_done_again(bundle: Bundle, tmp_path: Path) -> None:
    for seed in (1, 2):
        write_week(tmp_path / "data" / f"{seed}.parquet", days=0.002, seed=seed)
    run(bundle, tmp_path / "out", tmp_path / "data")
    journal = tmp_path / "out" / "done.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[1][:20])
    first = tmp_path / "out" / json.loads(lines[0])["labels"]
    first.write_bytes(first.read_bytes()[:-5])
    found = run(bundle, tmp_path / "out", tmp_path / "data")
    assert len(found.done) == 2
    assert len(run(bundle, tmp_path / "out", tmp_path / "data").skipped) == 2


def test_labels_of_another_bundle_or_hop_are_not_mixed(bundle: Bundle, tuned: Bundle, tmp_path: Path) -> None:
    path = write_week(tmp_path / "a.parquet", days=0.002)
    run(bundle, tmp_path / "out", path)
    with pytest.raises(UsageError, match="expected labels of"):
        run(tuned, tmp_path / "out", path)
    with pytest.raises(UsageError, match="hop 50, found those of hop 100"):
        run(bundle, tmp_path / "out", path, hop=50)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.doc").write_text("x")
    with pytest.raises(UsageError, match="found something else there"):
        run(bundle, tmp_path / "other", path)


def test_damaged_files_are_put_aside_and_the_rest_is_done(bundle: Bundle, tmp_path: Path) -> None:
    good = write_week(tmp_path / "data" / "good.parquet", days=0.002)
    (tmp_path / "data" / "cut.parquet").write_bytes(good.read_bytes()[:-2000])
    write_capture24(tmp_path / "data", people=1, hours=0.01)
    packed = (tmp_path / "data" / "P001.csv.gz").read_bytes()
    (tmp_path / "data" / "P001.csv.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "data" / "temperature.csv").write_text("time,celsius\n" + "\n".join(f"{i},20" for i in range(50)))
    pq.write_table(pa.table({"a": [1, 2], "b": [1, 2], "c": [1, 2]}), tmp_path / "data" / "odd.parquet")
    found = run(bundle, tmp_path / "out", tmp_path / "data")
    assert found.done == ("good.parquet",)
    assert set(found.put_aside) == {"cut.parquet", "P001.csv.gz", "temperature.csv", "odd.parquet"}
    assert all("\n" not in reason and len(reason) < 600 for reason in found.put_aside.values())
    kept = json.loads((tmp_path / "out" / "put-aside.json").read_text())
    assert {entry["file"] for entry in kept} == set(found.put_aside)


def test_a_person_twice_is_said(bundle: Bundle, tmp_path: Path) -> None:
    write_week(tmp_path / "data" / "a.parquet", days=0.01, seed=1, subject="7")
    write_week(tmp_path / "data" / "b.parquet", days=0.01, seed=2, subject="7")
    (tmp_path / "data" / "c.parquet").write_bytes((tmp_path / "data" / "a.parquet").read_bytes())
    found = run(bundle, tmp_path / "out", tmp_path / "data")
    assert found.duplicates == (("c.parquet", "a.parquet"),)
    assert found.facts["overlaps"] == ["7: a and b are of the same 0.24 hours; both count in the summary."]
    assert found.facts["people"] == 1


def test_the_summary_adds_up_to_the_labels(bundle: Bundle, tmp_path: Path, labels_of: Labels) -> None:
    for seed in (1, 2):
        write_week(tmp_path / "data" / f"{seed}.parquet", days=5.2 * HOUR, seed=seed, subject=str(seed))
    found = run(bundle, tmp_path / "out", tmp_path / "data")
    rows = pq.read_table(tmp_path / "out" / "summary.parquet").to_pylist()
    labels = labels_of(tmp_path / "out")
    for subject in ("1", "2"):
        own = labels.filter(pa.compute.field("subject") == subject)
        worn = own.filter(pa.compute.field("worn"))
        by_label = {
            row["label"]: row["label_count"]
            for row in worn.group_by("label").aggregate([("label", "count")]).to_pylist()
        }
        minutes = {}
        for row in rows:
            if row["subject"] == subject:
                minutes[row["activity"]] = minutes.get(row["activity"], 0) + row["minutes"]
        assert {name: round(value * 60) for name, value in minutes.items() if value} == by_label
        assert abs((len(own) - len(worn)) / 3600 - 2) < 0.02
    assert {row["day"] for row in rows} == {"2014-05-13"}
    assert found.facts["windows"] == len(labels)


def test_a_full_disk_is_one_sentence_and_leaves_nothing_half(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_week(tmp_path / "a.parquet", days=0.01)

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="no space left on device") as caught:
        run(bundle, tmp_path / "out", path)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "out" / "labels").glob("*.parquet")) == []
    monkeypatch.undo()
    assert len(run(bundle, tmp_path / "out", path).done) == 1


def test_only_models_that_give_labels(bundle: Bundle, tmp_path: Path) -> None:
    binary = replace(bundle, manifest=replace(bundle.manifest, task="binary"))
    with pytest.raises(UsageError, match="one label for a window"):
        run(binary, tmp_path / "out", tmp_path)
    with pytest.raises(DataError, match="found nothing"):
        run(bundle, tmp_path / "out", tmp_path / "no.parquet")


def test_recordings_without_a_time_of_day_are_no_days(bundle: Bundle, tmp_path: Path) -> None:
    """Short ones are added up as undated; the 24 hours of a long one are counted from its beginning; dates are days."""
    for number in range(3):
        samples = movement(0, 6_000, seed=number)
        columns = {name: np.ascontiguousarray(samples[:, axis]) for axis, name in enumerate("xyz")}
        table = pa.table({"time": np.arange(6_000) * 0.01, **columns}).replace_schema_metadata({"subject": "7"})
        (tmp_path / "data").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "data" / f"{number}.parquet")
    write_week(tmp_path / "data" / "dated.parquet", days=0.001, subject="7")
    seconds = 26 * 3600
    slow = movement(0, seconds)
    columns = {name: np.ascontiguousarray(slow[:, axis]) for axis, name in enumerate("xyz")}
    long = pa.table(columns).replace_schema_metadata({"subject": "8", "rate_hz": "1", "unit": "g"})
    pq.write_table(long, tmp_path / "data" / "long.parquet")
    slow_bundle = replace(
        bundle, manifest=replace(bundle.manifest, window=replace(bundle.manifest.window, rate_hz=1.0))
    )
    found = run(bundle, tmp_path / "out", *(tmp_path / "data" / f"{name}.parquet" for name in (0, 1, 2, "dated")))
    kinds = {(row["day"], row["day_kind"]) for row in pq.read_table(tmp_path / "out" / "summary.parquet").to_pylist()}
    assert kinds == {("undated", "undated"), ("2014-05-13", "date")}
    assert (found.facts["days"], found.facts["undated_recordings"]) == (1, 3)
    run(slow_bundle, tmp_path / "long", tmp_path / "data" / "long.parquet")
    days = [(row["day"], row["day_kind"]) for row in pq.read_table(tmp_path / "long" / "summary.parquet").to_pylist()]
    assert set(days) == {("long day 1", "recording"), ("long day 2", "recording")}
