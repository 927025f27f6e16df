"""The page of a data set: what is wrong is measured, said and drawn; everything is escaped; its size has a bound."""

from dataclasses import replace

import numpy as np
import pytest

from edgehar.pipeline.data.overview.measuring import measure_people, pieces
from edgehar.pipeline.data.overview.page import dataset_page
from edgehar.pipeline.data.overview.stretches import UNLABELLED, longest_stretches, outline
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.synthetic import synthetic_dataset


@pytest.fixture(scope="module")
def synthetic() -> Dataset:
    return synthetic_dataset(seed=0)


def changed(dataset: Dataset, subject: str, change) -> Dataset:
    """Return the data set with the samples of one person changed."""
    items = tuple(
        replace(item, samples=np.ascontiguousarray(change(item.samples))) if item.subject == subject else item
        for item in dataset.recordings
    )
    return replace(dataset, recordings=items)


def test_nobody_is_in_doubt_without_cause(synthetic: Dataset) -> None:
    for person in measure_people(synthetic).values():
        assert not person.has_doubtful_gravity
        assert not person.is_turned
    assert "do not measure 1 g" not in dataset_page(synthetic)


def test_a_wrong_unit_is_said(synthetic: Dataset) -> None:
    wrong = changed(synthetic, "5", lambda samples: samples * np.float32(0.5))
    people = measure_people(wrong)
    assert [who for who, person in people.items() if person.has_doubtful_gravity] == ["5"]
    assert "sensors of person 5 do not measure 1 g" in dataset_page(wrong)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0)])
def test_a_swapped_axis_is_said(synthetic: Dataset, order: tuple[int, int, int]) -> None:
    swapped = changed(synthetic, "3", lambda samples: samples[:, order])
    people = measure_people(swapped)
    assert [who for who, person in people.items() if person.is_turned] == ["3"]
    assert "sensors of person 3 point 45 degrees" in dataset_page(swapped)


def test_the_mean_of_every_activity_is_that_of_its_samples() -> None:
    samples = np.random.default_rng(0).normal(size=(300_000, 3)).astype(np.float32)
    labels = (LabelInterval(100, 270_000, "a"), LabelInterval(280_000, 290_000, "b"))
    person = measure_people(Dataset("d", ("a", "b"), (Recording("r", "1", samples, 50.0, labels),)))["1"]
    np.testing.assert_allclose(person.directions["a"], samples[100:270_000].mean(axis=0, dtype=float), atol=1e-9)
    np.testing.assert_allclose(person.directions["b"], samples[280_000:290_000].mean(axis=0, dtype=float), atol=1e-9)
    rest = np.concatenate([samples[:100], samples[270_000:280_000], samples[290_000:]])
    np.testing.assert_allclose(person.directions[None], rest.mean(axis=0, dtype=float), atol=1e-9)
    assert person.largest_g == pytest.approx(np.abs(samples).max())


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (3, 7), (0, 4), (8, 10), (4, 5)])
def test_pieces_cover_every_sample_once(start: int, stop: int) -> None:
    item = Recording("r", "1", np.ones((10, 3), np.float32), 1.0, (LabelInterval(2, 5, "a"), LabelInterval(5, 8, "b")))
    found = {at: name for name, first, last in pieces(item, start, stop) for at in range(first, last)}
    names = [None, None, "a", "a", "a", "b", "b", "b", None, None]
    assert found == {at: names[at] for at in range(start, stop)}


def test_a_stretch_never_spans_a_gap() -> None:
    samples = np.arange(1000, dtype=np.float32)[:, None].repeat(3, axis=1)
    item = Recording("r", "1", samples, 10.0, (LabelInterval(0, 500, "a"),), gaps=(100, 480))
    found = longest_stretches([item], duration_s=4.0)
    assert set(found) == {"a", UNLABELLED}
    taken = found["a"].samples[:, 0]
    assert taken.min() >= 100
    assert taken.max() < 480


def test_an_outline_keeps_every_extreme() -> None:
    samples = np.random.default_rng(1).normal(size=(123_457, 3)).astype(np.float32)
    times, values = outline(Recording("r", "1", samples, 100.0))
    assert len(times) == len(values) <= 600
    assert (np.diff(times) > 0).all()
    np.testing.assert_array_equal(values.max(axis=0), samples.max(axis=0))
    np.testing.assert_array_equal(values.min(axis=0), samples.min(axis=0))


def test_names_of_strangers_are_escaped() -> None:
    name = '<script>alert("1")</script>\u202e'
    samples = np.tile(np.float32([0, 0, 1]), (400, 1))
    item = Recording(name, name, samples, 50.0, (LabelInterval(0, 200, name),), placement=name, problems=(name,))
    page = dataset_page(Dataset(name, (name,), (item,), problems=(name,), notes=(name,), terms=name), place=name)
    assert "<script" not in page
    assert "\u202e" not in page


def test_nothing_labelled_says_what_to_do_next() -> None:
    page = dataset_page(Dataset("d", (), (Recording("r", "1", np.ones((2, 3), np.float32), 50.0),)))
    assert "har data label" in page


def test_the_size_has_a_bound() -> None:
    samples = np.tile(np.float32([0, 0, 1]), (4, 1))
    activities = tuple(f"activity {index}" for index in range(300))
    items = tuple(
        Recording(
            f"r{index}",
            f"p{index}",
            samples,
            50.0 + index,
            (LabelInterval(0, 4, activities[index % 300]),),
            gaps=(2,),
            problems=(f"problem {index}",),
        )
        for index in range(3000)
    )
    page = dataset_page(Dataset("big", activities, items))
    assert len(page) < 2_000_000
    assert "2,940 more people are not shown" in page
    assert "260 more activities are not shown" in page
