"""Sequences: stretches of one person's samples, longer than a window, some of them joined of several activities."""

from dataclasses import dataclass

import numpy as np

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.windows import Indices, Windows


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Drawn sequences: which samples they are made of, and what is done at each.

    Parameters
    ----------
    places : ndarray of shape (n, length), int64
        Positions in the samples of the windows they were drawn from.
    labels : ndarray of shape (n, length), int64
        What is done at each sample.
    since : ndarray of shape (n, length), int64
        How many samples of its piece have been seen, itself among them: 1 where a piece begins.
    """

    places: Indices
    labels: Indices
    since: Indices


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """The samples that some windows cover without a break: each run is of one activity of one person.

    Parameters
    ----------
    starts, stops : ndarray of shape (n,), int64
        First sample and end of each run.
    labels, people : ndarray of shape (n,), int64
        What is done in it, and by whom, as a number.
    window_length
        Of the windows: no run is shorter.
    """

    starts: Indices
    stops: Indices
    labels: Indices
    people: Indices
    window_length: int

    @classmethod
    def of(cls, windows: Windows, indices: Indices) -> "Runs":
        """Return the runs of some windows. A sample that lies in none of them is in no run: others are judged on it.

        Raises
        ------
        DataError
            If there is no window.
        """
        if not len(indices):
            raise DataError("expected windows to take sequences from, got none", next_step="Add recordings.")
        chosen = indices[np.lexsort((windows.starts[indices], windows.segment_starts[indices]))]
        starts, segments = windows.starts[chosen], windows.segment_starts[chosen]
        apart = (np.diff(starts) > windows.window_length) | (np.diff(segments) != 0)
        begins = np.flatnonzero(np.concatenate([[True], apart]))
        ends = np.concatenate([begins[1:], [len(chosen)]]) - 1
        _, people = np.unique(windows.subjects[chosen], return_inverse=True)
        return cls(
            starts[begins],
            starts[ends] + windows.window_length,
            windows.labels[chosen[begins]],
            people[begins],
            windows.window_length,
        )

    def draw(self, count: int, *, length: int, joined: float, rng: np.random.Generator) -> Sequences:
        """Return random sequences: every sample is about as likely as any other.

        A sequence is one piece of a run, or several pieces of runs of the same person, one after the other: each is a
        window long and, on average, half a sequence more. What is too short to fill a sequence is followed by another
        piece as well.

        Parameters
        ----------
        count
            How many.
        length
            Samples of each.
        joined
            Share of the sequences that are cut into pieces.
        rng
            Decides all of it.

        Raises
        ------
        UsageError
            If a sequence would be shorter than a window.
        """
        if length < self.window_length:
            raise UsageError(
                f"sequences of {length} samples: expected at least a window of {self.window_length}",
                next_step="Make the sequences longer.",
            )
        found = Sequences(*(np.empty((count, length), np.int64) for _ in range(3)))
        own = {person: np.flatnonzero(self.people == person) for person in np.unique(self.people).tolist()}
        everyone = np.arange(len(self.starts))
        for row in range(count):
            run, done, is_joined = self._any_of(everyone, rng), 0, rng.random() < joined
            while done < length:
                wanted = length - done
                if is_joined:
                    wanted = min(wanted, self.window_length + int(rng.exponential(length / 2)))
                done += self._piece(found, row, done, run, wanted, rng)
                run = self._any_of(own[int(self.people[run])], rng)
        return found

    def _any_of(self, runs: Indices, rng: np.random.Generator) -> int:
        """Return one of some runs, a long one more often."""
        ends = np.cumsum(self.stops[runs] - self.starts[runs])
        return int(runs[np.searchsorted(ends, rng.integers(ends[-1]), side="right")])

    def _piece(self, found: Sequences, row: int, done: int, run: int, wanted: int, rng: np.random.Generator) -> int:
        """Put a piece of a run behind what a sequence has; return how long it is."""
        longest = int(self.stops[run] - self.starts[run])
        count = min(wanted, longest)
        # The margin makes the first and the last samples of a run as likely as those in its middle.
        place = rng.integers(-self.window_length, longest - count + self.window_length, endpoint=True)
        first = self.starts[run] + np.clip(place, 0, longest - count)
        piece = slice(done, done + count)
        found.places[row, piece] = np.arange(first, first + count)
        found.labels[row, piece] = self.labels[run]
        found.since[row, piece] = np.arange(1, count + 1)
        return count
