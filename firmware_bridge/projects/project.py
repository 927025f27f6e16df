"""Write a firmware project: the engine, a model's tables, a board's own code, and how to build it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.projects.boards import Board
from edgehar.firmware_bridge.projects.decoding import (
    Rules,
    Unsupported,
    decoding_bytes,
    decoding_files,
    decoding_of,
)
from edgehar.firmware_bridge.projects.description import (
    config_header,
    identity_header,
    identity_source,
    label_bytes,
    labels_source,
    make_hello,
    model_header,
)
from edgehar.firmware_bridge.projects.escaping import markdown
from edgehar.firmware_bridge.projects.sensors import Sensor, require_gyroscope, require_rate
from edgehar.firmware_bridge.projects.sizes import Needs, has_room, needs_of, require_fit
from edgehar.firmware_bridge.projects.source import tables_source
from edgehar.models.architecture.stateful import stateful_obstacle
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import ArtifactEntry
from edgehar.models.bundle.recognition import check_recognises_activities
from edgehar.models.engines.native_tables import artifact_tables
from edgehar.models.errors import UsageError
from edgehar.models.files import atomic_folder
from edgehar.models.portable import SOURCES
from edgehar.models.portable.tables import CModel
from edgehar.models.stateful.trained import was_trained_to_carry
from edgehar.models.stepping import QUANTIZATIONS, obstacle

FIRMWARE: Final = Path(__file__).parents[1] / "firmware"
MARK: Final = "har_identity.h"
"""A folder that holds this file was written by `write_project`, and may be replaced."""

_HOW_TO_BUILD: Final = "BUILD.txt"
_ENGINE_FILES: Final = (
    "har.h",
    "har_attention.h",
    "har_branches.h",
    "har_avr.S",
    "har_dot.h",
    "har_engine.c",
    "har_float.h",
    "har_integer.h",
    "har_port.h",
    "har_shares.h",
    "har_slide.c",
    "har_slide.h",
    "har_tables.h",
    "har_time.h",
)
_STREAM_FILES: Final = ("har_stream.c", "har_stream.h")
_DECODER_FILES: Final = ("har_decoder.c", "har_decoder.h", "har_push.c", "har_push.h")
_SKETCH: Final = ".ino"
_BESIDE_SOURCES: Final = ("Makefile", "library.properties")


@dataclass(frozen=True, slots=True)
class Project:
    """What was written: where, for which board and artifact, and what it will need there."""

    folder: Path
    board: Board
    artifact: ArtifactEntry
    model: CModel
    needs: Needs


def find_artifact(bundle: Bundle, quantization: str) -> ArtifactEntry:
    """Return the bundle's tables for the C engine.

    Raises
    ------
    UsageError
        If the bundle has none of this quantization, or can have none.
    """
    artifact = bundle.manifest.artifact(format="c", quantization=quantization)
    if artifact is None:
        place = bundle.location or bundle.manifest.model_id
        reason = obstacle(bundle.manifest.architecture.deployed, quantization)
        if reason is not None:
            raise UsageError(
                f"{place}: expected a model that the C engine of firmware runs at {quantization}: {reason}",
                next_step=(
                    "Take a model that har train makes, such as har train --model gru; this one runs as TFLite or ONNX."
                    if quantization in QUANTIZATIONS
                    else f"Choose {' or '.join(QUANTIZATIONS)}."
                ),
                quantization=quantization,
            )
        raise UsageError(
            f"{place}: expected an artifact of format c and quantization {quantization}, there is none",
            next_step=f"Run: har compile {place} --format c --quantization {quantization} --data PATH.",
            quantization=quantization,
        )
    return artifact


def write_project(
    bundle: Bundle,
    board: Board,
    out: Path,
    *,
    quantization: str,
    sensor: Sensor | None = None,
    streaming: bool | None = None,
) -> Project:
    """Write a complete, buildable project, whole or not at all.

    Parameters
    ----------
    bundle
        The model.
    board
        What it shall run on.
    out
        The folder; it may exist if it is such a project.
    quantization
        Of the artifact: ``int8`` or ``float32``.
    sensor
        Of a board that senses: the sensor its sketch is set to; another board has none.
    streaming
        Whether the state of a board that senses goes on from window to window; None: as the model was trained.

    Raises
    ------
    UsageError
        If the bundle has no such artifact, the board cannot hold it, the state cannot be carried, or ``out`` is
        something else.
    """
    check_recognises_activities(bundle.manifest, for_what="firmware", gyroscope=True)
    if board.senses != (sensor is not None):
        wanted, given = "a" if board.senses else "no", sensor.name if sensor else "none"
        raise UsageError(
            f"board {board.name}: expected {wanted} sensor, got {given}",
            next_step="Pass --sensor." if board.senses else "Leave --sensor out.",
        )
    carries = _carries(bundle, board, streaming)
    artifact = find_artifact(bundle, quantization)
    model = artifact_tables(bundle, artifact)
    hello = make_hello(board, bundle.manifest, model, artifact_sha256=artifact.sha256, sensor=sensor)
    sizes = {"label_bytes": label_bytes(bundle.manifest.labels), "hello_bytes": len(hello.pack())}
    require_fit(model, board, **sizes)
    if sensor is not None:
        require_rate(sensor, bundle.manifest.window.rate_hz)
        require_gyroscope(sensor, model.channels)
    rules, why = _decoding(bundle, board, model, sizes)
    needs = needs_of(model, board, **sizes, decoder=(0, 0) if rules is None else decoding_bytes(rules))
    sources = out / "src"
    if out.exists() and not (sources / MARK).is_file():
        raise UsageError(
            f"{out}: expected a new folder or a project of `har firmware`, got something else",
            next_step="Choose another --out.",
            path=out,
        )
    with atomic_folder(out) as folder:
        (folder / "src").mkdir()
        generated = _generated(bundle, board, model, artifact, sensor, hello, needs, carries=carries)
        if board.senses:
            generated |= decoding_files(rules, why)
        for name, text in generated.items():
            (folder / "src" / name).write_text(text, encoding="utf-8")
        for file in _copied(board):
            place = _place(folder, file)
            place.mkdir(parents=True, exist_ok=True)
            (place / file.name).write_bytes(file.read_bytes())
        text = _readme(bundle, board, artifact, needs, why if board.senses else None)
        (folder / "README.md").write_text(text, encoding="utf-8")
    return Project(out, board, artifact, model, needs)


def _carries(bundle: Bundle, board: Board, streaming: bool | None) -> bool:
    """Return whether a board carries the model's state; refuse what cannot be."""
    obstacle = stateful_obstacle(bundle.manifest.architecture)
    if streaming and (obstacle is not None or not board.senses):
        raise UsageError(
            f"--streaming: expected a board that senses and a model that carries its state, got {board.name} and "
            f"{bundle.manifest.architecture.name}{'' if obstacle is None else f' ({obstacle})'}",
            next_step="Leave it out: windows are classified one by one.",
        )
    wanted = was_trained_to_carry(bundle.manifest) if streaming is None else streaming
    return wanted and board.senses and obstacle is None


def _decoding(bundle: Bundle, board: Board, model: CModel, sizes: dict[str, int]) -> tuple[Rules | None, str]:
    """Return how a board decodes, or None and why it does not."""
    try:
        rules = decoding_of(bundle.manifest)
    except Unsupported as reason:
        return None, str(reason)
    if not has_room(board, needs_of(model, board, **sizes, decoder=decoding_bytes(rules))):
        return None, "this board has no room for the decoder"
    return rules, ""


def _generated(
    bundle: Bundle,
    board: Board,
    model: CModel,
    artifact: ArtifactEntry,
    sensor: Sensor | None,
    hello: Hello,
    needs: Needs,
    *,
    carries: bool,
) -> dict[str, str]:
    """Return the files that are made for this model and board, by name."""
    manifest = bundle.manifest
    comment = (
        f"{manifest.model_id}, {model.quantization}, artifact sha256 {artifact.sha256}. Written by `har firmware`."
    )
    return {
        "har_config.h": config_header(model),
        "har_model.h": model_header(manifest, model, artifact_sha256=artifact.sha256),
        "har_model.c": tables_source(model, name="har_model_tables", comment=comment),
        "har_labels.c": labels_source(manifest.labels),
        "har_identity.h": identity_header(board, model, hello, sensor=sensor, step_s=needs.step_s, carries=carries),
        "har_identity.c": identity_source(hello),
    }


def _copied(board: Board) -> list[Path]:
    """Return the files that are the same for every model."""
    engine = [SOURCES / "engine" / name for name in _ENGINE_FILES]
    engine += [SOURCES / "engine" / name for name in _STREAM_FILES] if board.senses else []
    decoder = [SOURCES / "decoder" / name for name in _DECODER_FILES] if board.senses else []
    wire = sorted((FIRMWARE / "wire").iterdir())
    sensors = sorted((FIRMWARE / "sensors").iterdir()) if board.senses else []
    own = [path for folder in board.folders for path in sorted((FIRMWARE / "boards" / folder).iterdir())]
    return [*engine, *decoder, *wire, *sensors, *(path for path in own if path.name != _HOW_TO_BUILD)]


def _place(folder: Path, file: Path) -> Path:
    """Return where in a project a file belongs."""
    if file.suffix == _SKETCH:
        return folder / "examples" / file.stem
    return folder if file.name in _BESIDE_SOURCES else folder / "src"


def _readme(bundle: Bundle, board: Board, artifact: ArtifactEntry, needs: Needs, undecoded: str | None) -> str:
    """Return the project's README; ``undecoded`` is why the board labels every window alone, None where it does not."""
    manifest = bundle.manifest
    lines = [
        f"# {markdown(manifest.model_id)} on {board.title}",
        f"Made by `har firmware` from the artifact {markdown(artifact.file)}, sha256 {markdown(artifact.sha256)}.",
        "",
        f"At most {needs.flash_bytes:,} bytes of flash and {needs.ram_bytes:,} bytes of RAM."
        if board.flash_bytes is not None
        else "",
        "",
        f"Labels: {', '.join(map(markdown, manifest.labels))}.",
        "",
        *([f"Every window is labelled alone: {undecoded}.", ""] if undecoded else []),
        (FIRMWARE / "boards" / board.folders[-1] / _HOW_TO_BUILD).read_text(encoding="utf-8"),
    ]
    return "\n".join(lines)
