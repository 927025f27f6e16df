"""Recipes: everything that decides how a model is trained, as data; each part can be switched off alone.

The defaults stand in `edgehar.pipeline.training.recipes`, a file each. They come from a search on USC-HAD:
accelerometer only, four groups of subjects (subject number modulo four),
each judged by a model that never saw it. Accuracy and macro-F1 over twelve classes, all 27,205 windows together:

========== ================= ==================== ==================================================
model      plain Adam        default, seed 0      what helped
========== ================= ==================== ==================================================
simple_rnn 0.525, 0.465      0.614, 0.611         structured start, offset, supervision, small rotation, a long run
lstm       0.587, 0.581      0.700, 0.699         offset, supervision, rotation, a high rate
gru        not measured      0.715, 0.708         the recipe of ``lstm``, as it is
========== ================= ==================== ==================================================

``har train --data PATH --model NAME --groups 4`` measures the third column. Seeds differ by up to five points
(simple_rnn) and two to three (lstm); another choice of fourteen people would move any of these by about as much.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from edgehar.models.errors import UsageError

ORTHOGONAL: Final = "orthogonal"
STRUCTURED: Final = "structured"
FREQUENCIES: Final = "frequencies"
INITIALIZATIONS: Final = (ORTHOGONAL, STRUCTURED, FREQUENCIES)
STREAMING_EPOCHS: Final = 20
"""Epochs of sequences where a recipe has none: 660 steps on eleven people of USC-HAD."""

_CAME_LATER: Final[dict[str, Any]] = {
    "recurrent_dropout": 0.0,
    "mixup": 0.0,
    "stretch": 0.0,
    "restart_epochs": 0,
    "restart_learning_rate": 0.005,
    "sequence_epochs": 0,
    "sequence_s": 10.0,
    "sequence_joined": 0.6,
    "sequence_batch_size": 128,
    "sequence_learning_rate": 0.005,
}
"""Pieces that recipes did not have at first, and the value that means without."""


_NOT_NEGATIVE: Final = (
    "weight_decay",
    "clip_norm",
    "offset_samples",
    "rotation_deg",
    "supervise_every",
    "patience",
    "mixup",
    "restart_epochs",
    "sequence_epochs",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train.

    Parameters
    ----------
    epochs
        Times every training window is seen. The weights of the last one are kept, unless training stops early. 0 only
        where epochs of sequences follow.
    learning_rate
        Highest rate of AdamW (0.9, 0.999); see `edgehar.pipeline.training.schedule`.
    batch_size
        Windows per step; windows left over by the last full batch of an epoch wait for the next one.
    weight_decay
        Decoupled decay of kernels, not of biases.
    clip_norm
        Largest Euclidean norm of all gradients together; 0 does not clip.
    warmup
        Share of all steps during which the rate climbs from zero; the rest follows a cosine to zero.
    offset_samples
        Each epoch a window starts up to so many samples away, inside its stretch; 0 leaves it in place.
    rotation_deg
        Deviation of the angle by which each window is turned around a random axis; 0 does not turn.
    supervise_every
        The loss looks at every so many samples, see `edgehar.pipeline.training.supervision`; 0 looks at the last only.
    initialization
        ``orthogonal`` or ``structured``, see `edgehar.pipeline.training.initialization`; or ``frequencies``, which only
        counts how often each activity was done and trains nothing, see `edgehar.pipeline.training.baseline`.
    recurrent_dropout
        Share of a recurrent layer's state that is dropped at every step of training (Gal & Ghahramani, 2016); with the
        Keras trainer, a SimpleRNN then goes through Keras's own loop, which is slower.
    mixup
        Windows are mixed in pairs, and their labels with them, in shares drawn from Beta(mixup, mixup) (Zhang et al.,
        mixup: Beyond Empirical Risk Minimization, 2018); 0 mixes none.
    stretch
        Each window is played up to so much faster or slower, as a share; 0 leaves its time alone.
    restart_epochs, restart_learning_rate
        After ``epochs`` the schedule starts once more, from this rate, for so many epochs; 0 for none.
    patience
        Epochs without a lower loss on held-out training subjects after which training stops; 0 never stops early.
    sequence_epochs
        After all epochs of windows, so many of sequences, for a state that is carried from window to window, see
        `edgehar.pipeline.training.sequence_batches`; 0 trains on windows alone.
    sequence_s, sequence_joined
        Seconds of a sequence, and the share of them that are joined of several activities.
    sequence_batch_size, sequence_learning_rate
        Sequences per step, and the highest rate of these epochs.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 256
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    warmup: float = 0.05
    offset_samples: int = 50
    rotation_deg: float = 0.0
    supervise_every: int = 10
    initialization: str = ORTHOGONAL
    patience: int = 0
    recurrent_dropout: float = 0.0
    mixup: float = 0.0
    stretch: float = 0.0
    restart_epochs: int = 0
    restart_learning_rate: float = 0.005
    sequence_epochs: int = 0
    sequence_s: float = 10.0
    sequence_joined: float = 0.6
    sequence_batch_size: int = 128
    sequence_learning_rate: float = 0.005

    def __post_init__(self) -> None:
        self._expect("epochs", self.epochs >= (0 if self.sequence_epochs else 1), "1 or more")
        for name in ("batch_size", "sequence_batch_size"):
            self._expect(name, getattr(self, name) >= 1, "1 or more")
        for name in ("learning_rate", "restart_learning_rate", "sequence_learning_rate"):
            self._expect(name, 0 < getattr(self, name) < float("inf"), "a number above 0")
        for name in _NOT_NEGATIVE:
            self._expect(name, 0 <= getattr(self, name) < float("inf"), "0 or more")
        for name in ("warmup", "recurrent_dropout", "stretch"):
            self._expect(name, 0 <= getattr(self, name) < 1, "a share from 0 to below 1")
        self._expect("sequence_s", 0 < self.sequence_s <= 600, "seconds, up to 600")
        self._expect("sequence_joined", 0 <= self.sequence_joined <= 1, "a share from 0 to 1")
        self._expect("initialization", self.initialization in INITIALIZATIONS, " or ".join(INITIALIZATIONS))

    def _expect(self, name: str, holds: bool, expected: str) -> None:
        """Refuse a value that cannot be meant."""
        if not holds:
            raise UsageError(
                f"{name.replace('_', ' ')}: expected {expected}, got {getattr(self, name)}",
                next_step="Leave it out for the measured default.",
                name=name,
            )

    @property
    def window_epochs(self) -> int:
        """Times every training window is seen, those after the restart among them."""
        return self.epochs + self.restart_epochs

    @property
    def total_epochs(self) -> int:
        """All epochs, those of sequences among them."""
        return self.window_epochs + self.sequence_epochs

    def changed(self, **values: Any) -> "Recipe":
        """Return the recipe with these values; those that are None stay. Other ``epochs`` alone mean no restart."""
        given = {name: value for name, value in values.items() if value is not None}
        if "epochs" in given:
            given.setdefault("restart_epochs", 0)
        return replace(self, **given)

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Recipe":
        """Rebuild a recipe from `to_json` data, of this version or an earlier one.

        Raises
        ------
        UsageError
            If a value is missing or unknown.
        """
        names = {field.name for field in fields(cls)}
        wrong = names.symmetric_difference({**_CAME_LATER, **data})
        if wrong:
            raise UsageError(
                f"recipe: expected {', '.join(sorted(names))}, these differ: {', '.join(sorted(wrong))}",
                next_step="Train the bundle again with this version.",
            )
        return cls(**{**_CAME_LATER, **data})
