"""Which column holds the activity, where several may: a code beside its name, what a phone guessed beside what is true.

Columns that say the same in numbers and in words are one label, and the words are taken. Columns that contradict each
other are asked about: only the person who recorded knows which of them is true.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edgehar.models.sensing.names import words_of
from edgehar.models.sensing.roles import AXIS, LABEL, SUBJECT, TIME, ColumnRole, role_of
from edgehar.pipeline.data.importing.cells import MISSING, is_number
from edgehar.pipeline.data.importing.preamble import Preamble
from edgehar.pipeline.data.importing.refusals import refusal

_ABOUT_LABELS: Final = frozenset(
    {
        *("confidence", "conf", "prob", "probability", "score", "level", "intensity", "source", "counts"),
        *("start", "stop", "begin", "end", "date", "time", "timestamp", "duration", "index", "count"),
    }
)
"""Words of columns that tell something about a label, and are none."""
_WEAK: Final = frozenset(["text", "class", "target"])
"""Words of labels that may as well be a remark, or a number of a class, beside a surer one."""
_GUESSED: Final = frozenset(["predicted", "prediction", "pred", "predict", "estimated", "recognized", "recognised"])
_TRUE: Final = re.compile(r"(?:ground)?truth|gt|true|actual|annotated|annotator|reference|manual")
_FEWEST_FLAGS: Final = 2


@dataclass(frozen=True, slots=True)
class LabelChoice:
    """The column of the activity.

    Parameters
    ----------
    place
        Counted from 0; None where there is none.
    notes, problems
        What was found, as sentences; a problem where another column may be meant.
    """

    place: int | None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def choose_label(preamble: Preamble, roles: Sequence[ColumnRole]) -> LabelChoice:
    """Return the column of the activity, by the names and the first rows.

    Parameters
    ----------
    preamble
        How the table is written.
    roles
        What its columns are by their names.

    Raises
    ------
    DataError
        When several columns hold labels that contradict each other, or each holds one label as 0 or 1.
    """
    names = preamble.header or ()
    words = [words_of(name) for name in names]
    found = [at for at, role in enumerate(roles) if role.role == LABEL or _ends_like_label(names[at], words[at], role)]
    found = [at for at in found if _ABOUT_LABELS.isdisjoint(words[at]) and any(_cells(preamble, at))]
    meant = [at for at in found if _GUESSED.isdisjoint(words[at])] or found
    named_true = [at for at in meant if any(_TRUE.fullmatch(word) for word in words[at])]
    found = named_true if len(named_true) == 1 else meant
    found = [at for at in found if _WEAK.isdisjoint(words[at])] or found
    if not found:
        return LabelChoice(None)
    if len(found) == 1:
        return LabelChoice(found[0], (f"The activity is taken from {preamble.called(found[0])}.",))
    _refuse_flags(preamble, found)
    return _of_several(preamble, found)


def _ends_like_label(name: str, words: Sequence[str], role: ColumnRole) -> bool:
    """Tell whether the last word of a name is that of a label, as in ``true_activity``."""
    if role.role in (AXIS, TIME, SUBJECT) or not words:
        return False
    return len(words) > 1 and role_of(words[-1]).role == LABEL and words[-1] not in ("text", "class", "target")


def _cells(preamble: Preamble, place: int) -> list[str]:
    """Return what the first rows say in a column; nothing where it is missing."""
    cells = (row[place].strip() if len(row) > place else "" for row in preamble.head)
    return ["" if cell.lower() in MISSING else cell for cell in cells]


def _refuse_flags(preamble: Preamble, places: Sequence[int]) -> None:
    """Refuse columns of which each is one activity, with 1 where it was done."""
    flags = [at for at in places if {cell for cell in _cells(preamble, at) if cell} <= {"0", "1", "0.0", "1.0"}]
    if len(flags) < max(_FEWEST_FLAGS, len(places)) or any(len(set(_cells(preamble, at)) - {""}) > 2 for at in flags):
        return
    rows = zip(*(_cells(preamble, at) for at in flags), strict=True)
    if any(sum(cell in ("1", "1.0") for cell in row) > 1 for row in rows):
        return
    listed = ", ".join(preamble.called(at).removeprefix("column ") for at in flags[:4])
    raise refusal(
        preamble.name,
        f"expected one column with the name of the activity, got {len(flags)} that are 0 or 1 each: {listed}",
        line=max(1, preamble.first_line - 1),
        next_step="Write the names into one column, or import it without labels: --label-column none.",
    )


def _of_several(preamble: Preamble, places: Sequence[int]) -> LabelChoice:
    """Return the one of several columns whose labels are words, where the others say the same."""
    spoken = [at for at in places if any(cell and not is_number(cell) for cell in _cells(preamble, at))]
    taken = spoken[0] if spoken else places[0]
    others = [at for at in places if at != taken]
    contradicting = [at for at in others if not _say_the_same(_cells(preamble, taken), _cells(preamble, at))]
    if contradicting:
        listed = " and ".join(preamble.called(at) for at in (taken, *contradicting))
        raise refusal(
            preamble.name,
            f"expected one column with the activity, got {listed}, which do not say the same",
            line=max(1, preamble.first_line - 1),
            next_step=f"Name the one that is true: --label-column {_declared(preamble, taken)} or "
            f"--label-column {_declared(preamble, contradicting[0])}.",
        )
    listed = ", ".join(preamble.called(at) for at in others)
    notes = (f"The activity is taken from {preamble.called(taken)}.",)
    if len(set(_cells(preamble, taken)) - {""}) > 1:
        return LabelChoice(taken, (*notes, f"The same is said by {listed}."))
    doubt = (
        f"The activity is taken from {preamble.called(taken)}, but {listed} may hold it too: if so, say --label-column."
    )
    return LabelChoice(taken, notes, (doubt,))


def _say_the_same(ones: Sequence[str], others: Sequence[str]) -> bool:
    """Tell whether each label of one column stands beside one of the other, and the other way round."""
    pairs = {pair for pair in zip(ones, others, strict=True) if all(pair)}
    return len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def _declared(preamble: Preamble, place: int) -> str:
    """Return how to name a column in an option."""
    name = (preamble.header or ())[place]
    return name if re.fullmatch(r"[\w.-]+", name) and (preamble.header or ()).count(name) == 1 else str(place + 1)
