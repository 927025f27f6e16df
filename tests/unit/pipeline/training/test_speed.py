"""How fast trainers are is measured of trainers that train."""

import json

import pytest

from edgehar.commands.bench import bench
from edgehar.models.errors import UsageError
from edgehar.pipeline.training.speed import measure_training


def test_every_trainer_is_measured_with_every_model(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "edgehar.commands.training_bench.measure_training",
        lambda progress: measure_training(["simple_rnn"], rounds=1, turn_s=0.01, first_s=0.01, progress=progress),
    )
    bench(training=True, as_json=True)
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["trainer"], row["model"]) for row in rows] == [("native", "simple_rnn"), ("keras", "simple_rnn")]
    assert all(row["windows_per_cpu_s"] > 0 and row["first_windows_per_cpu_s"] > 0 and row["runtime"] for row in rows)
    bench(training=True)
    assert "times Keras" in capsys.readouterr().out


def test_nothing_to_measure_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="expected a bundle to measure, or --training"):
        bench()


def test_a_model_no_native_trainer_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="not cnn"):
        measure_training(["cnn"])
