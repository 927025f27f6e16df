"""Write tests/golden/decoder.json: artificial streams, and what the decoder says of them (see docs/bundle.md).

    python tools/make_golden_decoder.py

To be run when what a decoder does is meant to change; otherwise the tests hold Python and C to the file that is there.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgehar.models.bundle.manifest import DecoderSpec, PushSpec
from edgehar.models.decoder import Decoder
from edgehar.models.decoder.decoder import lag_in_windows

TARGET: Final = Path(__file__).parents[1] / "tests" / "golden" / "decoder.json"
LABELS: Final = ("Walking", "Standing", "Elevator Up", "Elevator Down")
RATE_HZ: Final = 25
LENGTH: Final = 50
OWN_HOP: Final = 25
PUSH: Final = PushSpec("Elevator Up", "Elevator Down")
ROWS: Final = tuple(tuple(0.91 if row == column else 0.03 for column in range(4)) for row in range(4))

CASES: Final[tuple[tuple[str, DecoderSpec, int, float], ...]] = (
    ("nothing", DecoderSpec(1, 0.0, 1), 25, 0.0),
    ("mean, rejection and dwell", DecoderSpec(4, 0.45, 2), 25, 0.0),
    ("mean at another hop", DecoderSpec(3, 0.0, 3), 10, 0.0),
    ("push alone", DecoderSpec(1, 0.0, 1, push=PUSH), 25, 0.0),
    ("transitions", DecoderSpec(1, 0.3, 1, ROWS), 10, 0.0),
    ("markov", DecoderSpec(1, 0.0, 1, stay_probability=0.93), 25, 0.0),
    ("markov at another hop, temperature and dwell", DecoderSpec(1, 0.5, 2, (), 0.9, 1.25), 10, 0.0),
    ("markov and push", DecoderSpec(1, 0.0, 1, (), 0.93, 1.25, PUSH), 25, 0.0),
    ("markov, push and two seconds of lag", DecoderSpec(1, 0.4, 1, (), 0.93, 1.25, PUSH), 25, 2.0),
    ("a lag that only the second stretch outlasts", DecoderSpec(1, 0.0, 2, (), 0.9, 2.0, PUSH), 50, 10.0),
)


def lengths_g() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the length of acceleration of two stretches, and what is done at every sample."""

    def push(towards: int) -> NDArray[np.float64]:
        return 1 + towards * 0.08 * np.sin(np.pi * np.linspace(0, 1, 30))

    walk = 1 + 0.35 * np.sin(2 * np.pi * 1.8 * np.arange(6 * RATE_HZ) / RATE_HZ)
    still = np.ones(4 * RATE_HZ)
    parts = [(walk, 0), (still, 1)]
    for towards, label in ((1, 2), (-1, 3)):
        parts += [(push(towards), label), (still, label), (push(-towards), label), (still, 1)]
    parts += [(walk, 0), (still, 1), (push(-1), 3), (still, 3)]
    return np.concatenate([part for part, _ in parts]), np.concatenate([np.full(len(part), k) for part, k in parts])


def main() -> None:
    """Make the streams and write the file."""
    generator = np.random.default_rng(7)
    lengths, truth = lengths_g()
    axis = np.array([0.36, -0.48, 0.8])
    samples_mg = np.rint(1000 * (np.outer(lengths, axis) + generator.normal(0, 0.003, (len(lengths), 3)))).astype(int)
    break_at = len(lengths) - 270
    cases = [_case(*case, samples_mg / 1000.0, truth, break_at, seed) for seed, case in enumerate(CASES)]
    golden = {
        "labels": list(LABELS),
        "rate_hz": RATE_HZ,
        "window_length": LENGTH,
        "own_hop": OWN_HOP,
        "break_before": break_at,
        "samples_mg": samples_mg.tolist(),
        "cases": cases,
    }
    TARGET.write_text(
        json.dumps(golden, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n", encoding="utf-8"
    )


def _case(
    name: str,
    spec: DecoderSpec,
    hop: int,
    lag_s: float,
    samples_g: NDArray[np.float64],
    truth: NDArray[np.int64],
    break_at: int,
    seed: int,
) -> dict[str, Any]:
    """Return one decoder on the stream, with what it says."""
    generator = np.random.default_rng(seed)
    ends = [*range(LENGTH - 1, break_at, hop), *range(break_at + LENGTH - 1, len(samples_g), hop)]
    said = generator.dirichlet([0.5] * len(LABELS), len(ends)) + 0.7 * np.eye(len(LABELS))[truth[ends]]
    posteriors = np.round(said / said.sum(axis=1, keepdims=True), 4)
    decoder = Decoder(
        spec,
        LABELS,
        hop=hop,
        spec_hop=OWN_HOP,
        window_length=LENGTH,
        rate_hz=RATE_HZ,
        lag_windows=lag_in_windows(lag_s, hop=hop, rate_hz=RATE_HZ),
    )
    directions, labels = [], []
    for begin, stop in ((0, break_at), (break_at, len(samples_g))):
        watched = decoder.watch(samples_g[begin:stop])
        for window, end in enumerate(ends):
            if begin <= end < stop:
                directions.append(int(watched[end - begin]))
                labels += decoder.feed(posteriors[window], directions[-1])
        labels += decoder.finish()
    return {
        "name": name,
        "decoder": asdict(spec),
        "hop": hop,
        "lag_s": lag_s,
        "window_ends": ends,
        "posteriors": posteriors.tolist(),
        "directions": directions,
        "decoded_labels": [found.label for found in labels],
        "decoded_probabilities": [round(found.probability, 6) for found in labels],
        "decoded_posteriors": np.round([found.posterior for found in labels], 6).tolist(),
    }


if __name__ == "__main__":
    main()
