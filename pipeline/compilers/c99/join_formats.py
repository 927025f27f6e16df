"""The formats of joined vectors: what every branch ends in, and what is concatenated of several."""

from dataclasses import replace

from edgehar.models.portable.fixed_point import SUM_BITS
from edgehar.models.portable.tables import FORK, CLayer

_MOST_FRACTION_BITS = SUM_BITS - 1


class BranchEnds:
    """The ends of branches, by the forks that are open."""

    def __init__(self) -> None:
        self._forks: list[tuple[str, dict[int, int]]] = []

    @property
    def joins(self) -> str:
        """How what the branches of the fork opened last make is joined; nothing where none is open."""
        return self._forks[-1][0] if self._forks else ""

    def note(self, index: int, structure: CLayer, bits: int) -> None:
        """Take a fork, or the end of a branch that makes values with so many bits below the point."""
        if structure.kind == FORK:
            self._forks.append((structure.joins, {}))
        else:
            self._forks[-1][1][index] = bits

    def settle(self, layers: list[CLayer], least_bits: int) -> None:
        """Give the ends of the branches that were joined last their formats.

        What is concatenated keeps its format where all have the same; else all get the coarsest one, which holds the
        largest values of each. Where that has not the ``least_bits`` that the weights behind it need, peaks saturate.
        """
        joins, ends = self._forks.pop()
        found = set(ends.values())
        coarsest = max(min(found), least_bits)
        fraction = 0 if found == {coarsest} else min(_MOST_FRACTION_BITS, coarsest)
        for index, bits in ends.items():
            own = replace(layers[index], around_bits=bits)
            layers[index] = replace(own, fraction=fraction) if joins == "concat" else own
