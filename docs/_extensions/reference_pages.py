"""Reference pages that the program writes: every command from its help, every public name of `import edgehar`."""

import inspect
from pathlib import Path
from typing import Any, Final

import typer.main

FOLDER: Final = Path("reference") / "commands"
NAMES: Final = Path("reference") / "python.md"


def setup(app: Any) -> dict[str, Any]:
    """Write the pages before Sphinx looks for pages."""
    app.connect("builder-inited", lambda app: write_commands(Path(app.srcdir) / FOLDER), priority=1)
    app.connect("builder-inited", lambda app: write_names(Path(app.srcdir) / NAMES), priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_commands(folder: Path) -> None:
    """Write one page a command; a page that has not changed is left alone, one without a command is removed."""
    from edgehar import cli

    root = typer.main.get_command(cli.app)
    context = root.context_class(root, info_name="har")
    folder.mkdir(parents=True, exist_ok=True)
    pages = {
        f"{name}.md": _page(context, name, root.get_command(context, name)) for name in root.list_commands(context)
    }
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        _write(folder / name, text)


def write_names(page: Path) -> None:
    """Write the page of every public name of `import edgehar`."""
    import edgehar

    lines = ["# Python: every name", ""]
    lines += [
        "What `import edgehar` offers, from its docstrings. [The Python API](../python-api.md) shows it in use.",
        "",
    ]
    for name in edgehar.__all__:
        if not name.startswith("_"):
            directive = "autoclass" if inspect.isclass(getattr(edgehar, name)) else "autofunction"
            members = ["   :members:"] if directive == "autoclass" else []
            lines += [f"## {name}", "", "```{eval-rst}", f".. {directive}:: edgehar.{name}", *members, "```", ""]
    _write(page, "\n".join(lines))


def _write(path: Path, text: str) -> None:
    """Write a page that is new or has changed; Sphinx builds by the time of a file."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _page(parent: Any, name: str, command: Any) -> str:
    """Return the page of a command, with its sub-commands."""
    context = command.context_class(command, info_name=name, parent=parent)
    parts = [f"# har {name}", "", *_body(command, context)]
    for inner in command.list_commands(context) if hasattr(command, "list_commands") else ():
        found = command.get_command(context, inner)
        inside = found.context_class(found, info_name=inner, parent=context)
        parts += ["", f"## har {name} {inner}", "", *_body(found, inside)]
    return "\n".join(parts) + "\n"


def _body(command: Any, context: Any) -> list[str]:
    """Return what a command is for, how it is called, and its options."""
    text = [line.strip() for line in (command.help or "").replace("\f", "").strip().splitlines()]
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [*map(_plain, text), "", "```text", usage, "```", ""]
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [f"| `{_cell(name)}` | {_cell(_plain(what))} |" for name, what in filter(None, records)]
    return [*lines, "| option | what |", "|---|---|", *rows] if rows else lines


def _cell(text: str) -> str:
    """Return text for a cell of a table."""
    return " ".join(text.replace("|", "\\|").split())


def _plain(text: str) -> str:
    """Return text that Markdown leaves as it is: `code` stays code."""
    outside = text.split("`")
    for place in range(0, len(outside), 2):
        for character in "\\*_<>[]":
            outside[place] = outside[place].replace(character, f"\\{character}")
    return "`".join(outside)
