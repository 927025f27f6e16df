"""Scores as tables for people: all windows, every class, every subject."""

from rich.console import Console
from rich.table import Table

from edgehar.commands.terminal_text import escape
from edgehar.pipeline.evaluation import Evaluation
from edgehar.pipeline.evaluation.intervals import LEVEL, Intervals
from edgehar.pipeline.evaluation.metrics import mean_and_deviation
from edgehar.pipeline.evaluation.predictions import Predictions


def print_scores(evaluation: Evaluation, console: Console) -> None:
    """Print what was measured, on whom, and by what."""
    scores = evaluation.scores
    console.print(
        f"{escape(evaluation.protocol)}: {scores.windows:,} windows, accuracy [bold]{scores.accuracy:.3f}[/], "
        f"macro-F1 [bold]{scores.macro_f1:.3f}[/] ({escape(evaluation.artifact)} on {escape(evaluation.runtime)})"
    )
    console.print(_classes(evaluation))
    console.print(_subjects(evaluation))


def print_certainty(predictions: Predictions, intervals: Intervals, console: Console) -> None:
    """Print how figures differ between seeds, and where those of other people like these would lie."""
    seeds = predictions.by_seed()
    for name, (low, high) in (("accuracy", intervals.accuracy), ("macro_f1", intervals.macro_f1)):
        mean, deviation = mean_and_deviation(each[name] for each in seeds)
        between = f" ± {deviation:.3f} between {len(seeds)} seeds" if len(seeds) > 1 else ""
        console.print(
            f"{name.replace('_f1', '-F1')}: {mean:.3f}{between}, {LEVEL:.0%} interval {low:.3f} to {high:.3f} "
            f"(bootstrap over {intervals.people} people)"
        )


def print_leaky(leaky: Evaluation, honest: Evaluation, console: Console) -> None:
    """Print what a split of windows at random seems to reach, beside the honest figure, as what it is."""
    gap = leaky.scores.macro_f1 - honest.scores.macro_f1
    console.print(
        f"[yellow]Not honest:[/] with windows split at random the same recipe seems to reach accuracy "
        f"{leaky.scores.accuracy:.3f}, macro-F1 {leaky.scores.macro_f1:.3f} ({gap:+.3f}): that model is judged on "
        "people, and on seconds of movement, that it learned from."
    )


def _classes(evaluation: Evaluation) -> Table:
    """Return F1 of every class, and what it is most often taken for."""
    table = Table(box=None, pad_edge=False)
    table.add_column("activity")
    for title in ("windows", "F1"):
        table.add_column(title, justify="right")
    table.add_column("most often taken for")
    scores = evaluation.scores
    for row, (label, f1) in enumerate(scores.per_class_f1.items()):
        counts = scores.confusion[row].copy()
        total, counts[row] = counts.sum(), 0
        other = f"{scores.labels[counts.argmax()]} ({_share(counts.max() / total)})" if counts.any() else ""
        table.add_row(escape(label), f"{total:,}", f"{f1:.3f}", escape(other))
    return table


def _share(part: float) -> str:
    """Return a share in percent; one that is not zero is not written as zero."""
    return f"{part:.0%}" if part >= 0.005 else "less than 1%"


def _subjects(evaluation: Evaluation) -> Table:
    """Return every subject's figures, and their mean and standard deviation."""
    table = Table(box=None, pad_edge=False)
    table.add_column("subject")
    for title in ("windows", "accuracy", "macro-F1"):
        table.add_column(title, justify="right")
    found = [(name, evaluation.per_subject[name]) for name in evaluation.test_subjects]
    for name, scores in found:
        table.add_row(escape(name), f"{scores.windows:,}", f"{scores.accuracy:.3f}", f"{scores.macro_f1:.3f}")
    if len(found) > 1:
        spread = [mean_and_deviation(getattr(each, name) for _, each in found) for name in ("accuracy", "macro_f1")]
        table.add_row("mean ± sd", "", *(f"{mean:.3f} ± {deviation:.3f}" for mean, deviation in spread), style="bold")
    return table
