"""Try decoders on streams and keep the one that loses least: a grid, small enough to be tried whole.

A decoder costs what a person loses by it (`edgehar.pipeline.tuning.events`); one with a lower macro-F1 than no decoder
at all is out of the question. What the choice is worth is told by cross-validation over people: each is judged by the
decoder that all others chose.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import REJECTED, UNDECODED, PosteriorFilter
from edgehar.models.decoder.filtering import evidence_weight
from edgehar.models.decoder.markov import uniform_transitions
from edgehar.pipeline.tuning.events import EventScores, event_scores
from edgehar.pipeline.tuning.scores import Confusion, confusion_of, macro_f1_of
from edgehar.pipeline.tuning.streams import Stream
from edgehar.pipeline.tuning.whole_streams import dwelt, forward_together, redistributed

SMOOTHINGS: Final = (1, 2, 3, 4, 6, 8)
STAYS_S: Final = (5.0, 10.0, 20.0, 40.0, 80.0)
"""How long somebody does one thing, in the hidden Markov models that are tried."""
TEMPERATURES: Final = (1.0, 1.25, 1.5, 2.0)
REJECTIONS: Final = (0.0, 0.3, 0.4, 0.5, 0.6)
DWELLS: Final = (1, 2, 3, 5)

_Posteriors = npt.NDArray[np.float64]
_Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """Whose streams, and what they are of.

    Parameters
    ----------
    streams
        Of the people who choose.
    labels
        Names of the classes, in order.
    hop, window_length
        Of the streams' windows, in samples.
    push
        How elevators are told apart in the decoders that are tried; None without elevators.
    """

    streams: tuple[Stream, ...]
    labels: tuple[str, ...]
    hop: int
    window_length: int
    push: PushSpec | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A decoder, and what came of it."""

    spec: DecoderSpec
    scores: EventScores
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What a search found.

    Parameters
    ----------
    undecoded, best
        The decoder that changes nothing, and the best one, which may be the same; both on everybody who chose.
    of_others
        For each stream the decoder that all other people chose.
    cost, macro_f1
        Of each person under the decoder that the others chose: what the best one can be held to.
    """

    undecoded: Trial
    best: Trial
    of_others: tuple[DecoderSpec, ...]
    cost: float
    macro_f1: float

    def improves_on(self, present: Trial) -> bool:
        """Whether the choice loses less than another decoder on the same people, and is not less often right."""
        return self.best.spec != present.spec and self.cost < present.scores.cost and self.macro_f1 >= present.macro_f1


def judge(spec: DecoderSpec, grid: Grid) -> Trial:
    """Return what a person would notice of a decoder."""
    shown = [_shown(spec, rows) for rows in _filtered(spec, grid)]
    pairs = [(stream.truth, labels) for stream, labels in zip(grid.streams, shown, strict=True)]
    confusion = np.sum([confusion_of(truth, labels, len(grid.labels)) for truth, labels in pairs], axis=0)
    return Trial(spec, event_scores(pairs, step_s=grid.streams[0].step_s), macro_f1_of(confusion))


def search(
    grid: Grid,
    *,
    most_f1_lost: float | None = None,
    progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Choice:
    """Return the best decoder of the grid, and what it is worth.

    Parameters
    ----------
    grid
        Of people the model was trained on, or of out-of-fold posteriors: the people it is judged by must not choose its
        decoder. Several streams of a person choose together; one person's only stream is cut in two.
    most_f1_lost
        Choose among decoders whose macro-F1 is at most so much below the highest one. Default: among all whose macro-F1
        is not below that of no decoder.
    progress
        Is told how many filters were tried, and of how many.
    """
    grid = _divisible(grid)
    hours = np.array([stream.hours for stream in grid.streams])
    specs: list[DecoderSpec] = []
    costs: list[npt.NDArray[np.float64]] = []
    confusions: list[Confusion] = []
    bases = list(_bases(grid))
    for number, base in enumerate(bases, start=1):
        filtered = _filtered(base, grid)
        for spec in _held_back(base):
            pairs = [(stream.truth, _shown(spec, rows)) for stream, rows in zip(grid.streams, filtered, strict=True)]
            specs.append(spec)
            costs.append(np.array([event_scores([pair], step_s=grid.streams[0].step_s).cost for pair in pairs]) * hours)
            confusions.append(np.array([confusion_of(truth, shown, len(grid.labels)) for truth, shown in pairs]))
        progress(number, len(bases))
    cost, confusion = np.array(costs), np.array(confusions)
    whose, every = _people(grid), np.arange(len(grid.streams))
    plain = None if most_f1_lost is not None else specs.index(UNDECODED)

    def choose(choosing: npt.NDArray[np.bool_]) -> int:
        return _choose(cost, confusion, choosing, plain=plain, most_f1_lost=most_f1_lost or 0.0)

    by_person = {person: choose(whose != person) for person in np.unique(whose).tolist()}
    chosen = [by_person[person] for person in whose.tolist()]
    return Choice(
        undecoded=judge(UNDECODED, grid),
        best=judge(specs[choose(whose >= 0)], grid),
        of_others=tuple(specs[index] for index in chosen),
        cost=float(cost[chosen, every].sum() / hours.sum()),
        macro_f1=macro_f1_of(confusion[chosen, every].sum(axis=0)),
    )


def _people(grid: Grid) -> npt.NDArray[np.int64]:
    """Return whose each stream is, as numbers; the halves of one person's only stream count as two people."""
    names = [stream.subject for stream in grid.streams]
    if len(set(names)) == 1:
        return np.arange(len(names))
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _bases(grid: Grid) -> Iterator[DecoderSpec]:
    """Yield the filters that are tried; of two that cost the same, the first is taken: elevators are told apart."""
    step_s = grid.streams[0].step_s
    for push in (grid.push, None) if grid.push is not None else (None,):
        for count in SMOOTHINGS:
            yield DecoderSpec(count, 0.0, 1, push=push)
        for stay_s in STAYS_S if len(grid.labels) > 1 else ():
            stay = max(1 / len(grid.labels), 1 - step_s / stay_s)
            for temperature in TEMPERATURES:
                yield DecoderSpec(1, 0.0, 1, (), stay, temperature, push)


def _held_back(base: DecoderSpec) -> Iterator[DecoderSpec]:
    """Yield a filter with every rejection and dwell."""
    for reject_below in REJECTIONS:
        for dwell in DWELLS:
            yield replace(base, reject_below=reject_below, minimum_dwell_windows=dwell)


def _choose(
    cost: npt.NDArray[np.float64],
    confusion: Confusion,
    people: npt.NDArray[np.bool_],
    *,
    plain: int | None,
    most_f1_lost: float,
) -> int:
    """Return which decoder costs these people least, of those with a macro-F1 like the ``plain`` one's, or the best."""
    f1 = np.array([macro_f1_of(each) for each in confusion[:, people].sum(axis=1)])
    least = f1.max() - most_f1_lost if plain is None else f1[plain]
    return int(np.argmin(np.where(f1 >= least, cost[:, people].sum(axis=1), np.inf)))


def _divisible(grid: Grid) -> Grid:
    """Return the grid with one person's stream as two."""
    if len(grid.streams) > 1:
        return grid
    (whole,) = grid.streams
    middle = len(whole.truth) // 2
    halves = tuple(
        replace(
            whole,
            posteriors=whole.posteriors[part],
            truth=whole.truth[part],
            directions=None if whole.directions is None else whole.directions[part],
            joined=None if whole.joined is None else whole.joined[part],
        )
        for part in (slice(None, middle), slice(middle, None))
    )
    return replace(grid, streams=halves)


def _filtered(spec: DecoderSpec, grid: Grid) -> list[_Posteriors]:
    """Return the filtered posteriors of every stream."""
    pushed = [_pushed(spec.push, stream, grid.labels) for stream in grid.streams]
    if spec.stay_probability and not spec.transitions:
        weight = evidence_weight(spec, hop=grid.hop, spec_hop=grid.hop, window_length=grid.window_length)
        return forward_together(
            pushed, uniform_transitions(len(grid.labels), spec.stay_probability, 1.0), weight=weight
        )
    found = []
    for rows in pushed:
        smooth = PosteriorFilter(spec, hop=grid.hop, spec_hop=grid.hop, window_length=grid.window_length)
        found.append(np.array([filtered for row in rows for filtered in smooth.feed(row)]))
    return found


def _pushed(push: PushSpec | None, stream: Stream, labels: tuple[str, ...]) -> _Posteriors:
    """Return posteriors after elevators were told apart."""
    rows = np.asarray(stream.posteriors, np.float64)
    if push is None or stream.directions is None:
        return rows
    up, down = labels.index(push.up), labels.index(push.down)
    return redistributed(rows, up=up, down=down, log_odds=push.log_odds * stream.directions.astype(np.float64))


def _shown(spec: DecoderSpec, rows: _Posteriors) -> _Positions:
    """Reject and dwell."""
    best = np.where(rows.max(axis=1) >= spec.reject_below, rows.argmax(axis=1), REJECTED)
    if spec.minimum_dwell_windows <= 1:
        return best.astype(np.int64)
    return dwelt(best.astype(np.int64), spec.minimum_dwell_windows)
