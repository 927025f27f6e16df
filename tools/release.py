"""Check everything that a release needs, without a network, and write its bill of materials (CycloneDX 1.6).

The version must be one and the same in the package, the changelog and the citation; the tree must be clean and the tag
new; the changelog must have a dated section; the pages about versions and about moving to this one must be written;
every released model must verify; the site, and with --build the distributions, must build. What is missing is listed.

Usage: tools/release.py [--sbom FILE] [--build FOLDER]
"""

import argparse
import datetime
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

from edgehar.models import __version__
from edgehar.models.zoo import released_names

REPOSITORY: Final = Path(__file__).resolve().parents[1]
MIGRATION: Final = REPOSITORY / "docs" / "explanation" / "migration.md"
VERSIONS: Final = REPOSITORY / "docs" / "explanation" / "versions.md"
_SECTION: Final = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
_VENDORED: Final = ("firmware_bridge/web/dashboard/*/README.txt",)
"""Notes of what is inside the package without being one of its requirements; each begins: NAME VERSION, address."""
_NOTE: Final = re.compile(r"(\S+) (\S+), \S+, (\S+) licence")


def tree_is_clean() -> str:
    """Return what is not committed."""
    changed = _git("status", "--porcelain").splitlines()
    return f"{len(changed)} files are not committed, such as {changed[0][3:]}" if changed else ""


def version_is_new() -> str:
    """Return whether the version has a tag already."""
    return f"the tag v{__version__} exists" if _git("tag", "--list", f"v{__version__}").strip() else ""


def version_is_told() -> str:
    """Return where the version is another one, or the changelog has no dated section for it."""
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    dates = {found["version"]: found["date"] for found in _SECTION.finditer(text)}
    if dates.get(__version__) is None:
        return f"CHANGELOG.md has no dated section ## [{__version__}] - {datetime.datetime.now(datetime.UTC).date()}"
    unreleased = text.partition("## [Unreleased]")[2].partition("\n## [")[0].strip()
    if unreleased:
        return "CHANGELOG.md has entries under [Unreleased]: move them to the version's section"
    return ""


def citation_agrees() -> str:
    """Return whether CITATION.cff names another version."""
    text = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    found = re.search(r"^version: (.+)$", text, re.MULTILINE)
    return "" if found and found[1] == __version__ else f"CITATION.cff does not say version: {__version__}"


def migration_is_told() -> str:
    """Return whether the page about moving on lacks the section of this major version, or calls it a draft."""
    major = __version__.partition(".")[0]
    if major == "0":
        return ""
    text = MIGRATION.read_text(encoding="utf-8")
    section = text.partition(f"## To {major}.0\n")[2].partition("\n## ")[0]
    if not section.strip():
        return f"{MIGRATION.name} has no section ## To {major}.0"
    return f"{MIGRATION.name} calls ## To {major}.0 a draft" if "draft" in section else ""


def promises_are_written() -> str:
    """Return which public surface, or what about its end, the page about versions does not name."""
    text = VERSIONS.read_text(encoding="utf-8")
    wanted = ("`edgehar.__all__`", "`--json`", "schema", "on the wire", "`har_*`", "**Deprecation.**", "six months")
    missing = [name for name in wanted if name not in text]
    return f"{VERSIONS.name} does not say {', '.join(missing)}" if missing else ""


def released_models_verify() -> str:
    """Return which released model does not give its golden answers here."""
    for name in released_names():
        done = _python("-m", "edgehar", "verify", name, "--json")
        if done.returncode:
            return f"har verify {name} fails"
    return ""


def site_builds() -> str:
    """Return whether the documentation does not build."""
    done = subprocess.run(["tools/build_site.sh"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return (
        "" if done.returncode == 0 else f"tools/build_site.sh fails: {(done.stderr.strip().splitlines() or ['?'])[-1]}"
    )


def distributions_build(folder: Path) -> str:
    """Return whether a source distribution or a wheel cannot be built, or they are too large."""
    done = _python("-m", "build", "--outdir", str(folder), str(REPOSITORY))
    if done.returncode:
        return f"python -m build fails: {(done.stderr.strip().splitlines() or ['?'])[-1][:200]}"
    return "" if len(list(folder.glob(f"edgehar-{__version__}*"))) == 2 else f"{folder} has other files"


def bill_of_materials() -> dict[str, Any]:
    """Return what the package needs, with versions and licences as installed here, in CycloneDX 1.6."""
    components = list(_vendored())
    for name, optional in sorted(_needed()):
        try:
            found = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        licence = found.get("License-Expression") or found.get("License") or ""
        entry: dict[str, Any] = {
            "type": "library",
            "name": name,
            "version": found["Version"],
            "scope": "optional" if optional else "required",
        }
        if licence and len(licence) < 100:
            entry["licenses"] = [{"license": {"name": licence}}]
        components.append(entry)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "library", "name": "edgehar", "version": __version__}},
        "components": components,
    }


def _vendored() -> Iterator[dict[str, Any]]:
    """Yield what is inside the package."""
    for pattern in _VENDORED:
        for note in sorted(REPOSITORY.glob(pattern)):
            found = _NOTE.match(note.read_text(encoding="utf-8"))
            if found is None:
                raise SystemExit(f"{note}: expected NAME VERSION, ADDRESS, LICENCE licence in the first line")
            name, version, licence = found.groups()
            yield {"type": "library", "name": name, "version": version, "licenses": [{"license": {"id": licence}}]}


def _needed() -> Iterator[tuple[str, bool]]:
    """Yield what the package requires, and whether an extra alone does."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    always = {Requirement(text).name for text in project["dependencies"]}
    yield from ((name, False) for name in always)
    others = {Requirement(text).name for texts in project["optional-dependencies"].values() for text in texts}
    yield from ((name, True) for name in others - always - {"edgehar"})


def _git(*arguments: str) -> str:
    """Return what git says of the repository."""
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in the repository."""
    return subprocess.run(
        [sys.executable, "-P", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )


def main() -> int:
    """Run every check, and say what is missing; end with 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sbom", type=Path, help="where to write the bill of materials")
    parser.add_argument("--build", type=Path, help="build the distributions into this folder, too; needs `build`")
    arguments = parser.parse_args()
    checks: list[Callable[[], str]] = [tree_is_clean, version_is_new, version_is_told, citation_agrees]
    checks += [migration_is_told, promises_are_written]
    checks += [released_models_verify, site_builds]
    if arguments.build is not None:
        checks.append(lambda: distributions_build(arguments.build))
    missing = [wrong for check in checks if (wrong := check())]
    if arguments.sbom is not None:
        arguments.sbom.write_text(json.dumps(bill_of_materials(), indent=2) + "\n", encoding="utf-8")
    for wrong in missing:
        print(f"missing: {wrong}")
    print(f"edgehar {__version__}: {'not ready' if missing else 'ready'} for release")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
