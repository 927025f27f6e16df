"""Which people a model learns from, and which it is judged on, for programs."""

from collections.abc import Sequence

from edgehar.pipeline.data.splits import Split, default_holdout, holdout
from edgehar.pipeline.data.windows import Windows


def split_by_subject(windows: Windows, held_out: Sequence[str] | None = None) -> Split:
    """Judge on some people, learn from all others: nobody is on both sides.

    Parameters
    ----------
    windows
        From `edgehar.make_windows`.
    held_out
        Whom to judge on. Default: every fourth person.

    Raises
    ------
    UsageError
        When a subject is not there.
    DataError
        When there is nobody left to learn from.

    Examples
    --------
    >>> import edgehar
    >>> windows = edgehar.make_windows(edgehar.load_recordings("synthetic", progress=False))
    >>> edgehar.split_by_subject(windows).test_subjects
    ('4', '8', '12')
    """
    return holdout(windows, default_holdout(windows) if held_out is None else held_out)
