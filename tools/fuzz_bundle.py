"""Feed the reader of bundles whatever bytes: only a HarError may leave it, with one line that can be shown.

    pip install atheris && python tools/fuzz_bundle.py --seconds 600    guided by coverage
    python tools/fuzz_bundle.py --plain --inputs 20000                  without atheris: whole bundles, altered

The first byte of an input says what the rest stands for: a manifest, an .npz, a zip of a bundle, or the weights or
golden windows of a bundle whose manifest vouches for them. Seeds are made from untrained models.
"""

import argparse
import hashlib
import importlib
import inspect
import io
import json
import random
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgehar.models.architecture import Architecture, named_architecture
from edgehar.models.bundle import Bundle, make_bundle, read_bundle
from edgehar.models.bundle.card import model_card
from edgehar.models.bundle.manifest import DecoderSpec, FileEntry, Provenance, WindowSpec
from edgehar.models.bundle.manifest_json import manifest_from_json
from edgehar.models.bundle.npz import MAXIMUM_ARRAY_BYTES, read_npz
from edgehar.models.errors import HarError
from edgehar.models.foreign_text import unprintable
from edgehar.models.normalization import Normalization
from edgehar.models.verification import verify_bundle

ROOMS: Final = ("manifest_json", "consistency", "text", "npz", "ziplimits", "container", "reading", "bundle")
LONGEST_BYTES: Final = 65_536
KINDS: Final = 5
MANIFEST, NPZ, ZIP, WEIGHTS, GOLDEN = range(KINDS)


def small_bundle(name: str = "simple_rnn") -> Bundle:
    """Return a bundle of an untrained model with short windows."""
    named = named_architecture(name, classes=3, window=8)
    architecture = Architecture(named.name, named.window, named.channels, named.layers)
    generator = np.random.default_rng(0)
    return make_bundle(
        architecture=architecture,
        labels=("Sitting", "Standing", "Walking"),
        window=WindowSpec(8, 4, 100.0, ("x", "y", "z"), "g", "sensor", "hip"),
        normalization=Normalization((0.0, 0.0, 1.0), (1.0, 1.0, 1.0)),
        weights={
            key: generator.normal(scale=0.1, size=shape).astype(np.float32)
            for key, shape in architecture.weight_shapes().items()
        },
        decoder=DecoderSpec(1, 0.0, 1),
        provenance=Provenance("none", "", "", 0, True, "2026-01-01T00:00:00Z", {}, {}),
    )


BUNDLE: Final = small_bundle("dense")
FOLDER: Final = Path(tempfile.mkdtemp(prefix="fuzz-bundle-"))


def one_input(data: bytes) -> None:
    """Read one input as what its first byte says."""
    if len(data) < 2:
        return
    kind, content = data[0] % KINDS, data[1:]
    try:
        if kind == MANIFEST:
            use_manifest(content)
        elif kind == NPZ:
            arrays = read_npz(content, where="x.npz")
            if sum(array.nbytes for array in arrays.values()) > MAXIMUM_ARRAY_BYTES:
                raise RuntimeError("arrays larger than the cap")
        elif kind == ZIP:
            (FOLDER / "bundle.zip").write_bytes(content)
            use_bundle(read_bundle(FOLDER / "bundle.zip"))
        else:
            use_bundle(vouched_for("weights" if kind == WEIGHTS else "golden", content))
    except HarError as error:
        if unprintable(str(error)) is not None or len(str(error)) > 2000:
            raise RuntimeError(f"a message that cannot be shown: {str(error)!r:.200}") from error


def use_manifest(content: bytes) -> None:
    """Parse a manifest, and write what it says again."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return
    manifest = manifest_from_json(data)
    model_card(manifest).encode()
    again = json.loads(json.dumps(manifest.to_json()))
    if manifest_from_json(again) != manifest:
        raise RuntimeError("a manifest changes when it is written and read")


def vouched_for(key: str, content: bytes) -> Bundle:
    """Return the small bundle with other weights or golden windows, as someone would make it who means harm."""
    entry = FileEntry(f"{key}.npz", len(content), hashlib.sha256(content).hexdigest())
    manifest = replace(BUNDLE.manifest, **{key: entry})
    return Bundle(manifest, {**BUNDLE.files, entry.file: content})


def use_bundle(bundle: Bundle) -> None:
    """Do with a bundle what every command does."""
    bundle.folded_weights  # noqa: B018 (a property that reads)
    bundle.golden  # noqa: B018
    verify_bundle(bundle, ["numpy"])


def zipped(bundle: Bundle, compression: int) -> bytes:
    """Return a bundle as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("b/manifest.json", json.dumps(bundle.manifest.to_json()))
        for name, content in bundle.files.items():
            archive.writestr(f"b/{name}", content)
    return buffer.getvalue()


def seeds() -> Iterator[bytes]:
    """Yield inputs to begin with: every kind, whole."""
    for name in ("dense", "simple_rnn", "tcn", "attention", "bi_gru"):
        bundle = small_bundle(name)
        yield bytes([MANIFEST]) + json.dumps(bundle.manifest.to_json()).encode()
        yield bytes([NPZ]) + bundle.files["weights.npz"][:LONGEST_BYTES]
    yield bytes([ZIP]) + zipped(BUNDLE, zipfile.ZIP_STORED)
    yield bytes([ZIP]) + zipped(BUNDLE, zipfile.ZIP_DEFLATED)
    yield bytes([WEIGHTS]) + BUNDLE.files["weights.npz"]
    yield bytes([GOLDEN]) + BUNDLE.files["golden.npz"]


def altered(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """Return an input with a few bytes changed, moved, doubled or taken from another."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        out = out if len(out) > 1 else bytearray(data[:2])
        at = rng.randrange(1, len(out))
        match rng.randrange(6):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, *b'"{}[]:,-0189e.', rng.randrange(256)))
            case 2:
                del out[at : at + rng.randrange(1, 40)]
            case 3:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                out[at:at] = other[start : start + rng.randrange(60)]
            case 4:
                out[at:at] = rng.choice((b"NaN", b"1e999", b"-1", b"null", b"[]", b"{}", b'"\\ud800"', b"9" * 30))
            case _:
                del out[at:]
    return bytes(out)


def plain(inputs: int, seed: int) -> int:
    """Feed altered seeds; return how many."""
    rng, corpus = random.Random(seed), list(seeds())
    for data in corpus:
        one_input(data)
    for _ in range(inputs):
        one_input(altered(rng.choice(corpus), rng, corpus)[:LONGEST_BYTES])
    return len(corpus) + inputs


def guided(seconds: float) -> None:
    """Let atheris look for inputs; it ends the process, with an error if it finds one that breaks the reader."""
    import atheris

    corpus = Path(tempfile.mkdtemp(prefix="fuzz-bundle-corpus-"))
    for number, data in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(data)
    for room in ROOMS:
        instrument(atheris, importlib.import_module(f"edgehar.models.bundle.{room}"))
    limits = [f"-max_total_time={int(seconds)}", "-timeout=20", "-rss_limit_mb=2048", f"-max_len={LONGEST_BYTES}"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, f"-artifact_prefix={corpus}/"], one_input)
    atheris.Fuzz()


def instrument(atheris: Any, module: Any) -> None:
    """Let atheris see which lines of a module run."""
    owners = [vars(owner) for owner in vars(module).values() if isinstance(owner, type)]
    for names in [*owners, vars(module)]:
        for function in list(names.values()):
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                atheris.instrument_func(function)


def main() -> None:
    """Fuzz until an input breaks the reader, or time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--plain", action="store_true", help="do without atheris")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.plain:
        guided(options.seconds)
        return
    started_s = time.perf_counter()
    count = plain(options.inputs, options.seed)
    print(f"{count:,} inputs in {time.perf_counter() - started_s:.1f} s: nothing but sentences left the reader")


if __name__ == "__main__":
    main()
