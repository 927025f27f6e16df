"""A search: trials judged on people not seen, in a journal that goes on, refused where it is of something else."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgehar.models.errors import UsageError
from edgehar.pipeline.bulk.search import SearchPlan, architecture_of, search, train_and_judge
from edgehar.pipeline.data.synthetic import synthetic_dataset

PLAN = SearchPlan(("synthetic",), "simple_rnn", 2, 1, 1, 800)


def test_a_search_goes_on_and_counts_what_is_done(tmp_path: Path) -> None:
    first = search(PLAN, tmp_path / "s", trials=1, workers=1)
    assert len(first) == 1
    steps: list[tuple[int, int | None]] = []
    both = search(PLAN, tmp_path / "s", trials=2, workers=1, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]
    assert {result.number for result in both} == {0, 1}
    assert next(result for result in both if result.number == 0).to_json() == first[0].to_json()
    assert both[0].macro_f1 >= both[1].macro_f1
    assert all(result.interval[0] <= result.interval[1] for result in both)
    with pytest.raises(UsageError, match="another epochs"):
        search(replace(PLAN, epochs=2), tmp_path / "s", trials=2, workers=1)


def test_every_person_is_judged_once_by_a_model_that_never_saw_them() -> None:
    parameters = {"units": 8, "layers": 1, "learning_rate": 1e-3, "rotation_deg": 0.0, "offset_samples": 0}
    people = [set(train_and_judge(PLAN, parameters, split, 0)) for split in range(2)]
    assert people[0].isdisjoint(people[1])
    assert people[0] | people[1] == set(synthetic_dataset(seed=0).subjects)


@pytest.mark.parametrize("model", ["simple_rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_sizes(model: str, layers: int) -> None:
    found = architecture_of(replace(PLAN, model=model), {"units": 16, "layers": layers}, 5)
    assert (len(found.layers), found.classes) == (layers + 1, 5)
    assert found.output_shape == (5,)


def test_only_models_whose_size_can_be_searched() -> None:
    with pytest.raises(UsageError, match="simple_rnn, lstm, gru"):
        replace(PLAN, model="tcn")
