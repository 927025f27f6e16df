"""Columns longer than memory: what was appended is read, mapped and kept; a full disk is one sentence."""

import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing import spool as module
from edgehar.pipeline.data.importing.spool import Scaled, Spool, Workspace


@given(st.lists(st.lists(st.integers(-1000, 1000), max_size=9), max_size=8), st.integers(1, 5))
def test_rows_come_back_in_blocks_and_as_a_whole(parts: list[list[int]], block: int) -> None:
    spool = Spool(np.float64)
    for part in parts:
        spool.append(np.array(part, dtype=float))
    whole = [value for part in parts for value in part]
    assert len(spool) == len(whole)
    assert spool.read(0, len(spool)).tolist() == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_ROWS", block)
        assert [value for found in spool.blocks() for value in found] == whole
        steps = [step for found in Scaled(spool, 2.0).blocks(overlap=1) for step in np.diff(found)]
    assert steps == (np.diff(whole) * 2.0).tolist()


def test_views_stay_when_the_file_grows_and_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEWEST_MAPPED", 4)
    workspace = Workspace()
    views = []
    for number in range(20):
        first = len(workspace.samples)
        workspace.samples.append(np.full((3, 3), number, np.float32))
        views.append(workspace.samples.view(first, first + 3))
    del workspace
    assert [view.tolist() for view in views] == [[[number] * 3] * 3 for number in range(20)]
    assert not views[0].flags.writeable


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    spool = Spool(np.float64, folder=tmp_path)
    spool.append(np.zeros(2_000_000))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(np.float64, folder=tmp_path)

    def full(_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool._file, "write", full)
    with pytest.raises(DataError, match=f"room for temporary files in {tmp_path}, but No space left on device"):
        spool.append(np.zeros(3))
