"""Fitting a model to a person: what is kept, what is refused, what the new bundle holds and says."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgehar.models import contract
from edgehar.models.architecture import Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.models.decoder import UNDECODED
from edgehar.models.errors import CompileError, DataError, HarError, UsageError
from edgehar.models.mounting import Mounting
from edgehar.models.verification import verify_bundle
from edgehar.pipeline import compilers
from edgehar.pipeline.compilers import Target, compile_bundle, compile_model
from edgehar.pipeline.data.identity import Person, people_of
from edgehar.pipeline.data.recordings import Dataset
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.evaluation.held_out import trained_people
from edgehar.pipeline.training.history import BatchResult
from edgehar.pipeline.training.native_trainer import NativeTrainer
from edgehar.pipeline.training.personalization import making, personal, personalizing
from edgehar.pipeline.training.personalization.personalizing import Personalization, personalize
from edgehar.pipeline.training.personalization.stages import ALL, BACK, HALF, OUTPUT

ACTIVITIES = contract.ACTIVITIES[:4]
TURNED = Mounting(((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), 1.0, "7")


@pytest.fixture(scope="module")
def general(small: Bundle) -> Bundle:
    """A general model with artifacts of three formats, an integer one among them."""
    calibration = np.random.default_rng(0).normal(size=(32, 50, 3)).astype(np.float32)
    wanted = [Target("tflite", "float32"), Target("onnx", "float32"), Target("c", "float32"), Target("c", "int8")]
    return compile_bundle(small, wanted, calibration=calibration)


@pytest.fixture(scope="module")
def found(general: Bundle, make_person: Callable[..., Dataset]) -> Personalization:
    """The model fitted to the first of three takes, judged on the others."""
    return personalize(general, make_person(3), test_later_takes=True)


def test_a_person_is_learned(found: Personalization) -> None:
    assert found.before.scores.macro_f1 < 0.5
    assert found.after.scores.macro_f1 > 0.9
    assert [stage.name for stage in found.stages[1:]] == [OUTPUT, ALL, BACK]
    assert found.protocol == "Fitted to the first take of each activity of 7, judged on the later takes"
    assert found.wearer.known is False
    # A decoder that changes nothing gives what windows give.
    assert found.bundle.manifest.decoder == UNDECODED
    # nearly: the stream holds windows of two takes as well.
    assert found.after.decoded_macro_f1 == pytest.approx(found.after.scores.macro_f1, abs=0.15)


def test_every_artifact_is_made_again_for_the_new_weights(found: Personalization, general: Bundle) -> None:
    made = found.bundle.manifest
    assert {entry.file for entry in made.artifacts} == {entry.file for entry in general.manifest.artifacts}
    before = {entry.file: entry.sha256 for entry in general.manifest.artifacts}
    assert all(entry.sha256 != before[entry.file] for entry in made.artifacts)
    (entry,) = made.metrics
    assert entry.macro_f1 == found.after.scores.macro_f1
    assert entry.test_subjects == ("7",)


def test_a_file_that_gives_something_else_is_left_out_and_said(
    general: Bundle, make_person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubting(bundle: Bundle) -> Any:
        found = verify_bundle(bundle)
        rows = [dataclasses.replace(row, ok=row.artifact != refused, reason="off by much") for row in found.artifacts]
        return dataclasses.replace(found, artifacts=tuple(rows))

    refused = "model.float32.onnx"
    monkeypatch.setattr(making, "verify_bundle", doubting)
    found = personalize(general, make_person(2))
    files = {entry.file for entry in found.bundle.manifest.artifacts}
    assert files == {entry.file for entry in general.manifest.artifacts} - {refused}
    assert any(refused in remark and "off by much" in remark for remark in found.remarks)


def test_a_file_that_the_new_weights_do_not_fit_is_left_out_and_said(
    general: Bundle, make_person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(architecture: Any, weights: Any, **options: Any) -> Any:
        if options["format"] == "onnx":
            raise CompileError("a weight is too large")
        return compile_model(architecture, weights, **options)

    monkeypatch.setattr(compilers, "compile_model", strict)
    found = personalize(general, make_person(2))
    files = {entry.file for entry in found.bundle.manifest.artifacts}
    assert files == {entry.file for entry in general.manifest.artifacts if entry.format != "onnx"}
    assert any("onnx float32 was left out: a weight is too large" in remark for remark in found.remarks)


def test_a_model_none_of_whose_files_gives_what_it_gives_is_refused(
    general: Bundle, make_person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denying(bundle: Bundle) -> Any:
        found = verify_bundle(bundle)
        rows = tuple(dataclasses.replace(row, ok=False, reason="off by much") for row in found.artifacts)
        return dataclasses.replace(found, artifacts=rows)

    monkeypatch.setattr(making, "verify_bundle", denying)
    with pytest.raises(HarError, match="got none"):
        personalize(general, make_person(2))


def test_the_origin_is_told(found: Personalization, general: Bundle, make_person: Any) -> None:
    fitted = found.bundle.manifest.provenance.configuration["personalized"]
    assert fitted["model_id"] == general.manifest.model_id != found.bundle.manifest.model_id
    assert set(fitted["seconds"]) == set(general.manifest.labels)
    assert fitted["seconds"]["Walking Left"] == pytest.approx(8.0, abs=0.5)
    assert people_of(make_person(3))["7"] in trained_people(found.bundle)


def test_without_a_test_everything_is_learned_and_cross_validated(general: Bundle, make_person: Any) -> None:
    found = personalize(general, make_person(2))
    assert found.protocol == "Cross-validated over takes of 7; says nothing about anybody else"
    assert found.after.scores.macro_f1 > found.before.scores.macro_f1
    seconds = found.bundle.manifest.provenance.configuration["personalized"]["seconds"]
    assert seconds["Walking Left"] == pytest.approx(16.0, abs=1)


def test_the_same_seed_gives_the_same_model(general: Bundle, make_person: Any) -> None:
    one, other = (personalize(general, make_person(2), seed=5).bundle.manifest for _ in range(2))
    assert one.weights.sha256 == other.weights.sha256


def test_a_model_that_cannot_be_helped_stays(general: Bundle, make_person: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("edgehar.pipeline.training.personalization.stages.LEAST_GAIN", 2.0)
    found = personalize(general, make_person(2))
    assert not any(stage.kept for stage in found.stages[1:])
    for name, value in general.weights.items():
        assert np.array_equal(found.bundle.weights[name], value)
    assert found.after.to_json() == found.before.to_json()


def test_without_a_compiler_the_output_layer_is_fitted(general: Bundle, make_person: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(personal, "obstacle", lambda architecture: "expected a C compiler, found none")
    found = personalize(general, make_person(3), test_later_takes=True)
    stages = {stage.name: stage for stage in found.stages}
    assert stages[OUTPUT].kept
    assert (stages[ALL].macro_f1, stages[ALL].reason) == (None, "expected a C compiler, found none")
    assert found.after.scores.macro_f1 > found.before.scores.macro_f1
    moved = [name for name, value in general.weights.items() if not np.array_equal(found.bundle.weights[name], value)]
    assert set(moved) == {"Output/kernel", "Output/bias"}


def test_both_ways_to_the_states_agree(general: Bundle, make_person: Any, monkeypatch: Any) -> None:
    windows = make_windows(make_person(1), window_length=50, hop=25, activities=general.manifest.labels)
    arguments = (general.manifest.architecture, general.weights, general.manifest.normalization, windows)
    built = personal.Personal(*arguments, np.arange(len(windows)))
    monkeypatch.setattr(personal, "obstacle", lambda architecture: "none")
    plain = personal.Personal(*arguments, np.arange(len(windows)))
    for day in range(personal.DAYS):
        both = (each.posteriors(general.weights, day) for each in (built, plain))
        assert np.allclose(*both, atol=1e-5)


@pytest.mark.parametrize("activities", [(0, 1), (0, 1, 2)])
def test_what_was_not_recorded_keeps_what_the_general_model_gives_it(
    general: Bundle, make_person: Any, activities: Any
) -> None:
    found = personalize(general, make_person(2, activities=activities))
    names = [stage.name for stage in found.stages]
    assert names == ["general model", OUTPUT, ALL if len(activities) == 2 else HALF]
    assert "Not recorded: " in found.advice[0]
    windows = make_windows(make_person(2, activities=activities), window_length=50, hop=25, activities=ACTIVITIES)
    manifest = general.manifest
    own = personal.Personal(
        manifest.architecture, general.weights, manifest.normalization, windows, np.arange(len(windows))
    )
    absent = np.setdiff1d(np.arange(4), activities)
    general_says = own.posteriors(own.general, 0)
    targets = own.targets_of(own.values(0), own.labels)
    assert np.allclose(targets[:, absent], general_says[:, absent], atol=1e-5)
    assert np.allclose(targets.sum(axis=1), 1, atol=1e-5)
    assert (targets[:, absent].sum(axis=1) > 0).all()


def test_a_turned_sensor_is_learned_as_an_upright_one(general: Bundle, make_person: Any) -> None:
    upright = make_person(3)
    matrix = TURNED.matrix.astype(np.float32)
    recordings = tuple(dataclasses.replace(each, samples=each.samples @ matrix) for each in upright.recordings)
    turned = dataclasses.replace(upright, recordings=recordings)
    with pytest.raises(DataError, match=r"expected a sensor mounted as in the training recordings .* turned by"):
        personalize(general, turned, test_later_takes=True)
    found = personalize(general, turned, test_later_takes=True, mounting=TURNED)
    straight = personalize(general, upright, test_later_takes=True)
    assert found.before.scores.macro_f1 == pytest.approx(straight.before.scores.macro_f1, abs=0.02)
    assert found.after.scores.macro_f1 == pytest.approx(straight.after.scores.macro_f1, abs=0.05)
    assert found.bundle.manifest.provenance.configuration["personalized"]["mounting"] == [*map(list, TURNED.rotation)]
    assert "turned by 90°" in found.bundle.manifest.window.axis_frame


def with_gyroscope(data: Dataset) -> Dataset:
    """Return recordings with the turning rate of the same movements, its rhythm about another axis than its lean."""
    recordings = tuple(
        dataclasses.replace(
            each, samples=np.hstack([each.samples, 80 * np.roll(each.samples - each.samples.mean(0), 1, 1)])
        )
        for each in data.recordings
    )
    return dataclasses.replace(data, recordings=recordings)


def test_a_model_with_a_gyroscope_is_fitted_worn_straight_or_turned(random_bundle: Any, make_person: Any) -> None:
    plain = random_bundle(Architecture("small", 50, 6, (SimpleRNN("RNN_1", 8), Dense("Output", 4, "softmax"))), 3)
    calibration = np.random.default_rng(0).normal(size=(32, 50, 6)).astype(np.float32)
    general = compile_bundle(plain, [Target("tflite", "float32"), Target("c", "int8")], calibration=calibration)
    upright = with_gyroscope(make_person(3))
    turns = TURNED.of_channels(6).astype(np.float32)
    worn = tuple(dataclasses.replace(each, samples=each.samples @ turns) for each in upright.recordings)
    straight = personalize(general, upright, test_later_takes=True)
    assert straight.after.scores.macro_f1 > 0.9 > 0.7 > straight.before.scores.macro_f1
    turned = personalize(general, dataclasses.replace(upright, recordings=worn), test_later_takes=True, mounting=TURNED)
    assert turned.after.scores.macro_f1 == pytest.approx(straight.after.scores.macro_f1, abs=0.05)
    assert [entry.file for entry in turned.bundle.manifest.artifacts] == ["model.float32.tflite", "model.int8.harc"]
    assert verify_bundle(turned.bundle).ok


def test_a_gyroscope_that_the_model_needs_must_be_recorded_and_another_does_no_harm(
    general: Bundle, random_bundle: Any, make_person: Any
) -> None:
    six = random_bundle(Architecture("small", 50, 6, (SimpleRNN("RNN_1", 8), Dense("Output", 4, "softmax"))), 3)
    assert "expected recordings of x, y, z, gx, gy, gz for" in str(refused(six, make_person(2)))
    models = [personalize(general, data).bundle.manifest for data in (make_person(2), with_gyroscope(make_person(2)))]
    assert models[0].weights.sha256 == models[1].weights.sha256


def test_a_person_the_model_knows_is_said(general: Bundle, make_person: Any) -> None:
    data = make_person(3, subject="somebody", name="elsewhere")
    provenance = dataclasses.replace(
        general.manifest.provenance,
        configuration={"train_people": [dataclasses.replace(people_of(data)["somebody"], subject="1").as_json()]},
    )
    knowing = dataclasses.replace(general, manifest=dataclasses.replace(general.manifest, provenance=provenance))
    found = personalize(knowing, data, test_later_takes=True)
    assert found.wearer.known
    assert "NOT HONEST" in found.protocol


def refused(general: Bundle, data: Dataset, **options: Any) -> HarError:
    """Return the error."""
    with pytest.raises(HarError) as error:
        personalize(general, data, **options)
    assert str(error.value).count("\n") == 0
    return error.value


def test_bad_recordings_are_refused_in_a_sentence(general: Bundle, make_person: Any) -> None:
    one, other = make_person(1), make_person(1, subject="8")
    several = Dataset("both", one.activities, (*one.recordings, *other.recordings))
    assert "expected the recordings of one person, got those of 7, 8" in str(refused(general, several))
    assert "subject '9' is not in the data" in str(refused(general, one, subject="9"))
    wrist = make_person(1, placement="left wrist")
    assert "worn as the model knows it (front right hip), got left wrist" in str(refused(general, wrist))
    slow = make_person(1, 40.0, rate_hz=20.0)
    assert "half of it at least, got 20 Hz" in str(refused(general, slow))
    assert "got only Walking Left" in str(refused(general, make_person(2, activities=(1,))))
    assert "got none" in str(refused(general, make_person(1, 0.5)))
    names = {"Walking Forward": "marcher"}
    foreign = dataclasses.replace(
        one,
        activities=("marcher",),
        recordings=tuple(
            dataclasses.replace(each, labels=(dataclasses.replace(each.labels[0], activity="marcher"),))
            for each in one.recordings
            if each.labels[0].activity in names
        ),
    )
    assert "expected labels among" in str(refused(general, foreign))


@pytest.mark.parametrize(("placement", "said"), [("", "do not say where"), ("Right hip", ""), ("hip, x up", "")])
def test_placements(general: Bundle, make_person: Any, placement: str, said: str) -> None:
    found = personalizing.find_wearer(general, make_person(1, placement=placement), None)
    assert said in " ".join(found.remarks)
    assert bool(found.remarks) == bool(said)


def test_another_rate_is_said(general: Bundle, make_person: Any) -> None:
    (remark,) = personalizing.find_wearer(general, make_person(1, rate_hz=50.0), None).remarks
    assert remark == "Recorded at 50 Hz, resampled to 100 Hz: use the sensor at this rate live."


def test_a_model_of_somebody_else_is_refused(found: Personalization, make_person: Any) -> None:
    with pytest.raises(UsageError, match="expected a general model, this one is fitted to 7 of home"):
        personalize(found.bundle, make_person(2, subject="8", seconds=9.0))
    again = personalize(found.bundle, make_person(2))
    assert again.wearer.known
    damaged = dataclasses.replace(
        found.bundle.manifest.provenance, configuration={"personalized": {"person": "nobody"}}
    )
    manifest = dataclasses.replace(found.bundle.manifest, provenance=damaged)
    with pytest.raises(DataError, match="expected a person"):
        personalize(dataclasses.replace(found.bundle, manifest=manifest), make_person(2))


def test_only_what_is_needed_is_imported() -> None:
    program = (
        "import sys\nimport edgehar.commands.personalize\n"
        "loaded = {'tensorflow', 'keras', 'matplotlib', 'onnx', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_diverging_training_is_an_error(general: Bundle, make_person: Any, monkeypatch: Any) -> None:
    nothing = BatchResult(float("nan"), float("nan"), 0)
    monkeypatch.setattr(NativeTrainer, "train_towards", lambda *arguments, **options: nothing)
    with pytest.raises(HarError, match="expected a finite loss"):
        personalize(general, make_person(2))


def test_people_are_compared_by_content() -> None:
    assert Person("a", "7", ("x",)).is_same_as(Person("b", "8", ("x",)))
