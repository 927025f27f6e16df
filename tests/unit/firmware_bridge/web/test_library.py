"""har.js in Node gives what the Python package gives: probabilities, resampled streams, windows, labels, refusals."""

import copy
import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgehar.firmware_bridge.live.pipeline import LivePipeline
from edgehar.firmware_bridge.stream.resampler import StreamResampler
from edgehar.firmware_bridge.stream.samples import SampleBlock
from edgehar.firmware_bridge.stream.sliding import SlidingWindows
from edgehar.models.architecture import (
    LSTM,
    Architecture,
    Bidirectional,
    Branches,
    Conv1D,
    Dense,
    GlobalMaxPooling1D,
    Masking,
    named_architecture,
)
from edgehar.models.bundle import Bundle, make_bundle
from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import Decoder
from edgehar.models.engines import load_engine
from edgehar.models.normalization import Normalization
from edgehar.models.reference import forward
from edgehar.pipeline.compilers import Target, compile_bundle

GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "decoder.json").read_text(encoding="utf-8"))
MODELS = ("simple_rnn", "lstm", "gru")
TARGETS = (Target("c", "float32"), Target("c", "int8"))


@pytest.fixture(scope="module", params=MODELS)
def bundle(request: pytest.FixtureRequest, random_bundle, tmp_path_factory) -> Bundle:
    """A bundle of each model with both artifacts of the C engine, in a folder."""
    made = random_bundle(request.param, seed=5)
    made = compile_bundle(made, TARGETS, calibration=made.golden["windows"])
    folder = tmp_path_factory.mktemp("bundle") / request.param
    made.save(folder)
    return dataclasses.replace(made, location=folder)


@pytest.fixture(scope="module")
def manifest(random_bundle, tmp_path_factory) -> dict[str, Any]:
    """A manifest that is in order."""
    made = random_bundle("simple_rnn", seed=5)
    return compile_bundle(made, TARGETS, calibration=made.golden["windows"]).manifest.to_json()


PUSH = dataclasses.asdict(PushSpec("Elevator Up", "Elevator Down"))


def url(bundle: Bundle) -> str:
    """Return where the bundle's folder is."""
    return f"{Path(str(bundle.location)).as_uri()}/"


def test_floats_equal_the_oracle(bundle: Bundle, run_har) -> None:
    windows = bundle.golden["windows"]
    (reply,) = run_har({"kind": "predict", "url": url(bundle), "quantization": "float32", "windows": flat(windows)})
    assert reply["ok"]["verified"] is True
    found = np.reshape(reply["ok"]["probabilities"], bundle.golden["oracle"].shape)
    np.testing.assert_allclose(found, bundle.golden["oracle"], atol=1e-5, rtol=0)


def test_integers_equal_the_reference_bit_for_bit(bundle: Bundle, run_har) -> None:
    generator = np.random.default_rng(1)
    loud = (generator.normal(size=(8, 200, 3)) * np.geomspace(0.01, 30, 8)[:, None, None]).astype(np.float32)
    windows = np.concatenate([bundle.golden["windows"], loud])
    (reply,) = run_har({"kind": "predict", "url": url(bundle), "quantization": "int8", "windows": flat(windows)})
    expected = load_engine(bundle, "native", "int8").predict(windows)
    assert np.array_equal(np.reshape(reply["ok"]["probabilities"], expected.shape), expected)


RARE = (
    (
        Dense("a", 4, "tanh"),
        Branches("b", "sum", ((Conv1D("c", 4, 3, "linear", "same"),), ())),
        Branches("d", "concat", ((LSTM("e", 16),), (Conv1D("f", 4, 3), GlobalMaxPooling1D("g")))),
        Dense("o", 3, "softmax"),
    ),
    (Masking("m", -2.0), Bidirectional("b", "GRU", 16, True), LSTM("c", 16), Dense("o", 3, "softmax")),
)


@pytest.mark.parametrize("layers", RARE, ids=["branches", "masked"])
def test_layers_of_few_models_run_in_the_page_too(layers, run_har, random_bundle, random_weights, tmp_path) -> None:
    """The vectorised engine of the module has no branches, and skips masked samples."""
    architecture = Architecture("rare", 40, 3, layers)
    like = random_bundle(Architecture("rare", 40, 3, (LSTM("a", 4), layers[-1])), seed=5)
    own = {field: getattr(like.manifest, field) for field in ("labels", "window", "decoder", "provenance")}
    as_it_is = Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    weights = random_weights(architecture, gain=0.5)
    made = make_bundle(architecture=architecture, normalization=as_it_is, weights=weights, **own)
    made = compile_bundle(made, TARGETS, calibration=made.golden["windows"])
    made.save(tmp_path / "rare")
    windows, place = made.golden["windows"], f"{(tmp_path / 'rare').as_uri()}/"
    for quantization, tolerance in (("float32", 1e-5), ("int8", 0.0)):
        task = {"kind": "predict", "url": place, "quantization": quantization, "windows": flat(windows)}
        (reply,) = run_har(task)
        expected = load_engine(made, "native", quantization).predict(windows)
        found = np.reshape(reply["ok"]["probabilities"], expected.shape)
        np.testing.assert_allclose(found, expected, atol=tolerance, rtol=0)


def flat(values: NDArray[Any]) -> list[float]:
    """Return numbers for JSON; float64 holds every float32."""
    return np.asarray(values, np.float64).ravel().tolist()


def stream(rate_hz: float, *, seconds: float, jitter: float, tick_s: float, seed: int) -> tuple[NDArray, NDArray]:
    """Return samples in g and times of a sensor whose clock jitters and rounds."""
    generator = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    times_s = (np.arange(count) + jitter * generator.uniform(-1, 1, count)) / rate_hz
    samples = generator.normal((0, 0, 1), 0.3, (count, 3))
    return samples.astype(np.float32), np.round(times_s / tick_s) * tick_s if tick_s else times_s


@pytest.mark.parametrize(
    ("declared_hz", "true_hz", "jitter", "tick_s"),
    [
        (60.0, 60.0, 0.02, 1e-4),
        (60.0, 59.6, 0.2, 1e-3),
        (50.0, 62.5, 0.05, 0.0),
        (100.0, 100.2, 0.01, 0.0),
        (100.0, 104.0, 0.05, 1e-3),
        (60.0, 100.0, 0.05, 1e-4),
        (200.0, 199.0, 0.05, 0.0),
    ],
)
def test_golden_streams_come_out_as_in_python(
    run_har, declared_hz: float, true_hz: float, jitter: float, tick_s: float
) -> None:
    samples, times_s = stream(true_hz, seconds=12, jitter=jitter, tick_s=tick_s, seed=3)
    made = StreamResampler(from_hz=declared_hz, to_hz=100.0).feed(samples, times_s)
    begins = np.cumsum([len(part.samples_g) for part in made])[[part.began for part in made]]
    task = {"kind": "resample", "fromHz": declared_hz, "toHz": 100.0}
    (reply,) = run_har({**task, "samples": samples.astype(float).tolist(), "timesS": times_s.tolist()})
    assert reply["ok"]["begins"] == begins.tolist()
    np.testing.assert_allclose(
        reply["ok"]["timesS"], np.concatenate([part.times_s for part in made]), atol=1e-9, rtol=0
    )
    np.testing.assert_allclose(
        reply["ok"]["samples"], np.concatenate([part.samples_g for part in made]), atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(("length", "hop"), [(4, 2), (4, 4), (5, 1), (3, 8)])
def test_windows_are_those_of_python(run_har, length: int, hop: int) -> None:
    (reply,) = run_har({"kind": "slide", "length": length, "hop": hop, "count": 60})
    numbers = np.arange(60, dtype=np.float32)
    samples = np.stack([numbers, numbers * 0, numbers * 0], axis=1)
    expected = SlidingWindows(length=length, hop=hop).feed(samples, np.arange(60.0), np.arange(60) % 3 == 0)
    assert reply["ok"] == [[float(each.samples_g[0, 0]), each.end_s, each.filled] for each in expected]


def decoders() -> list[DecoderSpec]:
    """Return decoders of every kind."""
    generator = np.random.default_rng(2)
    moving = generator.dirichlet(np.ones(12), 12) * 0.1 + 0.9 * np.eye(12)
    rows = tuple(tuple(row) for row in (moving / moving.sum(axis=1, keepdims=True)).tolist())
    return [
        DecoderSpec(1, 0.0, 1),
        DecoderSpec(4, 0.3, 2),
        DecoderSpec(3, 0.9, 0),
        DecoderSpec(1, 0.25, 3, rows),
        DecoderSpec(1, 0.25, 1, stay_probability=0.93, temperature=2.5),
    ]


@pytest.mark.parametrize("hop", [20, 50, 100, 150, 250])
def test_labels_are_those_of_pythons_decoder(run_har, manifest: dict[str, Any], hop: int) -> None:
    generator = np.random.default_rng(hop)
    posteriors = np.repeat(generator.dirichlet(np.full(12, 0.3), 20), 4, axis=0).astype(np.float32)
    specs = decoders()
    tasks = []
    for spec in specs:
        own = copy.deepcopy(manifest)
        own["decoder"] = dataclasses.asdict(spec)
        tasks.append({"kind": "decode", "manifest": own, "hop": hop, "posteriors": posteriors.astype(float).tolist()})
    for spec, reply in zip(specs, run_har(*tasks), strict=True):
        decoder = Decoder(spec, tuple(manifest["labels"]), hop=hop, spec_hop=100, window_length=200)
        expected = [decoder.decode(row) for row in posteriors]
        assert [each["label"] for each in reply["ok"]] == [each.label for each in expected]
        found = [each["probability"] for each in reply["ok"]]
        np.testing.assert_allclose(found, [each.probability for each in expected], atol=1e-7)


def golden_manifests(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return manifests of models with the golden decoders."""
    window = {**manifest["window"], "hop": GOLDEN["own_hop"], "length": GOLDEN["window_length"]}
    own = {**manifest, "labels": GOLDEN["labels"], "window": window}
    return [{**own, "decoder": case["decoder"]} for case in GOLDEN["cases"]]


def test_golden_decoders_give_the_labels_of_python_and_c(run_har, manifest: dict[str, Any]) -> None:
    (reply,) = run_har({"kind": "golden", "golden": GOLDEN, "manifests": golden_manifests(manifest)})
    for case, each in zip(GOLDEN["cases"], reply["ok"], strict=True):
        assert each["directions"] == case["directions"]
        assert [found["label"] for found in each["found"]] == case["decoded_labels"]
        for name in ("probability", "posterior"):
            expected = case["decoded_probabilities" if name == "probability" else "decoded_posteriors"]
            np.testing.assert_allclose([found[name] for found in each["found"]], expected, atol=1e-6, rtol=0)


def test_a_lag_delays_labels_and_loses_none_at_a_hole(run_har, random_bundle, tmp_path: Path) -> None:
    """The stream of a page gives what the live pipeline of Python gives, window by window."""
    made = compile_bundle(random_bundle("simple_rnn", seed=5), TARGETS[:1])
    labels = made.manifest.labels
    push = PushSpec(up=labels[-2], down=labels[-1])
    spec = DecoderSpec(1, 0.3, 1, stay_probability=0.95, temperature=2.0, push=push)
    changed = dataclasses.replace(made, manifest=dataclasses.replace(made.manifest, decoder=spec))
    changed.save(tmp_path / "bundle")
    samples, times_s = stream(100.0, seconds=20, jitter=0.0, tick_s=0.0, seed=4)
    samples[:, 2] += np.repeat([0, 0.08, 0, -0.08, 0], 400)
    kept = np.ones(len(samples), bool)
    kept[1100:1160] = False
    task = {"kind": "stream", "url": f"{(tmp_path / 'bundle').as_uri()}/", "samples": samples[kept].tolist()}
    options = {"rateHz": 100, "hop": 50, "lagS": 2.0}
    (reply,) = run_har({**task, "timesS": times_s[kept].tolist(), "options": options})
    pipeline = LivePipeline(
        load_engine(changed, "native", "float32"),
        labels=labels,
        window_length=200,
        hop=50,
        source_rate_hz=100.0,
        model_rate_hz=100.0,
        decoder=Decoder.of_model(changed.manifest, hop=50, lag_s=2.0),
    )
    before, after = (
        SampleBlock(samples[:1100], times_s[:1100], 0.0),
        SampleBlock(samples[1160:], times_s[1160:], 0.0, 60),
    )
    expected = [*pipeline.feed(before), *pipeline.feed(after)]
    found = reply["ok"]["found"]
    assert len(found) == len(expected) > 25
    assert [each["label"] for each in found] == [each.label for each in expected]
    np.testing.assert_allclose([each["endS"] for each in found], [each.t_s for each in expected], atol=1e-9)
    np.testing.assert_allclose(
        [each["probability"] for each in found], [each.probability for each in expected], atol=1e-5
    )


def test_six_channels_give_what_python_gives(run_har, random_bundle, tmp_path: Path) -> None:
    """Of a sensor of 60 Hz that loses samples: resampled, bridged, cut, computed in floats and in integers."""
    made = random_bundle(named_architecture("simple_rnn", channels=6), seed=5)
    made = compile_bundle(made, TARGETS, calibration=made.golden["windows"])
    made.save(tmp_path / "bundle")
    samples, times_s = stream(60.0, seconds=12, jitter=0.02, tick_s=1e-4, seed=3)
    turning = np.random.default_rng(4).normal((5, -3, 1), (80, 90, 70), samples.shape).astype(np.float32)
    samples = np.hstack([samples, turning])
    kept = np.ones(len(samples), bool)
    kept[[300, 431]] = False
    task = {"kind": "stream", "url": f"{(tmp_path / 'bundle').as_uri()}/", "samples": samples[kept].tolist()}
    task |= {"timesS": times_s[kept].tolist(), "options": {"rateHz": 60, "hop": 50, "bridgeS": 0.1}}
    for target, tolerance in zip(TARGETS, (1e-5, 1e-3), strict=True):
        (reply,) = run_har({**task, "quantization": target.quantization})
        pipeline = LivePipeline(
            load_engine(made, "native", target.quantization),
            labels=made.manifest.labels,
            window_length=200,
            hop=50,
            source_rate_hz=60.0,
            model_rate_hz=100.0,
            channels=6,
            bridge_s=0.1,
        )
        expected = [
            found
            for begin, end in itertools.pairwise([0, *np.flatnonzero(~kept), len(samples)])
            for found in pipeline.feed(
                SampleBlock(
                    samples[begin:end][kept[begin:end]], times_s[begin:end][kept[begin:end]], 0.0, int(begin > 0)
                )
            )
        ]
        assert len(reply["ok"]["found"]) == len(expected) > 15
        np.testing.assert_allclose(
            [each["probabilities"] for each in reply["ok"]["found"]],
            [each.probabilities for each in expected],
            atol=tolerance,
        )
    (reply,) = run_har({**task, "samples": samples[kept, :3].tolist()})
    assert "finite numbers" in reply["error"]


def test_no_window_spans_a_hole(run_har, bundle: Bundle) -> None:
    samples, times_s = stream(100.0, seconds=9, jitter=0.01, tick_s=0.0, seed=4)
    kept = np.ones(len(samples), bool)
    kept[450:480] = False
    kept[700] = False
    task = {"kind": "stream", "url": url(bundle), "quantization": "float32"}
    task |= {"samples": samples[kept].astype(float).tolist(), "timesS": times_s[kept].tolist()}
    bridged, unbridged = run_har(
        {**task, "options": {"rateHz": 100, "hop": 100, "bridgeS": 0.05}},
        {**task, "options": {"rateHz": 100, "hop": 100}},
    )
    assert (bridged["ok"]["lost"], bridged["ok"]["breaks"]) == (31, 1)
    assert (unbridged["ok"]["lost"], unbridged["ok"]["breaks"]) == (31, 2)
    # Slices of the runs on either side of the long hole; the bridged sample is in the windows that hold it.
    starts = [0, 100, 200, 480, 580, 680]
    found = bridged["ok"]["found"]
    assert [round(each["endS"], 1) for each in found] == [round((start + 199) / 100, 1) for start in starts]
    assert [each["bridged"] for each in found] == [int(start <= 700 < start + 200) for start in starts]
    whole = samples.copy()
    whole[700] = (samples[699] + samples[701]) / 2
    windows = np.stack([whole[start : start + 200] for start in starts])
    expected = forward(bundle.manifest.architecture, bundle.folded_weights, windows)
    np.testing.assert_allclose([each["probabilities"] for each in found], expected, atol=2e-5)


@pytest.mark.parametrize("told_hz", [30.0, 60.0, 122.0, 200.0])
def test_a_rate_that_was_told_wrong_is_found_out(run_har, bundle: Bundle, told_hz: float) -> None:
    samples, times_s = stream(60.0, seconds=12, jitter=0.02, tick_s=1e-4, seed=4)
    task = {"kind": "stream", "url": url(bundle), "options": {"rateHz": told_hz, "hop": 50, "bridgeS": 0.1}}
    (reply,) = run_har({**task, "samples": samples.astype(float).tolist(), "timesS": times_s.tolist()})
    found = reply["ok"]["found"]
    assert reply["ok"]["lost"] == 0
    assert len(found) > 10
    assert sum(each["bridged"] for each in found) == 0
    assert reply["ok"]["rateHz"] == pytest.approx(60, rel=0.01)


def test_times_that_stand_still_are_left_out_and_counted(run_har, bundle: Bundle) -> None:
    times_s = [0.0, 0.01, 0.01, 0.005, 0.02]
    task = {"kind": "stream", "url": url(bundle), "options": {"rateHz": 100}}
    (reply,) = run_har({**task, "samples": [[0, 0, 1]] * 5, "timesS": times_s})
    assert reply["ok"]["outOfOrder"] == 2


@pytest.mark.parametrize("length", [0, 599, 601])
def test_half_a_window_is_refused(run_har, bundle: Bundle, length: int) -> None:
    (reply,) = run_har({"kind": "predict", "url": url(bundle), "windows": [0.0] * length})
    assert "200 x 3" in reply["error"]


def test_what_is_not_a_number_is_refused(run_har, bundle: Bundle) -> None:
    # JSON has no NaN: a null becomes one in a Float32Array that is filled from a hole.
    (reply,) = run_har({"kind": "predict", "url": url(bundle), "windows": [0.0] * 599 + ["none"]})
    assert "finite" in reply["error"]


def altered(manifest: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return a manifest with one value replaced, or removed where the value is ``...``."""
    own = copy.deepcopy(manifest)
    place = own
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return own


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "2.0"),
        (("schema",), ...),
        (("model_id",), ...),
        (("labels",), []),
        (("labels", 0), "a\u202eb"),
        (("labels", 0), 7),
        (("labels", 0), "x" * 1001),
        (("labels", 0), "Sitting"),
        (("window",), None),
        (("window", "length"), 1e9),
        (("window", "hop"), 0),
        (("window", "rate_hz"), "100"),
        (("window", "unit"), "m/s2"),
        (("window", "channels"), ["x", "y"]),
        (("window", "unit"), "g and deg/s"),
        (("window", "unit"), "toString"),
        (("window", "unit"), "__proto__"),
        (("window", "channels"), ["x", "y", "z", "gx", "gy", "gz"]),
        (("decoder",), ...),
        (("decoder", "smoothing_windows"), 10**12),
        (("decoder", "reject_below"), 2),
        (("decoder", "transitions"), [[1.0]]),
        (("decoder", "stay_probability"), 0.01),
        (("decoder", "stay_probability"), "0.9"),
        (("decoder", "temperature"), 2.5),
        (("decoder", "push"), {}),
        (("decoder", "push"), {**PUSH, "up": "<b>"}),
        (("decoder", "push"), {**PUSH, "down": PUSH["up"]}),
        (("decoder", "push"), {**PUSH, "log_odds": 1e9}),
        (("decoder", "push"), {**PUSH, "weak_g": 0.5}),
        (("decoder", "push"), {**PUSH, "baseline_s": None}),
        (("decoder", "push"), {**PUSH, "settling_s": 0}),
        (("task",), "multilabel"),
        (("artifacts",), {}),
        (("artifacts", 0, "file"), "../secret"),
        (("artifacts", 0, "bytes"), 10**12),
        (("artifacts", 0, "sha256"), "no"),
    ],
)
def test_a_strangers_manifest_is_refused_in_one_sentence(run_har, manifest, path, value) -> None:
    task = {"kind": "decode", "hop": 100, "posteriors": []}
    good, bad = run_har({**task, "manifest": manifest}, {**task, "manifest": altered(manifest, path, value)})
    assert good == {"ok": []}
    assert bad["name"] == "HarError"
    assert bad["error"].startswith("manifest.json: expected")


@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "gone"])
def test_an_altered_file_is_refused(run_har, bundle: Bundle, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "copy"
    bundle.save(folder)
    entry = bundle.manifest.artifact(format="c", quantization="float32")
    assert entry is not None
    file = folder / entry.file
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    changed = {"flip": bytes(content), "cut": bytes(content[:-4]), "longer": bytes(content) + b"more"}
    file.write_bytes(changed[damage]) if damage in changed else file.unlink()
    (reply,) = run_har({"kind": "predict", "url": f"{folder.as_uri()}/", "windows": [0.0] * 600})
    assert reply["name"] == "HarError"
    assert entry.file in reply["error"]
