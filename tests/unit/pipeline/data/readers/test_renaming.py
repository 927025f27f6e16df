"""Labels are renamed whatever the files look like, so that data sets train together."""

from pathlib import Path

import pytest

from edgehar.models.errors import UsageError
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.store import save_store
from edgehar.pipeline.data.synthetic import synthetic_dataset


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A data set in a format that is no text."""
    place = tmp_path / "store"
    save_store(synthetic_dataset(seed=3), place)
    return place


def test_a_map_renames_and_unites_the_labels_of_a_store(stored: Path) -> None:
    before = load_dataset(stored)
    found = load_dataset(stored, layout=Options(label_map={"walking left": "Walking", "Walking Right": "Walking"}))
    assert set(found.activities) == set(before.activities) - {"Walking Left", "Walking Right"} | {"Walking"}
    assert len(found.recordings) == len(before.recordings)


def test_a_label_that_is_not_there_is_refused_for_a_store_too(stored: Path) -> None:
    with pytest.raises(UsageError, match="'Flying' is in none of the data"):
        load_dataset(stored, layout=Options(label_map={"Flying": "Walking"}))


def test_the_rest_of_a_layout_still_means_nothing_for_it(stored: Path) -> None:
    with pytest.raises(UsageError, match="means nothing for store"):
        load_dataset(stored, layout=Options(label_map={"Sitting": "Rest"}, rate_hz=50.0))
