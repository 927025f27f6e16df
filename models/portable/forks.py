"""Branches of the C engine: when each of them hands on, and how many joined vectors wait for the slowest."""

from dataclasses import dataclass, field, replace
from typing import Final

from edgehar.models.portable.layers import ATTENTION, POOLS, CLayer

MOST_ENDS: Final = 8
"""Branches of one fork: so many widened values are the most that 32 bits hold as a sum."""

MOST_FORKS: Final = 8
"""Forks that are open at once."""

_MOST_PACE: Final = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Pace:
    """When a branch hands on its vector number n: as its fork is given number ``stride`` n + ``lag``.

    Not ``is_known`` where it depends on the window's end before that.
    """

    stride: int = 1
    lag: int = 0
    is_known: bool = True

    def behind(self, layer: CLayer, *, steps: int, count: int, before: int) -> "Pace":
        """Return the pace behind one more layer, which makes ``count`` vectors of ``steps`` behind a margin."""
        if layer.kind == ATTENTION or layer.merge or count == 1:
            return Pace(is_known=False)
        if layer.kind not in (*POOLS, "conv", "residual"):
            return self
        span = layer.reach - before
        is_cut = layer.kind in POOLS and (count - 1) * layer.stride + span >= steps
        return self.slowed(Pace(layer.stride, span, not is_cut))

    def slowed(self, other: "Pace") -> "Pace":
        """Return the pace behind what has another pace of its own."""
        stride, lag = self.stride * other.stride, self.lag + self.stride * other.lag
        is_known = self.is_known and other.is_known and max(stride, lag) <= _MOST_PACE
        return Pace(stride, lag) if is_known else Pace(is_known=False)


@dataclass(slots=True)
class OpenFork:
    """A fork whose branches end one after the other."""

    index: int
    joins: str
    inputs: int
    steps: int
    outer: Pace
    widths: list[int] = field(default_factory=list)
    count: int = 0
    paces: list[Pace] = field(default_factory=list)

    def end(self, width: int, count: int, pace: Pace) -> None:
        """End a branch that hands on so many vectors of so many numbers.

        Raises
        ------
        ValueError
            If the others do not fit it.
        """
        if self.widths and (count != self.count or (self.joins != "concat" and width != self.widths[0])):
            raise ValueError(
                f"expected {self.count} vectors of {self.widths[0]} numbers, as the branch before hands on, "
                f"got {count} of {width}"
            )
        self.widths.append(width)
        self.count = count
        self.paces.append(pace)

    @property
    def outputs(self) -> int:
        """Numbers of a joined vector."""
        return sum(self.widths) if self.joins == "concat" else self.widths[0]

    @property
    def ring(self) -> int:
        """Joined vectors that some branches have given to and others not, at most, at any time."""
        if not self._is_regular:
            return self.count
        lags, stride = [pace.lag for pace in self.paces], self.paces[0].stride
        ahead = (max(lags) - min(lags)) // stride + 1
        # When the window has ended, branches are finished one after the other.
        unseen = self.count - 1 - (self.steps - 2 - max(lags)) // stride
        return max(1, min(self.count, max(ahead, unseen)))

    @property
    def joined(self) -> Pace:
        """The pace behind the join."""
        own = replace(self.paces[0], lag=max(pace.lag for pace in self.paces), is_known=self._is_regular)
        return self.outer.slowed(own)

    @property
    def _is_regular(self) -> bool:
        """Whether all branches have the same known pace but for their lags."""
        return all(pace.is_known and pace.stride == self.paces[0].stride for pace in self.paces)
