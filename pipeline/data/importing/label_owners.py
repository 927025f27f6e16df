"""Which recordings a table of intervals is about: the one it is named after, else all beside it.

``walk1_labels.csv``, ``labels_walk1.csv``, ``walk1.txt`` and ``labels/walk1.csv`` are about ``walk1`` alone, though
their times may meet every recording that begins at 0.
"""

from collections.abc import Sequence

from edgehar.pipeline.data.importing.intervals import IntervalTable, stem_of
from edgehar.pipeline.data.recordings import Recording


def meant_by(table: IntervalTable, recordings: Sequence[Recording]) -> tuple[list[int], bool]:
    """Return the recordings a table may be about, and whether it is named after them.

    Parameters
    ----------
    table
        With intervals in times of its own.
    recordings
        Of the data set.
    """
    folders = [item.recording_id.partition("#")[0].rpartition("/")[0] for item in recordings]
    stems = [stem_of(item) for item in recordings]
    beside = [at for at, folder in enumerate(folders) if folder == table.folder]
    named = _longest([at for at in beside if _is_named_after(table.stem, stems[at])], stems)
    if named:
        return named, True
    elsewhere = _longest([at for at in range(len(stems)) if _is_named_after(table.stem, stems[at])], stems)
    if not beside and len({folders[at] for at in elsewhere}) == 1:
        return elsewhere, True
    return beside, False


def _longest(places: Sequence[int], stems: Sequence[str]) -> list[int]:
    """Return those whose name is the longest: ``walk_fast_labels`` is not about ``walk``."""
    longest = max((len(stems[at]) for at in places), default=0)
    return [at for at in places if len(stems[at]) == longest]


def _is_named_after(name: str, stem: str) -> bool:
    """Tell whether the name of a file begins or ends with that of a recording, as a word of its own."""
    name, stem = name.casefold(), stem.casefold()
    before, after = name[: len(name) - len(stem)], name[len(stem) :]
    begins = name.startswith(stem) and not after[:1].isalnum()
    return bool(stem) and (begins or (name.endswith(stem) and not before[-1:].isalnum()))
