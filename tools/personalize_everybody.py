"""Fit a model to every person of a data set, each from a bundle that never saw them, and print what that gains.

Usage: tools/personalize_everybody.py FOLDER [FOLDER ...] --data PATH --results FILE [--people 4,8] [--seed N]

FOLDER holds bundles as `har train --groups` or --leave-one-subject-out makes them, for one seed. A person is taken from
the first bundle that held them out, with the decoder that all other people chose: the first take of each activity
adapts, the others test, as with `har personalize --from`. Every person is a line of JSON in FILE, and those that are
there already are not fitted again.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgehar.models.bundle import MANIFEST, Bundle, read_bundle
from edgehar.models.bundle.manifest import DecoderSpec
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, in_natural_order
from edgehar.pipeline.training.kept_run import read_kept_run
from edgehar.pipeline.training.out_of_fold import continuous_figures
from edgehar.pipeline.training.personalization.personalizing import personalize
from edgehar.pipeline.tuning.scores import macro_f1_of

Rows = dict[str, dict[str, Any]]


def strangers(folders: list[Path]) -> dict[str, Path]:
    """Return for every person the bundle that never saw them."""
    found: dict[str, Path] = {}
    for folder in folders:
        for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
            origin = json.loads(manifest.read_text(encoding="utf-8"))["provenance"]["configuration"]
            for name in origin["held_out_subjects"]:
                found.setdefault(name, manifest.parent)
    return found


def decoders(folders: list[Path], dataset: Dataset) -> dict[str, DecoderSpec]:
    """Return for every person the decoder that all other people chose, by what models said that had not seen them."""
    found: dict[str, DecoderSpec] = {}
    for folder in folders:
        for name, spec in continuous_figures(read_kept_run(folder), dataset).of_others.items():
            found.setdefault(name, spec)
    return found


def fitted(general: Bundle, dataset: Dataset, subject: str, seed: int) -> dict[str, Any]:
    """Return what fitting gains one person, and how long it takes."""
    began_s, cpu_s = time.monotonic(), time.process_time()
    found = personalize(general, dataset, subject=subject, test_later_takes=True, seed=seed)
    took = {"seconds": time.monotonic() - began_s, "cpu_seconds": time.process_time() - cpu_s}
    return {"model_id": general.manifest.model_id, "seed": seed, **took, **found.to_json()}


def print_table(rows: Rows) -> None:
    """Print every person, and all of them together."""
    print(f"{'person':>6} {'before':>7} {'after':>7} {'decoded':>8} {'after':>7}  {'CPU s':>5}  kept")
    kinds = ("confusion", "decoded_confusion")
    worse: dict[str, list[str]] = {kind: [] for kind in kinds}
    for name in in_natural_order(rows):
        row = rows[name]
        scores = [row[when][key] for key in ("macro_f1", "decoded_macro_f1") for when in ("before", "after")]
        for kind, before, after in zip(kinds, scores[::2], scores[1::2], strict=True):
            if after < before:
                worse[kind].append(f"{name} ({after - before:+.3f})")
        kept = ", ".join(step["name"] for step in row["steps"][1:] if step["kept"]) or "nothing"
        figures = f"{scores[0]:7.3f} {scores[1]:7.3f} {scores[2]:8.3f} {scores[3]:7.3f}"
        print(f"{name:>6} {figures}  {row['cpu_seconds']:5.0f}  {kept}")
    pooled = [
        macro_f1_of(np.sum([row[when][kind] for row in rows.values()], axis=0))
        for kind in kinds
        for when in ("before", "after")
    ]
    means = [
        np.mean([row[when][key] for row in rows.values()])
        for key in ("macro_f1", "decoded_macro_f1")
        for when in ("before", "after")
    ]
    for title, values in (("pooled", pooled), ("mean", means)):
        print(f"{title:>6} {values[0]:7.3f} {values[1]:7.3f} {values[2]:8.3f} {values[3]:7.3f}")
    every = [
        macro_f1_of(np.sum([row[when]["decoded_every_window_confusion"] for row in rows.values()], axis=0))
        for when in ("before", "after")
    ]
    print(f"pooled, decoded, every window by its last sample: {every[0]:.3f} {every[1]:.3f}")
    for title, names in (("window by window", worse["confusion"]), ("decoded", worse["decoded_confusion"])):
        print(f"{len(rows)} people; worse {title}: {', '.join(names) or 'nobody'}")


def main() -> int:
    """Fit the people who are not there yet, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--results", required=True, type=Path)
    parser.add_argument("--people", default="")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rows: Rows = {}
    if chosen.results.exists():
        for line in chosen.results.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows[row["wearer"]] = row
    general = strangers(chosen.folders)
    people = chosen.people.split(",") if chosen.people else in_natural_order(general)
    missing = [name for name in people if name not in rows]
    dataset = load_dataset(chosen.data) if missing else None
    specs = decoders(chosen.folders, dataset) if dataset is not None else {}
    with chosen.results.open("a", encoding="utf-8") as results:
        for name in missing:
            bundle = read_bundle(general[name]).with_decoder(specs[name])
            rows[name] = fitted(bundle, dataset, name, chosen.seed)
            results.write(json.dumps(rows[name], ensure_ascii=False) + "\n")
            results.flush()
            print(
                f"{name}: {rows[name]['before']['macro_f1']:.3f} -> {rows[name]['after']['macro_f1']:.3f}",
                file=sys.stderr,
            )
    print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
