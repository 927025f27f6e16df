"""`tools/ablate.py`: each piece that a recipe has is switched off alone, what is there is not trained again."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from edgehar.models.architecture import ARCHITECTURE_NAMES
from edgehar.models.errors import UsageError
from edgehar.pipeline.training.recipes import default_recipe

TOOL = Path(__file__).parents[2] / "tools" / "ablate.py"


@pytest.fixture(scope="module")
def ablate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ablate", TOOL)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("model", ARCHITECTURE_NAMES)
def test_every_line_differs_from_the_recipe_in_one_piece(ablate: ModuleType, model: str) -> None:
    recipe = default_recipe(model)
    (name, first), *others = ablate.variants(recipe, [])
    assert (name, first) == ("recipe", recipe)
    on = [piece for piece, off in ablate.WITHOUT.items() if getattr(recipe, piece) != off]
    assert len(others) == len(on)
    for piece, (_, other) in zip(on, others, strict=True):
        changed = {key for key, value in other.to_json().items() if value != recipe.to_json()[key]}
        assert changed == {piece}


def test_pieces_can_be_added(ablate: ModuleType) -> None:
    recipe = default_recipe("lstm")
    *_, (name, found) = ablate.variants(recipe, ["mixup=0.3,stretch=0.1"])
    assert name == "with mixup=0.3,stretch=0.1"
    assert found == recipe.changed(mixup=0.3, stretch=0.1)
    with pytest.raises(UsageError, match=r"--add: expected pieces among .*, got cutmix"):
        list(ablate.variants(recipe, ["cutmix=1"]))
    with pytest.raises(UsageError, match="mixup: expected a number"):
        list(ablate.variants(recipe, ['mixup="much"']))


def test_pieces_can_be_chosen(ablate: ModuleType) -> None:
    recipe = default_recipe("lstm")
    chosen = ["stretch", "clip_norm"]
    assert [name for name, _ in ablate.variants(recipe, [], chosen)] == [
        "recipe",
        "without stretch",
        "without clip norm",
    ]
    with pytest.raises(UsageError, match="--without: expected pieces of this recipe, got recurrent_dropout"):
        list(ablate.variants(recipe, [], ["recurrent_dropout"]))


@pytest.mark.timeout(900)
def test_the_table_calls_noise_noise(ablate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--recipe", "majority", "--quick", "--out", str(tmp_path)]
    assert ablate.main(arguments) == 0
    first = capsys.readouterr().out
    assert "these figures mean nothing" in first
    assert "noise" in first
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.groups/seed-*/*/weights.npz")}
    assert len(made) == 4 * len(list(tmp_path.glob("*.toml")))
    assert ablate.main(arguments) == 0
    assert capsys.readouterr().out == first
    assert {path: path.stat().st_mtime_ns for path in made} == made, "what is there is kept"


@pytest.mark.parametrize(
    ("difference", "ends", "between_seeds", "said"),
    [
        (0.02, (0.01, 0.03), 0.005, "better"),
        (-0.02, (-0.03, -0.01), 0.005, "worse"),
        (0.02, (-0.01, 0.05), 0.005, "noise"),
        (0.02, (0.01, 0.03), 0.025, "noise"),
    ],
)
def test_noise_is_what_people_or_seeds_explain(
    ablate: ModuleType, difference: float, ends: tuple[float, float], between_seeds: float, said: str
) -> None:
    assert ablate._verdict(difference, *ends, between_seeds=between_seeds) == said


def test_an_unknown_recipe_is_one_sentence(ablate: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablate.main(["--recipe", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("ablate: --recipe nowhere: expected a file, a bundle or one of")
