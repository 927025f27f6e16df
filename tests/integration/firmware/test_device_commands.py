"""`har firmware`, `har bench --device` and `har evaluate --engine device`, with a board that is emulated."""

import json
from pathlib import Path

import pytest

from edgehar.commands.bench import bench
from edgehar.commands.evaluate import evaluate
from edgehar.commands.firmware import firmware
from edgehar.firmware_bridge.device.emulators import emulate
from edgehar.models.bundle import read_bundle
from edgehar.models.engines import load_engine
from edgehar.models.errors import UsageError

SYNTHETIC = "synthetic"


@pytest.fixture(scope="module")
def bundle(compiled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained GRU on disk."""
    path = tmp_path_factory.mktemp("device") / "bundle"
    compiled("gru").save(path)
    return path


@pytest.fixture(scope="module")
def project(bundle: Path, need) -> Path:
    """Its firmware, built by the command."""
    need("arm-none-eabi-gcc", "make", "qemu-system-arm")
    firmware(bundle=bundle, board="mps2-an386", out=bundle.parent / "project", build=True)
    return bundle.parent / "project"


def test_firmware_says_what_it_takes(
    bundle: Path, compiled, tmp_path: Path, need, capsys: pytest.CaptureFixture[str]
) -> None:
    need("gcc", "make")
    small = tmp_path / "small"
    compiled("simple_rnn").save(small)
    firmware(bundle=bundle, board="host", out=tmp_path / "p", build=True, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["board"] == "host"
    assert said["built"]["flash_bytes"] > 12_000
    assert (tmp_path / "p" / "firmware").is_file()
    with pytest.raises(UsageError, match="expected a board that make builds for"):
        firmware(bundle=small, board="arduino", out=tmp_path / "q", build=True)
    with pytest.raises(UsageError, match="expected no sensor, got LIS3DH"):
        firmware(bundle=bundle, board="host", out=tmp_path / "r", sensor="lis3dh")


def test_a_size_given_by_hand_is_the_boards(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"board arduino is too small: .* of RAM, it has 2,048"):
        firmware(bundle=bundle, board="arduino", out=tmp_path / "p")
    firmware(bundle=bundle, board="arduino", out=tmp_path / "p", flash=253_952, ram=8192, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["has"] == {"flash_bytes": 253_952, "ram_bytes": 8192}
    assert said["needs"]["ram_bytes"] <= 8192
    firmware(bundle=bundle, board="esp32", out=tmp_path / "q")
    assert "Arduino library" in capsys.readouterr().out
    with pytest.raises(UsageError, match="expected no size of flash or RAM"):
        firmware(bundle=bundle, board="host", out=tmp_path / "r", ram=1)


def test_bench_puts_a_device_in_its_rows(bundle: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = project / "firmware.elf"
    with emulate("mps2-an386", program) as board:
        capsys.readouterr()
        bench([bundle], windows=6, engines="numpy", device=board.url, program=program, as_json=True)
    rows = {row["engine"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    device = rows["device"]
    assert device["device"]["unit"] == "instructions"
    assert device["device"]["p50"] <= device["device"]["p99"] <= device["device"]["max"]
    assert device["device"]["frames_lost"] == 0
    assert 15_000 < device["device"]["flash_bytes"] < 30_000
    assert device["latency_us"] is None
    assert device["quantization"] == "int8"
    assert device["windows"] == 6
    assert "device" not in rows["numpy"]


def test_bench_says_why_there_is_no_device(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench([bundle], windows=4, engines="numpy", device="/dev/no-such-port")
    assert "there is no such port" in capsys.readouterr().out
    with pytest.raises(UsageError, match="expected one bundle, the one it was built from, got 2"):
        bench([bundle, bundle], device="/dev/no-such-port")
    with pytest.raises(UsageError, match="expected a --device that runs it"):
        bench([bundle], program=Path("x"))


def test_evaluate_judges_the_device(bundle: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"data": [SYNTHETIC], "all_subjects": True, "most_windows": 12, "as_json": True}
    with emulate("mps2-an386", project / "firmware.elf") as board:
        capsys.readouterr()
        evaluate(bundle, engine="device", port=board.url, **options)
    on_device = json.loads(capsys.readouterr().out)
    assert (on_device["windows"], on_device["engine"]) == (12, "device")
    evaluate(bundle, engine="native", quantization="int8", **options)
    here = json.loads(capsys.readouterr().out)
    assert on_device["confusion"] == here["confusion"]
    for wrong in ({"engine": "device"}, {"engine": "numpy", "port": "/dev/x"}):
        with pytest.raises(UsageError, match="expected --engine device and --port URL together"):
            evaluate(bundle, **options, **wrong)


def test_the_native_engine_is_the_boards(bundle: Path, need_engine) -> None:
    need_engine("native")
    model = read_bundle(bundle)
    windows = model.golden["windows"]
    assert (load_engine(model, "native", "int8").predict(windows) == model.golden["model.int8.harc"]).all()
