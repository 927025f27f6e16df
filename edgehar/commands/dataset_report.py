"""What there is to say about a data set: facts for machines, tables for people."""

from collections import Counter
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from edgehar.commands.terminal_text import escape
from edgehar.pipeline.data.recordings import Dataset

_MAX_SHOWN: Final = 25
_WIDEST: Final = 2000


def facts_about(dataset: Dataset, *, content_hash: str | None = None) -> dict[str, Any]:
    """Return the facts of a data set, ready for JSON; its content is hashed unless the hash is known."""
    seconds = dataset.seconds()
    rates = Counter(recording.rate_hz for recording in dataset.recordings)
    return {
        "name": dataset.name,
        "content_hash": content_hash or dataset.content_hash,
        "terms": dataset.terms,
        "recordings": len(dataset.recordings),
        "subjects": list(dataset.subjects),
        "activities": list(dataset.activities),
        "samples": sum(len(recording) for recording in dataset.recordings),
        "seconds": round(sum(recording.duration_s for recording in dataset.recordings), 3),
        "labelled_seconds": round(sum(seconds.values()), 3),
        "gaps": sum(len(recording.gaps) for recording in dataset.recordings),
        "rates_hz": {f"{rate:g}": count for rate, count in sorted(rates.items())},
        "seconds_by_subject": {
            subject: {
                activity: round(seconds[subject, activity], 3)
                for activity in dataset.activities
                if (subject, activity) in seconds
            }
            for subject in dataset.subjects
        },
        "notes": list(dataset.notes),
        "problems": list(dataset.all_problems),
    }


def print_dataset(dataset: Dataset, console: Console, *, content_hash: str | None = None) -> None:
    """Print a data set for people."""
    facts = facts_about(dataset, content_hash=content_hash)
    console.print(f"[bold]{escape(dataset.name)}[/]  {_summary(facts)}", highlight=False, soft_wrap=True)
    if dataset.activities:
        for table in (_activities(dataset, facts), _people(dataset, facts)):
            # A table that is too wide runs over the edge: a number cut short would be a wrong number.
            needed = console.measure(table, options=console.options.update(max_width=_WIDEST)).maximum
            console.width = max(console.width, needed)
            console.print(table)
            console.print()
    for title, sentences in (("Notes", facts["notes"]), ("Problems", facts["problems"])):
        _print_sentences(title, sentences, console)
    if not facts["problems"]:
        console.print("No problems found.")
    if dataset.terms:
        console.print(f"Terms: {escape(dataset.terms)}", highlight=False, soft_wrap=True)
    console.print(f"Content: sha256 {facts['content_hash']}", highlight=False, soft_wrap=True)


def _summary(facts: dict[str, Any]) -> str:
    """Return one line of totals."""
    rates = list(facts["rates_hz"])
    rate = f"{rates[0]} Hz" if len(rates) == 1 else f"{rates[0]} to {rates[-1]} Hz"
    unlabelled_s = facts["seconds"] - facts["labelled_seconds"]
    parts = [
        _counted(len(facts["subjects"]), "person", "people"),
        _counted(len(facts["activities"]), "activity", "activities"),
        _counted(facts["recordings"], "recording", "recordings"),
        f"{facts['seconds'] / 60:,.1f} min",
        rate,
    ]
    if unlabelled_s >= 0.05:
        parts.append(f"{unlabelled_s / 60:,.1f} min unlabelled")
    if facts["gaps"]:
        parts.append(_counted(facts["gaps"], "gap", "gaps"))
    return ", ".join(parts)


def _counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many}"


def _activities(dataset: Dataset, facts: dict[str, Any]) -> Table:
    """Return seconds per activity."""
    table = Table(box=None, pad_edge=False)
    for title in ("#", "activity", "seconds", "share", "people", "least", "most"):
        table.add_column(title, justify="left" if title == "activity" else "right")
    for number, activity in enumerate(dataset.activities, start=1):
        each = [row[activity] for row in facts["seconds_by_subject"].values() if activity in row]
        share = sum(each) / facts["labelled_seconds"]
        least, most = (f"{min(each):,.0f}", f"{max(each):,.0f}") if each else ("", "")
        cells = [str(number), escape(activity), f"{sum(each):,.0f}", f"{share:.1%}", str(len(each)), least, most]
        table.add_row(*cells)
    return table


def _people(dataset: Dataset, facts: dict[str, Any]) -> Table:
    """Return seconds per person and activity; columns carry the number of the activity."""
    table = Table(box=None, pad_edge=False)
    table.add_column("seconds of")
    for number in range(1, len(dataset.activities) + 1):
        table.add_column(str(number), justify="right")
    table.add_column("all", justify="right")
    for subject, row in facts["seconds_by_subject"].items():
        cells = [f"{row[activity]:.0f}" if activity in row else "-" for activity in dataset.activities]
        table.add_row(escape(subject), *cells, f"{sum(row.values()):.0f}")
    return table


def _print_sentences(title: str, sentences: list[str], console: Console) -> None:
    """Print sentences below a title, the first of them if there are many."""
    if not sentences:
        return
    console.print(f"[bold]{title}[/]", highlight=False)
    for sentence in sentences[:_MAX_SHOWN]:
        console.print(f"  {escape(sentence)}", highlight=False, soft_wrap=True)
    if len(sentences) > _MAX_SHOWN:
        console.print(f"  and {len(sentences) - _MAX_SHOWN} more; --json prints all.", highlight=False)
