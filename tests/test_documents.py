"""What a contributor reads: links lead somewhere, files that are named exist, and the house keeps its rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DECISIONS = sorted((ROOT / "resources" / "manual" / "decisions").glob("*.md"))
TEXTS = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md", "CHANGELOG.md")),
    ROOT / "resources" / "manual" / "decisions.md",
    ROOT / "resources" / "manual" / "measurements.md",
    *sorted((ROOT / "resources" / "manual" / "measurements").glob("*.md")),
    *DECISIONS,
]
# Roots of paths that a text may name without a link.
_NAMED_PATH = re.compile(
    r"`((?:sounddesk|tests|benchmarks|packaging|resources|domain|storage|audio|engine|app|batch|cli|"
    r"evaluation|training)/[\w/.]+\.(?:py|md|yaml|toml))`"
)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_links_lead_to_files(text: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", text.read_text(encoding="utf-8"))
    assert [target for target in targets if not (text.parent / target).exists()] == []


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.name)
def test_files_that_are_named_exist(text: Path) -> None:
    named = _NAMED_PATH.findall(text.read_text(encoding="utf-8"))
    examples = [path for path in named if "NAME" not in path]
    assert [path for path in examples if not ((ROOT / path).exists() or (ROOT / "sounddesk" / path).exists())] == []


def test_every_decision_has_all_its_parts_and_is_listed() -> None:
    index = (ROOT / "resources" / "manual" / "decisions.md").read_text(encoding="utf-8")
    assert len(DECISIONS) >= 42
    numbers = [page.name[:4] for page in DECISIONS]
    # Not without gaps: whoever works beside others is given a block of numbers.
    assert all(each.isdecimal() for each in numbers) and len(set(numbers)) == len(numbers)
    for page in DECISIONS:
        text = page.read_text(encoding="utf-8")
        assert re.search(r"^Status: \w", text, re.MULTILINE), page.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Options", "Decision", "Consequences"], page.name
        assert f"decisions/{page.name}" in index, f"{page.name} is missing in decisions.md"


@pytest.mark.parametrize("folder", ["engine", "training", "app"])
def test_a_reader_finds_few_files_at_the_top_of_a_large_layer(folder: str) -> None:
    files = [path.name for path in (ROOT / "sounddesk" / folder).glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= 15, sorted(files)


def test_modules_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "sounddesk").rglob("*.py")
        if path.name != "_version.py"
    }
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_comments_cite_only_what_is_in_the_repository() -> None:
    cited = re.compile(r"\b(?:design \d|model facts|users\.md|starter\.md|house\.md|style\.md)", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("sounddesk", "tests", "benchmarks", "packaging", "resources/recipes", "resources/manual")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".yaml", ".toml"} and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if cited.search(line)
    ]
    assert found == []
