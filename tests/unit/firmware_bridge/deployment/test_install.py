"""The installer: nothing that works is replaced by what does not, and every refusal is one sentence."""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgehar.firmware_bridge.deployment import FILES, pi_folder
from edgehar.firmware_bridge.deployment.machine import Machine
from edgehar.firmware_bridge.deployment.pi_folder import write_pi_folder
from edgehar.firmware_bridge.deployment.repacking import repack
from edgehar.firmware_bridge.deployment.service import ServiceOptions
from edgehar.models.errors import UsageError

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="not for this machine: a Pi runs Linux")

_HAR = """import pathlib, sys
def main():
    model = pathlib.Path(sys.argv[2])
    works = (model / "works").read_text() if (model / "works").exists() else ""
    sys.exit((model / "broken").exists() or bool(works) and works not in sys.argv)
"""


def fake_edgehar(folder: Path, version: str) -> None:
    """Write a wheel of a program `har` that calls a model broken if it holds a file of this name."""
    inside = f"edgehar-{version}.dist-info"
    with zipfile.ZipFile(folder / f"edgehar-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("fake_edgehar.py", _HAR)
        wheel.writestr(f"{inside}/METADATA", f"Metadata-Version: 2.1\nName: edgehar\nVersion: {version}\n")
        wheel.writestr(f"{inside}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{inside}/entry_points.txt", "[console_scripts]\nhar = fake_edgehar:main\n")
        wheel.writestr(f"{inside}/RECORD", "")


def sums(folder: Path) -> None:
    """Write the hashes of a folder, as `har deploy pi` does."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def deployed(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder to install from, for this very machine."""

    def make(version: str = "1", *, broken: bool = False, settings: str = "HAR_OPTIONS=--port a\n") -> Path:
        folder = tmp_path / f"deploy-{version}"
        for name in ("common", f"{sys.version_info[0]}.{sys.version_info[1]}"):
            (folder / "wheels" / name).mkdir(parents=True)
        for name in ("install.sh", "edgehar-live.service"):
            shutil.copy(FILES / name, folder / name)
        (folder / "model").mkdir()
        (folder / "model" / "version").write_text(version)
        if broken:
            (folder / "model" / "broken").touch()
        (folder / "machine").write_text(platform.machine() + "\n")
        (folder / "extras").write_text("edge\n")
        (folder / "edgehar-live.env").write_text(settings)
        (folder / "90-edgehar.rules").write_text("# a rule\n")
        fake_edgehar(folder / "wheels" / "common", version)
        repack(importlib.metadata.distribution("pip"), folder / "wheels" / "common")
        sums(folder)
        return folder

    return make


def install(folder: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the installer below another root, without a network that it could reach."""
    environment = {"PATH": os.environ["PATH"], "EDGEHAR_ROOT": str(root), "EDGEHAR_PYTHON": sys.executable}
    return subprocess.run(
        ["sh", str(folder / "install.sh")], capture_output=True, text=True, check=False, env=environment
    )


def test_a_model_that_fails_changes_nothing_and_one_that_works_replaces(
    deployed: Callable[..., Path], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    done = install(deployed("1"), root)
    assert done.returncode == 0, done.stderr
    link = root / "opt" / "edgehar"
    first = link.resolve()
    assert (link / "model" / "version").read_text() == "1"

    done = install(deployed("2", broken=True), root)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert link.resolve() == first
    assert [path.name for path in (root / "opt" / "edgehar.d").iterdir()] == [first.name], "the failed one is removed"

    done = install(deployed("3"), root)
    assert done.returncode == 0, done.stderr
    assert (link / "model" / "version").read_text() == "3"
    assert first.exists(), "the one before is kept"
    assert install(deployed("4"), root).returncode == 0
    assert not first.exists(), "the one before the one before is not"
    assert (root / "etc/systemd/system/edgehar-live.service").exists()
    assert (root / "etc/udev/rules.d/90-edgehar.rules").exists()


def test_an_engine_that_is_too_coarse_here_is_not_used(deployed: Callable[..., Path], tmp_path: Path) -> None:
    folder = deployed()
    (folder / "model" / "works").write_text("litert")
    sums(folder)
    done = install(folder, tmp_path / "root")
    assert done.returncode == 0, done.stderr
    assert "the service uses litert" in done.stdout
    settings = (tmp_path / "root" / "etc" / "edgehar-live.env").read_text()
    assert settings == "HAR_OPTIONS=--port a --engine litert\n"


def test_settings_and_folders_of_somebody_else_stay(deployed: Callable[..., Path], tmp_path: Path) -> None:
    root = tmp_path / "root"
    by_hand = root / "opt" / "edgehar"
    by_hand.mkdir(parents=True)
    (by_hand / "mine").write_text("mine")
    (root / "etc").mkdir()
    (root / "etc" / "edgehar-live.env").write_text("HAR_OPTIONS=--port mine\n")
    for version in "12":
        done = install(deployed(version), root)
        assert done.returncode == 0, done.stderr
    (kept,) = (root / "opt" / "edgehar.d").glob("before-*")
    assert (kept / "mine").read_text() == "mine"
    assert "mine" in (root / "etc" / "edgehar-live.env").read_text()
    assert "--port a" in (root / "etc" / "edgehar-live.env.new").read_text()
    assert "stays" in done.stdout


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "model" / "version").write_text("other"), "some differ or are missing"),
        (lambda folder: next((folder / "wheels" / "common").glob("edgehar*")).unlink(), "some differ or are missing"),
        (lambda folder: ((folder / "machine").write_text("mips\n"), sums(folder)), "expected a machine of mips"),
        (lambda folder: (shutil.rmtree(next((folder / "wheels").glob("3*"))), sums(folder)), "expected Python"),
    ],
)
def test_what_cannot_be_installed_is_refused_before_anything_is_written(
    damage: Callable[[Path], object], sentence: str, deployed: Callable[..., Path], tmp_path: Path
) -> None:
    folder = deployed()
    damage(folder)
    done = install(folder, tmp_path / "root")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "root").exists()


def test_the_folder_is_whole_or_not_there(random_bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, machine = random_bundle("simple_rnn"), Machine("aarch64", ("3.11",))
    options = ServiceOptions(port="udp://:5000")

    def failing(*_: object, **__: object) -> None:
        raise UsageError("no network")

    monkeypatch.setattr(pi_folder, "collect_wheels", failing)
    with pytest.raises(UsageError, match="no network"):
        write_pi_folder(bundle, tmp_path / "pi", machine=machine, options=options)
    assert not (tmp_path / "pi").exists()

    monkeypatch.setattr(pi_folder, "collect_wheels", lambda *_, **__: None)
    for _ in range(2):
        write_pi_folder(bundle, tmp_path / "pi", machine=machine, options=options)
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path / "pi", capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert not (tmp_path / "pi" / "90-edgehar.rules").exists(), "nobody plugs in a network"

    (tmp_path / "pi" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"found thesis\.txt"):
        write_pi_folder(bundle, tmp_path / "pi", machine=machine, options=options)
