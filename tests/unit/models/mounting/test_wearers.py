"""Mountings by wearer, and an engine that turns what it is given."""

from pathlib import Path

import numpy as np
import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.models.mounting import MountedEngine, Mounting, file_of_wearer, mounting_of_wearer

TURNED = Mounting(((0.0, 1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)), 0.9, "me")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_what_is_kept_for_a_wearer_is_found_again(own_folder: Path) -> None:
    place = file_of_wearer("Zoë 7")
    assert place.is_relative_to(own_folder)
    place.parent.mkdir(parents=True)
    TURNED.save(place)
    assert mounting_of_wearer("Zoë 7") == TURNED
    with pytest.raises(UsageError, match=r"expected a mounting of other, none is kept .* har live --calibrate"):
        mounting_of_wearer("other")
    place.write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="expected a mounting, got something else"):
        mounting_of_wearer("Zoë 7")


@pytest.mark.parametrize(
    "name", ["", " me", "..", "../me", "a/b", "a\\b", "me\n", "nul", "CON.x", "me.", "a" * 65, "\x1b[31m", "-x"]
)
def test_names_that_are_no_files_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="expected a name of letters") as error:
        file_of_wearer(name)
    assert "\x1b" not in str(error.value)
    assert "\n" not in error.value.message


def test_an_engine_is_given_turned_windows() -> None:
    class Seen:
        def predict(self, windows: np.ndarray) -> np.ndarray:
            self.windows = windows
            return np.ones((len(windows), 2), np.float32)

    seen, windows = Seen(), np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    assert MountedEngine(seen, TURNED).predict(windows).shape == (2, 2)
    assert np.allclose(seen.windows, windows @ TURNED.matrix.T, atol=1e-6)
    assert seen.windows.dtype == np.float32
