"""Chunks of long numbers by PyArrow's parser, where that is installed: of 17 digits it takes a quarter of NumPy's time.

Both parsers round correctly, so that which of them is there changes no bit. What PyArrow refuses is left to NumPy's,
which says no to the same cells, or takes them: a plus in front of a number, for example.
"""

import importlib.util
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_FEWEST_BYTES: Final = 2**19
"""PyArrow takes a tenth of a second to load: shorter files are read before it is there."""
_LONG_CELL_BYTES: Final = 14
"""On average, with the delimiter. NumPy's parser is as fast up to 15 digits."""


def read_long_numbers(chunk: bytes, dtype: np.dtype[Any], delimiter: str | None, lines: int) -> npt.NDArray[Any] | None:
    """Return a chunk as a structured array, or None where it should be read by another parser.

    Parameters
    ----------
    chunk
        Whole lines without quotes.
    dtype
        A field for every column; those of type ``S1`` are not wanted.
    delimiter
        Between cells; None for any number of blanks.
    lines
        How many lines the chunk has.
    """
    names = dtype.names or ()
    is_long = len(chunk) >= max(_FEWEST_BYTES, _LONG_CELL_BYTES * lines * len(names))
    if delimiter is None or not is_long or not _has_pyarrow():
        return None
    import pyarrow as pa
    from pyarrow import csv

    kinds = {name: np.dtype(dtype[name]) for name in names}
    wanted = {name: pa.float64() if kind.kind == "f" else pa.binary() for name, kind in kinds.items() if kind != "S1"}
    try:
        columns = csv.read_csv(
            pa.BufferReader(chunk),
            csv.ReadOptions(use_threads=False, block_size=len(chunk) + 1, column_names=list(names)),
            csv.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                check_utf8=False,
                column_types=wanted,
                null_values=[],
                include_columns=list(wanted),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    table = np.zeros(columns.num_rows, dtype)
    for name in wanted:
        column = columns[name].combine_chunks()
        table[name] = column.to_numpy(zero_copy_only=False) if kinds[name].kind == "f" else _texts(column, kinds[name])
    return table


def _texts(column: Any, kind: np.dtype[Any]) -> npt.NDArray[np.bytes_]:
    """Return texts, of which few are different, in fields of one width."""
    encoded = column.dictionary_encode()
    different = np.array(encoded.dictionary.to_pylist(), dtype=kind)
    texts: npt.NDArray[np.bytes_] = different[encoded.indices.to_numpy()]
    return texts


@cache
def _has_pyarrow() -> bool:
    """Tell whether PyArrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None
