"""Released models give what they gave when they were made, on every engine that is installed here."""

import pytest

from edgehar.models.bundle import read_bundle
from edgehar.models.verification import verify_bundle
from edgehar.models.zoo import released_bundle, released_names


@pytest.mark.parametrize("name", released_names())
def test_golden_windows_hold(name: str) -> None:
    bundle = read_bundle(released_bundle(name))
    found = verify_bundle(bundle)
    assert found.ok, [row for row in found.artifacts if row.checked and not row.ok]
    checked = {row.artifact for row in found.artifacts if row.checked}
    assert "weights.npz" in checked
    quantizations = {entry.quantization for entry in bundle.manifest.artifacts}
    assert quantizations >= {"float32", "int8"}
