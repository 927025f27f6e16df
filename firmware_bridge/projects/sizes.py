"""Whether a model fits a board, told before anything is built."""

from dataclasses import dataclass

from edgehar.firmware_bridge.frames.fields import AXES
from edgehar.firmware_bridge.projects.boards import BOARDS, Board
from edgehar.models.errors import UsageError
from edgehar.models.portable.tables import FLOAT32, GATES, CModel, Matrix

_RECORD_BYTES = 48
"""Of a layer in the array of layers, on a chip with 32-bit pointers."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model asks of a board: bytes of flash and RAM at most, and seconds a step."""

    flash_bytes: int
    ram_bytes: int
    step_s: float | None


def needs_of(model: CModel, board: Board) -> Needs:
    """Return what a model will take on a board, from above."""
    numbers = 4 if model.quantization == FLOAT32 else 2
    memory = 4 * (model.scratch_sums + model.kept_sums) + numbers * model.kept_values
    # A board with a sensor classifies what it senses and what it is sent, each with an engine of its own.
    engines = 2 if board.senses else 1
    step_s = None
    if board.clock_hz is not None:
        gated = sum(layer.units for layer in model.layers if GATES[layer.kind] > 1)
        cycles = model.multiply_adds_per_step * board.cycles_per_product + gated * board.cycles_per_gated_unit
        step_s = cycles / board.clock_hz
    return Needs(
        flash_bytes=table_bytes(model) + board.code_bytes,
        ram_bytes=engines * memory + board.ram_overhead_bytes + board.stack_bytes,
        step_s=step_s,
    )


def table_bytes(model: CModel) -> int:
    """Return what the model's tables take in flash."""
    matrices = [matrix for layer in model.layers for matrix in layer.matrices]
    return sum(map(_matrix_bytes, matrices)) + _RECORD_BYTES * len(model.layers)


def _matrix_bytes(matrix: Matrix) -> int:
    """Return the bytes of a matrix's arrays, an odd last row's neighbour included."""
    arrays = (matrix.weights, matrix.bias, matrix.multipliers)
    padding = matrix.inputs if matrix.is_integer and matrix.outputs % 2 else 0
    return sum(array.nbytes for array in arrays if array is not None) + padding


def require_fit(model: CModel, board: Board) -> None:
    """Refuse a model that a board cannot hold or run.

    Raises
    ------
    UsageError
        If the board's engine is not built for its numbers, its matrices are too large, or flash or RAM do not suffice.
    """
    if model.quantization not in board.quantizations:
        raise UsageError(
            f"board {board.name}: expected a model of {' or '.join(board.quantizations)} numbers, "
            f"got {model.quantization}",
            next_step=f"Pass --quantization {board.quantizations[0]}.",
        )
    if model.channels != AXES:
        raise UsageError(
            f"board {board.name}: expected a model of {AXES} channels, x, y and z, got {model.channels}",
            next_step="Use a model of acceleration alone.",
        )
    largest = max(max(matrix.inputs, matrix.outputs) for layer in model.layers for matrix in layer.matrices)
    if largest > board.largest_matrix:
        raise UsageError(
            f"board {board.name}: expected matrices of at most {board.largest_matrix} inputs and outputs, "
            f"the model has {largest}",
            next_step=f"Choose another board: {_others(model, board)}.",
        )
    needs = needs_of(model, board)
    for what, needed, there in (
        ("flash", needs.flash_bytes, board.flash_bytes),
        ("RAM", needs.ram_bytes, board.ram_bytes),
    ):
        if there is not None and needed > there:
            raise UsageError(
                f"board {board.name} is too small: the model needs up to {needed:,} bytes of {what}, it has {there:,}",
                next_step=f"Use a smaller model, or another board: {_others(model, board)}.",
                needed_bytes=needed,
                available_bytes=there,
            )


def too_slow(model: CModel, board: Board, rate_hz: float) -> str | None:
    """Return a sentence if a step takes longer than a sample, so that the board cannot classify live; else None."""
    step_s = needs_of(model, board).step_s
    if step_s is None or step_s < 1 / rate_hz:
        return None
    return (
        f"{board.name} takes about {step_s * 1000:.1f} ms a step and a sample comes every {1000 / rate_hz:g} ms: "
        "it can classify windows it is sent, not keep up with a sensor"
    )


def _others(model: CModel, board: Board) -> str:
    """Return the names of boards that hold the model."""
    names = []
    for other in BOARDS.values():
        needs = needs_of(model, other)
        if (
            other.name != board.name
            and model.quantization in other.quantizations
            and (other.flash_bytes is None or needs.flash_bytes <= other.flash_bytes)
            and (other.ram_bytes is None or needs.ram_bytes <= other.ram_bytes)
        ):
            names.append(other.name)
    return ", ".join(names)
