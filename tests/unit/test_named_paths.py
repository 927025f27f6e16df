"""Every path and every dotted name that code or a document mentions exists."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("edgehar", "models", "pipeline", "firmware_bridge", "reporting", "tools", "docs", "tests", ".ci")
SUFFIXES = {".py", ".md", ".h", ".c", ".S", ".sh", ".toml", ".service", ".yml", ".html", ".js", ""}
TOP = ("README.md", "CONTRIBUTING.md", "pyproject.toml", "setup.py", "MANIFEST.in")
PATH = re.compile(
    r"(?<![\w./~$}-])(?:\./)?((?:edgehar|models|pipeline|firmware_bridge|reporting|tools|docs|tests|\.ci)/[\w./*-]*[\w*/])"
)
MODULE = re.compile(r"(?<![\w.])(edgehar(?:\.(?:api|commands|models|pipeline|firmware_bridge|reporting)\b)(?:\.\w+)*)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
HISTORY = ("CHANGELOG.md",)
"""Says what was, not what is."""


def texts() -> Iterator[Path]:
    """Every text that is read by people."""
    for name in TOP:
        yield REPOSITORY / name
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if (
                path.is_file()
                and path.suffix in SUFFIXES
                and "__pycache__" not in path.parts
                and path != Path(__file__)
            ):
                yield path


def missing_paths(text: str) -> list[str]:
    """Return the paths of this repository that a text names and that do not exist."""
    named = {found.rstrip("/.") for found in PATH.findall(text)}
    # A module without its suffix is how an option of a tool names it; an artifact of a build is made, not kept.
    return sorted(
        name
        for name in named
        if not list(REPOSITORY.glob(name)) and not (REPOSITORY / f"{name}.py").exists() and not _is_example(name)
    )


def missing_modules(text: str) -> list[str]:
    """Return the dotted names that lead nowhere: no module, and no attribute of one."""
    return sorted(name for name in set(MODULE.findall(text)) if not _leads_somewhere(name))


def _is_example(name: str) -> bool:
    """Tell whether a path is made by the user, not kept here: a placeholder in capitals, or something under tests."""
    return bool(re.search(r"NNNN|BUNDLE|DIR\b", name))


def _leads_somewhere(name: str) -> bool:
    """Tell whether a dotted name is a module, or an attribute at most two levels below one."""
    parts = name.split(".")
    for count in range(len(parts), max(0, len(parts) - 3), -1):
        module = ".".join(parts[:count])
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            continue
        if found is None or found.origin is None:
            continue
        source = Path(found.origin).read_text(encoding="utf-8")
        # What a class has may be written where the class is, and not where it is named.
        return all(re.search(rf"\b{re.escape(rest)}\b", source) for rest in parts[count : count + 1])
    return False


@pytest.mark.parametrize("path", list(texts()), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_a_text_names_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    assert missing_paths(text) == []
    assert missing_modules(text) == []
    if path.suffix == ".md":
        assert [link for link in LINK.findall(text) if not (path.parent / link).exists()] == []


def test_a_path_that_does_not_exist_is_found() -> None:
    # Put together here, so that this file names nothing that is not there.
    gone = "/".join(("models", "gone.py"))
    assert missing_paths(f"see {gone}, models/units.py and docs/decisions/*.md") == [gone]
    nowhere = ".".join(("edgehar", "models", "gone"))
    assert missing_modules(f"{nowhere} and edgehar.models.decoder.Decoder") == [nowhere]
