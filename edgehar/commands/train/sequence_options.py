"""Options of `har train` for a model whose state is carried from window to window."""

from typing import Annotated, Any, Final

import typer

from edgehar.models.errors import UsageError
from edgehar.pipeline.training.recipe import STREAMING_EPOCHS, Recipe

_PANEL: Final = "Recipe of sequences, for a carried state (by default 10 s each, 60 % of them joined)"

StreamingOption = Annotated[
    bool,
    typer.Option(
        "--streaming",
        rich_help_panel=_PANEL,
        help="Train on sequences after the windows, for har live --streaming. With --start-from, which saves the "
        "epochs of windows, train on sequences only, unless --epochs is given.",
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        "--sequence-epochs",
        min=1,
        rich_help_panel=_PANEL,
        help=f"Passes over the samples. Default: the recipe's, or {STREAMING_EPOCHS}.",
    ),
]
LengthOption = Annotated[
    float | None,
    typer.Option("--sequence-s", metavar="S", rich_help_panel=_PANEL, help="Seconds of a sequence."),
]
JoinedOption = Annotated[
    float | None,
    typer.Option(
        "--sequence-joined", rich_help_panel=_PANEL, help="Share of sequences that are joined of several activities."
    ),
]
RateOption = Annotated[
    float | None,
    typer.Option("--sequence-learning-rate", rich_help_panel=_PANEL, help="The highest rate of these epochs."),
]
BatchOption = Annotated[
    int | None, typer.Option("--sequence-batch-size", rich_help_panel=_PANEL, help="Sequences per step.")
]


def with_sequences(recipe: Recipe, *, streaming: bool, continues: bool, **changes: Any) -> Recipe:
    """Return a recipe with what was asked for of sequences.

    Parameters
    ----------
    recipe
        With all else that was asked for.
    streaming
        Whether sequences are wanted, also if the recipe has none.
    continues
        Whether the epochs of windows are left out, because a trained model is there to begin with.
    changes
        Fields of the recipe; those that are None stay.

    Raises
    ------
    UsageError
        If something is said about sequences, and there are none.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    if streaming and not recipe.sequence_epochs:
        given.setdefault("sequence_epochs", STREAMING_EPOCHS)
    if given and not (streaming or recipe.sequence_epochs):
        option = next(iter(given)).replace("_", "-")
        raise UsageError(f"--{option}: expected --streaming beside it", next_step="Add --streaming.")
    if streaming and continues:
        given["epochs"] = 0
    return recipe.changed(**given)
