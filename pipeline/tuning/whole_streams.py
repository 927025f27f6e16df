"""The decoder's recursions over whole streams at once, the same numbers: for a search among a thousand decoders."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgehar.models.decoder.markov import FLOOR

_Rows = npt.NDArray[np.float64]


def forward_together(streams: Sequence[_Rows], transitions: _Rows, *, weight: float) -> list[_Rows]:
    """Return what `edgehar.models.decoder.markov.MarkovFilter` without a lag makes of each stream.

    Parameters
    ----------
    streams : arrays of shape (n_windows, n_classes)
        Posteriors, each stream as long as it is.
    transitions : ndarray of shape (n_classes, n_classes)
    weight
        The exponent of every posterior but the first.

    Examples
    --------
    >>> rows = np.array([[0.5, 0.5], [0.9, 0.1]])
    >>> forward_together([rows], np.array([[0.9, 0.1], [0.1, 0.9]]), weight=1.0)[0].round(2).tolist()
    [[0.5, 0.5], [0.9, 0.1]]
    """
    longest = max(map(len, streams))
    evidence = np.ones((longest, len(streams), len(transitions)))
    for number, rows in enumerate(streams):
        floored = np.maximum(rows, FLOOR)
        evidence[: len(rows), number] = floored**weight
        evidence[0, number] = floored[0]
    belief = evidence[0] / evidence[0].sum(axis=1, keepdims=True)
    found = [belief]
    for row in evidence[1:]:
        belief = (belief @ transitions) * row
        belief = belief / belief.sum(axis=1, keepdims=True)
        found.append(belief)
    beliefs = np.stack(found)
    return [beliefs[: len(rows), number] for number, rows in enumerate(streams)]


def dwelt(labels: npt.NDArray[np.int64], windows: int) -> npt.NDArray[np.int64]:
    """Return what `edgehar.models.decoder.Dwell` shows: another label once it has led for so many windows in a row.

    Examples
    --------
    >>> dwelt(np.array([0, 1, 0, 1, 1, 1, 0]), 2).tolist()
    [0, 0, 0, 0, 1, 1, 1]
    """
    places = np.arange(len(labels))
    begins = np.concatenate([[True], labels[1:] != labels[:-1]])
    position = places - np.maximum.accumulate(np.where(begins, places, 0))
    # The first label is shown from its first window on: there is none before it.
    counts = (position >= windows - 1) | (places == 0)
    return labels[np.maximum.accumulate(np.where(counts, places, 0))]


def redistributed(rows: _Rows, *, up: int, down: int, log_odds: npt.NDArray[np.float64]) -> _Rows:
    """Return what `edgehar.models.decoder.redistribute` makes of each row, with log odds of its own.

    Examples
    --------
    >>> redistributed(np.array([[0.2, 0.4, 0.4]]), up=1, down=2, log_odds=np.array([3.0])).round(3).tolist()
    [[0.2, 0.762, 0.038]]
    """
    moved, odds = rows.copy(), np.exp(log_odds / 2)
    mass = rows[:, up] + rows[:, down]
    rise, fall = rows[:, up] * odds, rows[:, down] / odds
    changes = (mass > 0) & (log_odds != 0)
    share = np.divide(mass, rise + fall, out=np.zeros_like(mass), where=changes)
    moved[:, up] = np.where(changes, rise * share, rows[:, up])
    moved[:, down] = np.where(changes, fall * share, rows[:, down])
    return moved
