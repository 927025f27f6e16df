"""Whether a model fits a board, told before anything is built."""

from dataclasses import dataclass
from typing import Final

from edgehar.firmware_bridge.frames.fields import ACCELERATION, MOTION, RESULT_FIELDS
from edgehar.firmware_bridge.projects.boards import BOARDS, Board
from edgehar.models.errors import UsageError
from edgehar.models.portable.tables import FLOAT32, GATES, INT8, CModel, Matrix

_RECORD_BYTES: Final = 48
"""Of a layer in the array of layers, on a chip with 32-bit pointers."""

_TIME_BYTES: Final = 24
"""Of how a layer lies along time, in the same record."""

_TIME_STACK_BYTES: Final = 128
"""More of the stack for layers along time, whose records are longer."""

_FORK_STACK_BYTES: Final = 48
"""More of the stack for every fork of branches that is open."""

_TURNING_BYTES: Final = 64
"""More RAM for a sensor's turning rate: its counts on the way, and a converter of their rate."""

_PRODUCTS_PER_ROW: Final = 5
"""What the rounding of a row takes, in products."""

_PROBABILITY_BYTES: Final = {FLOAT32: 4, INT8: 2}
"""Of a probability in a RESULT."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model asks of a board: bytes of flash and RAM at most, and seconds a step."""

    flash_bytes: int
    ram_bytes: int
    step_s: float | None


def needs_of(
    model: CModel, board: Board, *, label_bytes: int = 0, hello_bytes: int = 0, decoder: tuple[int, int] = (0, 0)
) -> Needs:
    """Return what a model will take on a board, from above.

    Parameters
    ----------
    model, board
        What runs where.
    label_bytes
        What the labels take in flash.
    hello_bytes
        Length of the HELLO it sends: a board has room for it even if it is longer than the board's longest body.
    decoder
        Bytes of flash and RAM that decoding takes.
    """
    is_float = model.quantization == FLOAT32
    memory = 4 * (model.scratch_sums + model.kept_sums) + (4 if is_float else 2) * model.kept_values
    # A board with a sensor classifies what it senses and what it is sent, each with an engine of its own.
    engines = 2 if board.senses else 1
    return Needs(
        flash_bytes=table_bytes(model) + board.code_bytes + label_bytes + decoder[0],
        ram_bytes=engines * memory
        + board.ram_overhead_bytes
        + board.stack_bytes
        + (_TIME_STACK_BYTES if model.needs_whole_windows else 0)
        + _FORK_STACK_BYTES * model.forks
        + (_TURNING_BYTES if board.senses and model.channels > len(ACCELERATION) else 0)
        + max(0, hello_bytes - board.longest_body)
        + decoder[1],
        step_s=None if board.clock_hz is None else _cycles(model, board) / board.clock_hz,
    )


def _cycles(model: CModel, board: Board) -> float:
    """Return the cycles that a sample takes at most."""
    a_product = board.cycles_per_float_product if model.quantization == FLOAT32 else board.cycles_per_product
    ran = list(zip(model.runs_per_step, model.layers, strict=False))
    gated = sum(count * layer.units for count, layer in ran if GATES[layer.kind] > 1)
    cycles = model.multiply_adds_per_step * a_product + gated * board.cycles_per_gated_unit
    if model.needs_whole_windows:
        # Filters have short rows, each of which is rounded, and layers along time find their place before they run.
        rows = sum(count * layer.rows for count, layer in ran)
        cycles += rows * _PRODUCTS_PER_ROW * a_product + len(ran) * board.cycles_per_gated_unit
    return cycles


def has_room(board: Board, needs: Needs) -> bool:
    """Tell whether a board's flash and RAM suffice."""
    there = ((board.flash_bytes, needs.flash_bytes), (board.ram_bytes, needs.ram_bytes))
    return all(most is None or needed <= most for most, needed in there)


def table_bytes(model: CModel) -> int:
    """Return what the model's tables take in flash."""
    matrices = [matrix for layer in model.layers for matrix in layer.matrices]
    record = _RECORD_BYTES + (_TIME_BYTES if model.needs_whole_windows else 0)
    return sum(map(_matrix_bytes, matrices)) + record * len(model.layers)


def most_labels(board: Board, quantization: str) -> int:
    """Return how many probabilities fit into a RESULT of a board."""
    return (board.longest_body - RESULT_FIELDS.size) // _PROBABILITY_BYTES[quantization]


def require_fit(model: CModel, board: Board, *, label_bytes: int = 0, hello_bytes: int = 0) -> None:
    """Refuse a model that a board cannot hold or run; for the parameters see `needs_of`.

    Raises
    ------
    UsageError
        If the board's engine is not built for its numbers, its matrices or its labels are too many, or flash or RAM do
        not suffice.
    """
    if model.quantization not in board.quantizations:
        raise UsageError(
            f"board {board.name}: expected a model of {' or '.join(board.quantizations)} numbers, "
            f"got {model.quantization}",
            next_step=f"Pass --quantization {board.quantizations[0]}.",
        )
    if model.channels not in (len(ACCELERATION), len(MOTION)):
        raise UsageError(
            f"board {board.name}: expected a model of {len(ACCELERATION)} channels, x, y and z, or of {len(MOTION)} "
            f"with the turning rate, got {model.channels}",
            next_step="Use a model of acceleration, or of acceleration and turning rate.",
        )
    largest = _largest_matrix(model)
    if largest > board.largest_matrix:
        raise UsageError(
            f"board {board.name}: expected matrices of at most {board.largest_matrix} inputs and outputs, "
            f"the model has {largest}",
            next_step=_another_board(model, board),
        )
    most = most_labels(board, model.quantization)
    if model.classes > most:
        raise UsageError(
            f"board {board.name}: expected at most {most} labels of {model.quantization}, as many as a message of "
            f"{board.longest_body} bytes holds, the model has {model.classes}",
            next_step=_another_board(model, board),
            labels=model.classes,
            most_labels=most,
        )
    _require_room(model, board, needs_of(model, board, label_bytes=label_bytes, hello_bytes=hello_bytes))


def too_slow(model: CModel, board: Board, rate_hz: float) -> str | None:
    """Return a sentence if a step takes longer than a sample, so that the board cannot classify live; else None."""
    step_s = needs_of(model, board).step_s
    if step_s is None or step_s < 1 / rate_hz:
        return None
    return (
        f"{board.name} takes about {step_s * 1000:.1f} ms a step and a sample comes every {1000 / rate_hz:g} ms: "
        "it can classify windows it is sent, not keep up with a sensor"
    )


def _require_room(model: CModel, board: Board, needs: Needs) -> None:
    """Refuse a model that needs more flash or RAM than a board has."""
    for what, needed, there in (
        ("flash", needs.flash_bytes, board.flash_bytes),
        ("RAM", needs.ram_bytes, board.ram_bytes),
    ):
        if there is not None and needed > there:
            raise UsageError(
                f"board {board.name} is too small: the model needs up to {needed:,} bytes of {what}, it has {there:,}",
                next_step=f"Use a smaller model. {_another_board(model, board)}",
                needed_bytes=needed,
                available_bytes=there,
            )


def _largest_matrix(model: CModel) -> int:
    """Return the most inputs or outputs of a matrix."""
    return max(max(matrix.inputs, matrix.outputs) for layer in model.layers for matrix in layer.matrices)


def _matrix_bytes(matrix: Matrix) -> int:
    """Return the bytes of a matrix's arrays, an odd last row's neighbour included."""
    arrays = (matrix.weights, matrix.bias, matrix.multipliers)
    padding = matrix.taps * matrix.inputs if matrix.is_integer and matrix.outputs % 2 else 0
    return sum(array.nbytes for array in arrays if array is not None) + padding


def _another_board(model: CModel, board: Board) -> str:
    """Return the advice to take a board that holds the model, where there is one."""
    names = []
    for other in BOARDS.values():
        needs = needs_of(model, other)
        if (
            other.name != board.name
            and model.quantization in other.quantizations
            and _largest_matrix(model) <= other.largest_matrix
            and model.classes <= most_labels(other, model.quantization)
            and (other.flash_bytes is None or needs.flash_bytes <= other.flash_bytes)
            and (other.ram_bytes is None or needs.ram_bytes <= other.ram_bytes)
        ):
            names.append(other.name)
    if names:
        return f"Choose another board: {', '.join(names)}."
    return "No board here can run it: use a model of fewer labels or units, or int8 in the place of float32."
