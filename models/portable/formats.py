"""How many bits stand below the point of what every layer of an integer model is given."""

from collections.abc import Sequence

from edgehar.models.portable.geometry import is_first_of_two
from edgehar.models.portable.layers import END, FORK, JOIN, CLayer


class Formats:
    """The format of what the next layer is given, and of what went into the layer before it."""

    def __init__(self, sample_bits: int) -> None:
        self.bits = self.around_bits = sample_bits
        self._forks: list[int] = []

    def pass_by(self, layer: CLayer, *, first_of_two: bool) -> None:
        """Go on behind a layer; what runs backward is given what the first of two is given."""
        if layer.kind == FORK:
            self._forks.append(self.bits)
        elif layer.kind == END:
            self.bits = self.around_bits = self._forks[-1]
        elif layer.kind == JOIN:
            self._forks.pop()
            self.bits = self.around_bits = layer.bits_after(self.bits)
        elif not first_of_two:
            self.bits, self.around_bits = layer.bits_after(self.bits), self.bits


def input_formats(layers: Sequence[CLayer], sample_bits: int) -> list[tuple[int, int]]:
    """Return the bits of what each layer is given, and of what went into the layer before it."""
    formats, found = Formats(sample_bits), []
    for index, layer in enumerate(layers):
        found.append((formats.bits, formats.around_bits))
        formats.pass_by(layer, first_of_two=is_first_of_two(layers, index))
    return found
