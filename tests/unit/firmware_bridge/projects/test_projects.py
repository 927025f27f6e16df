"""Firmware projects: what is written, and what is refused before anything is."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgehar.firmware_bridge.frames.fields import Ability
from edgehar.firmware_bridge.frames.message_reader import decode_message
from edgehar.firmware_bridge.projects.boards import BOARDS, find_board
from edgehar.firmware_bridge.projects.description import labels_source, make_hello
from edgehar.firmware_bridge.projects.elf import program_size
from edgehar.firmware_bridge.projects.project import write_project
from edgehar.firmware_bridge.projects.sensors import SENSORS, find_sensor
from edgehar.firmware_bridge.projects.sizes import needs_of, too_slow
from edgehar.models.architecture import GRU, LSTM, Architecture, Dense, SimpleRNN
from edgehar.models.bundle import Bundle
from edgehar.models.errors import DataError, UsageError
from edgehar.models.portable.blob import pack_model, unpack_model
from edgehar.pipeline.compilers import Target, compile_bundle


@pytest.fixture(scope="module")
def bundle(random_bundle) -> Bundle:
    """A small model with both artifacts of the C engine."""
    return compile_bundle(random_bundle("simple_rnn", seed=2), [Target("c", "int8"), Target("c", "float32")])


def of(random_bundle, *layers, window: int = 50) -> Bundle:
    """Return a bundle of these layers with an integer artifact."""
    architecture = Architecture("some", window, 3, (*layers, Dense("o", 5, "softmax")))
    return compile_bundle(random_bundle(architecture), [Target("c", "int8")])


@pytest.mark.parametrize("board", [name for name in BOARDS if name != "arduino"])
def test_a_project_is_complete(board: str, bundle: Bundle, tmp_path: Path) -> None:
    project = write_project(bundle, find_board(board), tmp_path / "p", quantization="int8")
    sources = {path.name for path in (tmp_path / "p" / "src").iterdir()}
    assert {"har_engine.c", "har_device.c", "har_frame.c", "har_model.c", "har_identity.c", "har_config.h"} <= sources
    assert (tmp_path / "p" / "Makefile").is_file()
    assert project.artifact.sha256 in (tmp_path / "p" / "README.md").read_text(encoding="utf-8")
    assert "#define HAR_USE_LSTM 0" in (tmp_path / "p" / "src" / "har_config.h").read_text(encoding="utf-8")


def test_an_arduino_project_is_a_library_with_a_sketch(bundle: Bundle, tmp_path: Path) -> None:
    write_project(bundle, find_board("arduino"), tmp_path / "p", quantization="int8", sensor=find_sensor("adxl345"))
    assert (tmp_path / "p" / "examples" / "EdgeHAR" / "EdgeHAR.ino").is_file()
    assert (tmp_path / "p" / "library.properties").is_file()
    identity = (tmp_path / "p" / "src" / "har_identity.h").read_text(encoding="utf-8")
    assert "#define HAR_SENSOR har_adxl345\n#define HAR_CLASSIFIES 1" in identity


def test_writing_again_replaces_a_project_and_nothing_else(bundle: Bundle, tmp_path: Path) -> None:
    host = find_board("host")
    write_project(bundle, host, tmp_path / "p", quantization="int8")
    (tmp_path / "p" / "src" / "stale.c").write_text("", encoding="utf-8")
    write_project(bundle, host, tmp_path / "p", quantization="float32")
    assert not (tmp_path / "p" / "src" / "stale.c").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years", encoding="utf-8")
    with pytest.raises(UsageError, match="expected a new folder or a project of `har firmware`"):
        write_project(bundle, host, tmp_path / "mine", quantization="int8")
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years"


def test_what_a_firmware_says_is_what_the_bridge_reads(bundle: Bundle) -> None:
    artifact = bundle.manifest.artifact(format="c", quantization="float32")
    model = unpack_model(bundle.files[artifact.file])
    hello = make_hello(
        find_board("arduino"), bundle.manifest, model, artifact_sha256=artifact.sha256, sensor=SENSORS["lsm6dsox"]
    )
    read = decode_message(hello.pack())
    assert replace(read, counts_per_unit=hello.counts_per_unit) == hello
    assert read.counts_per_unit == pytest.approx(4098.36)
    assert hello.abilities == Ability.SENSES | Ability.INFERS | Ability.FLOATS
    assert (hello.rate_mhz, hello.sensor, hello.range_unit) == (104_000, "LSM6DSOX", 8.0)
    assert hello.model_hash.hex() == artifact.sha256[:16]


def test_labels_are_safe_in_c(bundle: Bundle) -> None:
    labels = ('say "hi"', "back\\slash", "naïve", *bundle.manifest.labels[3:])
    source = labels_source(replace(bundle.manifest, labels=labels))
    assert r'"say \"hi\"\0"' in source
    assert r'"back\\slash\0"' in source
    assert '"na?ve\\0"' in source


def test_a_board_too_small_is_told_with_the_sizes(random_bundle, tmp_path: Path) -> None:
    deep = of(random_bundle, LSTM("l", 60, return_sequences=True), LSTM("m", 60))
    cases = [
        (deep, r"atmega328p is too small: the model needs up to [\d,]+ bytes of flash, it has 32,768.*mps2-an386"),
        (of(random_bundle, GRU("g", 64)), r"the model needs up to [\d,]+ bytes of RAM, it has 2,048"),
        (of(random_bundle, SimpleRNN("r", 300)), r"at most 252 inputs and outputs, the model has 300.*mps2-an386"),
    ]
    for bundle, message in cases:
        with pytest.raises(UsageError, match=message):
            write_project(bundle, find_board("atmega328p"), tmp_path / "p", quantization="int8")
    assert not (tmp_path / "p").exists()
    write_project(of(random_bundle, LSTM("l", 40)), find_board("atmega328p"), tmp_path / "p", quantization="int8")


@pytest.mark.parametrize(
    ("board", "quantization", "sensor", "message"),
    [
        ("atmega328p", "float32", None, "expected a model of int8 numbers, got float32"),
        ("host", "int4", None, "expected an artifact of format c and quantization int4"),
        ("host", "int8", "mpu6050", "expected no sensor, got MPU-6050"),
        ("arduino", "int8", None, "expected a sensor, got none"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    board: str, quantization: str, sensor: str | None, message: str, bundle: Bundle, tmp_path: Path
) -> None:
    chosen = None if sensor is None else find_sensor(sensor)
    with pytest.raises(UsageError, match=message):
        write_project(bundle, find_board(board), tmp_path / "p", quantization=quantization, sensor=chosen)
    assert not (tmp_path / "p").exists()


def test_a_model_of_other_channels_is_refused(random_bundle, tmp_path: Path) -> None:
    bundle = of(random_bundle, SimpleRNN("r", 4))
    artifact = bundle.manifest.artifact(format="c", quantization="int8")
    other = pack_model(replace(unpack_model(bundle.files[artifact.file]), channels=6))
    changed = replace(bundle, files={**bundle.files, artifact.file: other})
    with pytest.raises(UsageError, match="expected a model of 3 channels, x, y and z, got 6"):
        write_project(changed, find_board("host"), tmp_path / "p", quantization="int8")


def test_names_there_are_not_are_refused() -> None:
    with pytest.raises(UsageError, match="board: expected one of arduino"):
        find_board("esp8266")
    with pytest.raises(UsageError, match="sensor: expected one of mpu6050"):
        find_sensor("bmi160")


def test_a_board_that_cannot_keep_up_is_told(bundle: Bundle, random_bundle) -> None:
    avr = find_board("atmega328p")
    assert too_slow(unpack_model(bundle.files["model.int8.harc"]), avr, 100.0) is None
    lstm = compile_bundle(random_bundle("lstm"), [Target("c", "int8")])
    model = unpack_model(lstm.files["model.int8.harc"])
    assert "a sample comes every 10 ms" in too_slow(model, avr, 100.0)
    assert needs_of(model, find_board("host")).step_s is None


def test_what_is_no_program_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x7fELF\x01\x01" + bytes(10))
    for path in (tmp_path / "x", tmp_path / "none", Path(__file__)):
        with pytest.raises(DataError, match="expected a program"):
            program_size(path)
