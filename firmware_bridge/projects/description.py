"""What a firmware says it is: its HELLO, packed by the code that reads it, and the numbers its C code is built with."""

import math
from typing import Final

from edgehar.firmware_bridge.frames.fields import (
    ACCELERATION,
    CHANNELS_MAJOR,
    MODEL_HASH_BYTES,
    MOTION,
    PROTOCOL_MAJOR,
    Ability,
)
from edgehar.firmware_bridge.frames.messages import Hello
from edgehar.firmware_bridge.projects.boards import Board
from edgehar.firmware_bridge.projects.escaping import c_comment, c_string, utf8
from edgehar.firmware_bridge.projects.sensors import Sensor, to_model
from edgehar.models.bundle.manifest import Manifest
from edgehar.models.errors import UsageError
from edgehar.models.portable.tables import ATTENTION, FLOAT32, POOLS, WHOLE, CModel, has_other_head

_STREAM_NUMBERS: Final = 30
"""Numbers in a frame of the stream. Ten samples of three: 7.9 bytes a sample on the line."""

LONGEST_LABEL_BYTES: Final = 255
_LABEL_RECORD_BYTES: Final = 8
"""A pointer and a length, on a chip with 32-bit pointers."""


def make_hello(
    board: Board, manifest: Manifest, model: CModel, *, artifact_sha256: str, sensor: Sensor | None
) -> Hello:
    """Return the HELLO of a board with a model; boot id, dropped samples and whether it streams are filled in there."""
    abilities = Ability.INFERS
    if model.quantization == FLOAT32:
        abilities |= Ability.FLOATS
    if sensor is not None:
        abilities |= Ability.SENSES
    turns = model.channels > len(ACCELERATION)
    gyroscope = sensor.gyroscope if sensor is not None and turns else None
    return Hello(
        boot_id=0,
        abilities=abilities,
        rate_mhz=0 if sensor is None else round(sensor.rate_hz * 1000),
        counts_per_unit=0.0 if sensor is None else sensor.counts_per_g,
        unit=1,
        range_unit=0.0 if sensor is None else sensor.range_g,
        model_hash=bytes.fromhex(artifact_sha256)[:MODEL_HASH_BYTES],
        window=model.window,
        classes=model.classes,
        longest_body=board.longest_body,
        sensor="" if sensor is None else sensor.name,
        placement=utf8(manifest.window.mounting).decode() if sensor is not None else "",
        model=utf8(manifest.model_id).decode(),
        major=CHANNELS_MAJOR if turns else PROTOCOL_MAJOR,
        channels=MOTION if turns else ACCELERATION,
        counts_per_deg_s=0.0 if gyroscope is None else gyroscope.counts_per_deg_s,
        range_deg_s=0.0 if gyroscope is None else gyroscope.range_deg_s,
    )


def identity_header(
    board: Board,
    model: CModel,
    hello: Hello,
    *,
    sensor: Sensor | None = None,
    step_s: float | None = None,
    carries: bool = False,
) -> str:
    """Return har_identity.h.

    ``step_s`` is what a step takes on the board at most, None where it is not known; ``carries`` is whether the state
    goes on from window to window.
    """
    senses = Ability.SENSES in hello.abilities
    return f"""/* What this firmware says it is. Written by `har firmware`. */
#ifndef HAR_IDENTITY_H
#define HAR_IDENTITY_H

#include <stdint.h>

#define HAR_MODEL_WINDOW {model.window}
#define HAR_MODEL_CHANNELS {model.channels}
#define HAR_MODEL_CLASSES {model.classes}
#define HAR_LONGEST_BODY {max(board.longest_body, len(hello.pack()))}
#define HAR_DEVICE_SENSES {int(senses)}
#define HAR_STREAM_SAMPLES {_STREAM_NUMBERS // model.channels}
#define HAR_RATE_MHZ {hello.rate_mhz}ul
{_sensor_lines(sensor, model, step_s or 0.0, carries=carries)}
/* The body of HELLO (docs/protocol.md). */
#define HAR_IDENTITY_BYTES {len(hello.pack())}
extern const uint8_t har_identity[HAR_IDENTITY_BYTES];

#endif
"""


def identity_source(hello: Hello) -> str:
    """Return har_identity.c."""
    body = hello.pack()
    lines = [", ".join(f"0x{byte:02X}" for byte in body[at : at + 16]) for at in range(0, len(body), 16)]
    joined = ",\n    ".join(lines)
    return f"""/* Written by `har firmware`. */
#include "har_identity.h"

#include "har_port.h"

const uint8_t har_identity[HAR_IDENTITY_BYTES] HAR_FLASH = {{
    {joined},
}};
"""


def model_header(manifest: Manifest, model: CModel, *, artifact_sha256: str) -> str:
    """Return har_model.h: the model's name, memory and labels."""
    labels = "\n".join(f" *   {index:3} {c_comment(label)}" for index, label in enumerate(manifest.labels))
    window = manifest.window
    return f"""/* {c_comment(manifest.model_id)}
 * {model.quantization}, {window.length} samples at {window.rate_hz:g} Hz
 * Artifact sha256 {c_comment(artifact_sha256)}
 *
{labels}
 */
#ifndef HAR_MODEL_H
#define HAR_MODEL_H

#include "har.h"

/* Memory of an engine, for har_open. */
#define HAR_MODEL_SUMS {model.scratch_sums + model.kept_sums}
#define HAR_MODEL_VALUES {model.kept_values}
#define HAR_MODEL_SCRATCH_SUMS {model.scratch_sums}
#define HAR_MODEL_KEPT_SUMS {model.kept_sums}

/* Samples in a hundred seconds. */
#define HAR_MODEL_RATE_HUNDRED_S {min(round(100 * window.rate_hz), 65_535)}u

#ifdef __cplusplus
extern "C" {{
#endif

extern const har_model har_model_tables;

/* Write a label in UTF-8, and a zero behind it. What does not fit into ``room`` bytes with the zero is cut off, at a
 * whole character. Returns the bytes before the zero; 0 where there is no such label, or no room. */
uint8_t har_label(uint8_t index, char *text, uint8_t room);

#ifdef __cplusplus
}}
#endif

#endif
"""


def label_bytes(labels: tuple[str, ...]) -> int:
    """Return what labels take in flash at most.

    Raises
    ------
    UsageError
        If a label is longer than the device's code can tell.
    """
    for index, label in enumerate(labels):
        size = len(utf8(label))
        if size > LONGEST_LABEL_BYTES:
            raise UsageError(
                f"label {index}: expected at most {LONGEST_LABEL_BYTES} bytes of UTF-8, got {size:,}",
                next_step="Train the model with shorter labels.",
            )
    return sum(len(utf8(label)) + 1 + _LABEL_RECORD_BYTES for label in labels)


def labels_source(labels: tuple[str, ...]) -> str:
    """Return har_labels.c."""
    literals = "\n".join(
        f"static const char label_{index}[] HAR_FLASH = {c_string(utf8(label))};" for index, label in enumerate(labels)
    )
    records = "\n".join(f"    {{label_{index}, sizeof label_{index} - 1}}," for index in range(len(labels)))
    return f"""/* Written by `har firmware`. */
#include "har_model.h"

#include "har_port.h"

{literals}

typedef struct har_label_text {{
    const char *text;
    uint8_t bytes;
}} har_label_text;

static const har_label_text labels[] HAR_FLASH = {{
{records}
}};

#define LABELS (sizeof labels / sizeof *labels)

uint8_t har_label(uint8_t index, char *text, uint8_t room)
{{
    HAR_VIEW(har_label_text, label, labels + (index < LABELS ? index : 0));
    uint8_t bytes = index < LABELS ? label->bytes : 0, at;
    if (room == 0)
        return 0;
    if (bytes >= room) {{
        bytes = (uint8_t)(room - 1);
        while (bytes > 0 && ((uint8_t)HAR_READ_I8(label->text + bytes) & 0xC0u) == 0x80u)
            bytes--; /* not within a character */
    }}
    for (at = 0; at < bytes; at++)
        text[at] = (char)HAR_READ_I8(label->text + at);
    text[bytes] = 0;
    return bytes;
}}
"""


def config_header(model: CModel) -> str:
    """Return har_config.h: only what this model needs."""
    kinds = {layer.kind for layer in model.layers}
    used = {
        "SIMPLE_RNN": "simple_rnn" in kinds,
        "LSTM": "lstm" in kinds,
        "GRU": bool(kinds & {"gru", "gru_reset_after"}),
        "HIDDEN_DENSE": any(layer.kind == "dense" for layer in model.layers[:-1]),
        "MASK": model.mask is not None,
        "OTHER_HEADS": has_other_head(model),
        "CONV": bool(kinds & {"conv", "residual"}),
        "RESIDUAL": "residual" in kinds,
        "POOL": bool(kinds & set(POOLS)),
        "WHOLE": bool(kinds & set(WHOLE)),
        "DENSE_OVER_TIME": "dense_over_time" in kinds,
        "ATTENTION": ATTENTION in kinds,
        "BRANCHES": model.forks > 0,
        "BACKWARD": any(layer.merge for layer in model.layers),
        "TIME": model.needs_whole_windows,
        "PLAIN": not model.needs_whole_windows,
    }
    lines = [f"#define HAR_USE_{name} {int(flag)}" for name, flag in used.items()]
    if model.forks > 0:
        lines.append(f"#define HAR_FORKS {model.forks}")
    if model.quantization == FLOAT32:
        lines.append("#define HAR_FLOAT 1")
    joined = "\n".join(lines)
    return f"""/* What this build of the engine contains. Written by `har firmware`. */
#ifndef HAR_CONFIG_H
#define HAR_CONFIG_H

{joined}

#endif
"""


def _sensor_lines(sensor: Sensor | None, model: CModel, step_s: float, *, carries: bool) -> str:
    """Return what a sketch wants to know of its sensor, and whether the board keeps up with it."""
    if sensor is None:
        return ""
    multiplier, shift = to_model(sensor.counts_per_g, model.sample_bits)
    gyroscope = ""
    if sensor.gyroscope is not None and model.channels > len(ACCELERATION):
        turning, turning_shift = to_model(sensor.gyroscope.counts_per_deg_s, model.sample_bits)
        gyroscope = (
            f"#define HAR_GYROSCOPE {sensor.gyroscope.symbol}\n"
            f"#define HAR_TURNING_MULTIPLIER {turning}u\n"
            f"#define HAR_TURNING_SHIFT {turning_shift}\n"
        )
    return (
        f"#define HAR_SENSOR {sensor.symbol}\n"
        f"#define HAR_CLASSIFIES {int(step_s < 1 / sensor.rate_hz)}\n"
        f"/* Microseconds that a sample of one window takes at most. */\n"
        f"#define HAR_STEP_US {math.ceil(step_s * 1e6)}ul\n"
        f"/* Whether the state goes on from window to window, or each begins anew. */\n"
        f"#define HAR_CARRIES_STATE {int(carries)}\n"
        f"/* Counts x multiplier / 2^shift are the numbers of an integer model; so many are 1 g or degree/s. */\n"
        f"#define HAR_ACCELERATION_MULTIPLIER {multiplier}u\n"
        f"#define HAR_ACCELERATION_SHIFT {shift}\n"
        f"{gyroscope}"
        f"#define HAR_SAMPLE_ONE {2**model.sample_bits}.0f\n"
    )
