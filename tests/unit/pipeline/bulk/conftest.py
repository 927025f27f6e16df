"""What the tests of archives share: a model with a compiled C file, and how to read labels back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgehar.api.compilation import compile as compile_bundle
from edgehar.models.bundle import Bundle
from edgehar.models.bundle.manifest import DecoderSpec


@pytest.fixture(scope="session")
def bundle(random_bundle: Callable[..., Bundle], need_engine: Callable[[str], None]) -> Bundle:
    """An untrained model that tells something apart, for the C engine."""
    need_engine("native")
    return compile_bundle(random_bundle("simple_rnn", 3), formats=["c"], quantizations=["float32"])


@pytest.fixture(scope="session")
def tuned(bundle: Bundle) -> Bundle:
    """The same with a hidden Markov model, rejection and dwell."""
    spec = DecoderSpec(1, 0.3, 3, stay_probability=0.9, temperature=2.0)
    return replace(bundle, manifest=replace(bundle.manifest, decoder=spec))


@pytest.fixture(scope="session")
def labels_of() -> Callable[[Path], pa.Table]:
    """``labels_of(folder)``: all labels, in order, texts as texts."""

    def read(out: Path) -> pa.Table:
        tables = []
        for path in sorted((out / "labels").glob("*.parquet")):
            table = pq.read_table(path).replace_schema_metadata(None)
            plain = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in table.columns]
            tables.append(pa.table(plain, names=table.column_names))
        return pa.concat_tables(tables).sort_by([("recording", "ascending"), ("start_s", "ascending")])

    return read
