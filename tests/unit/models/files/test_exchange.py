"""Two folders change places in one step, or nothing happens."""

import sys

import pytest

from edgehar.models.files.exchange import exchange


@pytest.mark.parametrize("missing", [False, True])
def test_folders_change_places_or_stay(tmp_path, missing):
    left, right = tmp_path / "left ü", tmp_path / "right"
    left.mkdir()
    (left / "a").touch()
    if not missing:
        right.mkdir()
        (right / "b").touch()
    if exchange(left, right):
        assert not missing
        left, right = right, left
    else:
        assert missing or sys.platform not in ("linux", "darwin")
    assert [path.name for path in left.iterdir()] == ["a"]
    assert right.exists() is not missing


def test_a_system_without_such_a_step_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr("edgehar.models.files.exchange.ctypes.CDLL", lambda name: object())
    assert exchange(tmp_path / "a", tmp_path / "b") is False
