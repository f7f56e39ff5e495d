"""The text of the project uses the terms listed in CONTRIBUTING.md."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTRIBUTING = "CONTRIBUTING.md"
EXCEPTIONS = {
    CONTRIBUTING: "the list itself",
    "tests/test_terms.py": "tests of the list",
}
_PER = re.compile(
    r"\b(bytes|characters|choices|completions|conversations|examples|objects|pairs|problems|processes|programs|requests|"
    r"rollouts|rows|samples|seconds|tokens|turns) an? "
    r"(batch|core|device|iteration|line|parameter|problem|process|program|request|rollout|row|sample|second|shard|state|"
    r"step|token|turn|worker)\b"
)
_COLLISIONS = re.compile(r"^(class _?Turns\b|Problem\s*=)")
"""Glossary words as names of something else: a lock is not a turn, a conflict of settings is not a problem."""


def read_terms() -> dict[str, str]:
    """The right column of the table, each with what to use instead."""
    table = (ROOT / CONTRIBUTING).read_text("utf-8").partition("\n## Terms\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    return {term: use for use, terms in rows for term in re.findall(r"`([^`]+)`", terms) if not term.startswith("a ")}


def find_terms(text: str, terms: dict[str, str]) -> list[str]:
    pattern = re.compile(rf"(?<!\.)\b({'|'.join(map(re.escape, terms))})\b", re.IGNORECASE)  # not file.tell()
    findings: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        findings += [f"{number}: {m[0]!r}: use {terms[m[0].lower()]}" for m in pattern.finditer(line)]
        findings += [f"{number}: {m[0]!r}: use 'per'" for m in _PER.finditer(line)]
        findings += [f"{number}: {m[0]!r}: choose a name outside the glossary" for m in _COLLISIONS.finditer(line)]
    return findings


def tracked_files() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "*.yaml"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listing.stdout.splitlines() if (ROOT / name).exists()]


def test_text_uses_the_listed_terms():
    terms = read_terms()
    findings = [
        f"{name}:{finding}"
        for name in tracked_files()
        if name not in EXCEPTIONS
        for finding in find_terms((ROOT / name).read_text("utf-8"), terms)
    ]
    assert not findings, "\n" + "\n".join(findings)


def test_terms_match_whole_words_in_any_case():
    assert read_terms()["mend"] == "fix"
    assert find_terms("recommend, Mend", {"mend": "fix"}) == ["1: 'Mend': use fix"]


def test_rates_and_glossary_collisions_are_found():
    text = "N samples a turn\nclass _Turns:\nProblem = tuple[str, str]\nthe samples, a turn"
    assert [finding.split(":")[0] for finding in find_terms(text, {"mend": "fix"})] == ["1", "2", "3"]
