"""The rule itself; see the package's docstring for its order."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mucode_core.answers import programs
from mucode_core.answers.blocks import Block, find_blocks, find_spans
from mucode_core.answers.data import find_texts
from mucode_core.answers.tidying import new_side, show, tidy, without_breaks
from mucode_core.answers.wrapping import split_reasoning, unwrap

RULE_VERSION = 6
"""Raised whenever a text may yield another program; part of the identity of what is made of completions."""

Rule = Literal[
    "none",
    "block",
    "joined",
    "broken",
    "tag",
    "json",
    "diff",
    "doctest",
    "body",
    "whole",
    "prose",
    "inline",
    "reasoning",
    "recorded",
]
"""What found the program: nothing did, a block, several blocks, a block that is not Python, ...; `recorded`: the
program was stored as one, and no text was looked at."""

_TAGS = re.compile(
    r"\[PYTHON\](?P<a>.*?)(?:\[/PYTHON\]|\Z)"
    r"|<(?P<name>answer|code|python|solution|final_answer|parameter|pre(?![^<>]*>\s*<code))(?:[\s=][^<>]*)?>(?P<b>.*?)(?:</(?P=name)>|\Z)"
    r"|<\|begin_of_(?P<part>solution|box)\|>(?P<c>.*?)(?:<\|end_of_(?P=part)\|>|\Z)",
    re.DOTALL | re.IGNORECASE,
)


_LABEL = re.compile(r"^[^\n:]{1,40}:[ \t]+(?=(?:async def|def|class|import|from) )", re.MULTILINE)
"""Words before a program on its first line."""
_INDENTED = re.compile(r"^[ \t]+\S.*(?:\n(?:[ \t]+.*|[ \t]*(?=\n)))*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a program is asked for."""

    entry_point: str | None = None
    """The function or class that tests use; None for programs that read and print, or where it is not known."""
    declaration: str | None = None
    """The prompt's end where that is a function's declaration, which an answer may continue."""

    @property
    def name(self) -> str | None:
        """The name at the program's top level: the class of a method."""
        return self.entry_point.partition(".")[0] if self.entry_point else None


@dataclass(frozen=True, slots=True)
class Extraction:
    """The program of an answer, and which part of the rule found it."""

    code: str | None
    rule: Rule


_NOTHING = Extraction(None, "none")
ANYTHING = Asked()
"""Of a program that nothing is known of."""


@lru_cache(4096)
def asked_by(statement: str, entry_point: str) -> Asked:
    """What a problem asks for; its statement may end in a declaration, or in a block of code that does.

    Args:
        statement: The text that the model reads, without tests.
        entry_point: The function, class or method ("Solution.add") that tests use; empty for none.
    """
    name = entry_point or None
    candidates = [statement, *(block.source for block in find_blocks(statement)[-1:])]
    declared = next((text for text in candidates if name and programs.is_declaration(text, entry_point)), None)
    return Asked(name, declared)


def extract_program(text: str, asked: Asked = ANYTHING) -> Extraction:
    """The program in a model's answer; `code` is None where there is none."""
    plain = unwrap(text)
    if programs.is_too_long(plain) or (asked.name and programs.defines(plain, asked.name)):
        found = _from_whole(plain)
    else:
        reasoning, answer = split_reasoning(plain)
        found = _from_answer(answer, asked)
        if found is None and reasoning and (draft := _from_answer(reasoning, asked)):
            found = Extraction(draft.code, "reasoning")
    if found is None or found.code is None or not found.code.strip():
        return _NOTHING
    found = _from_string(found.code, asked) or Extraction(found.code.strip("\n"), found.rule)
    return _with_declared(found, asked)


def _from_string(code: str, asked: Asked) -> Extraction | None:
    """The program in a string of a program that does not define what is asked for, as in `final_answer('''...''')`."""
    if not asked.name or not programs.mentions_definition(code, asked.name) or programs.defines(code, asked.name):
        return None
    texts = [text for text in programs.strings_of(code) if _is_asked_for(text, asked)]
    return Extraction(texts[-1].strip("\n"), "json") if texts else None


def _from_answer(text: str, asked: Asked) -> Extraction | None:
    found = _from_tags(text, asked) or _from_markdown(text, asked) or _from_text(text, asked)
    if found is None and (blocks := _find_blocks(text)):
        found = Extraction(blocks[0].source, "broken")  # in another language, or a mere piece
    return found


def _with_declared(found: Extraction, asked: Asked) -> Extraction:
    """With the imports and helpers of the prompt's declaration that the program uses and lacks."""
    if not asked.declaration or found.code is None or found.rule == "body":
        return found
    tree, given = programs.parse(found.code), programs.before_declaration(asked.declaration)
    if tree is None or programs.imports_all(tree) or not programs.missing_names(tree) & programs.names_in(given):
        return found
    return Extraction(f"{given}\n\n\n{found.code}", "joined")


def _from_tags(text: str, asked: Asked) -> Extraction | None:
    matches = [] if text.lstrip().startswith(("def ", "class ", "import ", "from ")) else list(_TAGS.finditer(text))
    for match in reversed(matches):
        if text[: match.start()].count("```") % 2:  # in a block: the text of a program
            continue
        content = match["a"] or match["b"] or match["c"] or ""
        inner = _from_markdown(content, asked) or _from_text(tidy(content), asked)
        if inner is not None:
            return Extraction(inner.code, "tag")
    return None


def _from_markdown(text: str, asked: Asked) -> Extraction | None:
    # a bare program is no document: its indented lines would be blocks
    if programs.is_program(text):
        return None
    fenced = "```" in text or "~~~" in text
    if not fenced and (body := _from_body(text, asked)) is not None:
        return body
    blocks = _find_blocks(text) if fenced or not programs.begins_definition(text, asked.name) else []
    found = _from_blocks(blocks, asked) if blocks else None
    if found is not None and found.rule != "broken":
        return found
    return _from_json(text, asked) or _from_spans(text, asked) or _from_open(blocks, asked) or found


def _find_blocks(text: str) -> list[Block]:
    """Those that may be Python, else all; without the empty ones."""
    blocks = [block for block in find_blocks(text) if block.source.strip()]
    return [block for block in blocks if block.may_be_python] or blocks


def _from_spans(text: str, asked: Asked) -> Extraction | None:
    """The last piece between backticks in a line that is what is asked for; other pieces are words of the text."""
    for span in reversed(find_spans(text) if "`" in text else ()):
        if _is_asked_for(span.source, asked):
            return Extraction(span.source, "inline")
    return None


def _from_blocks(blocks: list[Block], asked: Asked) -> Extraction | None:
    if (chosen := _choose(blocks, asked)) is not None:
        return _complete(blocks, chosen)
    for block in reversed(blocks):
        inner = _from_json(block.source, asked) or _from_session(block.source) or _from_body(block.source, asked)
        inner = inner or _from_diff(block.source, asked)
        if inner is None and not block.may_be_python:
            inner = _from_indented(block.source, asked)  # YAML
        if inner is not None:
            return inner
    for block in reversed(blocks):
        if (source := programs.strip_sentences(block.source, asked.name)) and _is_asked_for(source, asked):
            return Extraction(source, "prose")
    broken = _least_broken(blocks, asked)
    return Extraction(broken.source, "broken") if broken else None


def _from_diff(source: str, asked: Asked) -> Extraction | None:
    """The new side of a diff, if that is the whole of what is asked for."""
    new = new_side(source)
    return Extraction(new, "diff") if new and _is_asked_for(new, asked) else None


def _from_open(blocks: list[Block], asked: Asked) -> Extraction | None:
    """The program in a block that never ends, so that the words behind it stand in the block."""
    if not blocks or blocks[-1].closed:
        return None
    source = blocks[-1].source
    found = programs.find_in_prose(source, asked.name)
    if not found or _goes_on(source, found) or not _is_asked_for(found, asked):
        return None
    return Extraction(found, "prose")


def _is_asked_for(source: str, asked: Asked) -> bool:
    wanted = programs.defines(source, asked.name) if asked.name else programs.reads_input(source)
    return wanted and programs.is_program(source)


def _from_session(text: str, *, anywhere: bool = False) -> Extraction | None:
    """The statements behind the prompts of an interactive session, which begins the text or stands anywhere in it."""
    unprompted = programs.strip_prompts(text, anywhere=anywhere)
    return Extraction(unprompted, "doctest") if unprompted and programs.is_program(unprompted) else None


def _from_body(text: str, asked: Asked) -> Extraction | None:
    """A bare function body behind the prompt's declaration."""
    whole = programs.complete_body(asked.declaration, text) if asked.declaration else None
    return Extraction(whole, "body") if whole else None


def _choose(blocks: list[Block], asked: Asked) -> int | None:
    """Index of the last complete block that defines what is asked for."""
    whole = [i for i, block in enumerate(blocks) if programs.is_program(block.source)]
    name = asked.name
    if name:
        defining = [i for i in whole if programs.defines(blocks[i].source, name)]
        if defining:
            return max(defining, key=lambda i: (programs.implements(blocks[i].source, name), blocks[i].closed, i))
        if asked.declaration:
            return None
        if any(programs.mentions_definition(block.source, name) for block in blocks):
            return None  # the program has an error: the blocks beside it are not the answer
    return _last_of_worth(blocks, whole)


def _last_of_worth(blocks: list[Block], whole: list[int]) -> int | None:
    """Without a name to look for: a block that reads input and prints, else one that reads, else one that defines
    something, else any Python. A trial on input of its own counts less, as does an excerpt that only reads.
    """
    reading = [i for i in whole if programs.reads_input(blocks[i].source)]
    solving = [i for i in reading if programs.solves(blocks[i].source)]
    defining = [i for i in whole if _defines_code(blocks[i].source)]
    said = [i for i in whole if blocks[i].is_python]
    for rows in (solving, reading, defining):
        if rows:
            return rows[-1]
    return (said or whole or [None])[0]


def _defines_code(source: str) -> bool:
    return re.search(r"^(?:async def|def|class) ", source, re.MULTILINE) is not None


def _complete(blocks: list[Block], chosen: int) -> Extraction:
    """The chosen block, with the blocks that define what it reads and does not define."""
    parts = {chosen}
    while True:
        source = "\n".join(blocks[i].source for i in sorted(parts))
        tree = programs.parse(source)
        missing = programs.missing_names(tree) if tree is not None else set[str]()
        more = next((i for i in _others(blocks, chosen, parts) if missing & _names_of(blocks[i])), None)
        if more is None:
            break
        parts.add(more)
    return Extraction(source, "block" if len(parts) == 1 else "joined")


def _others(blocks: list[Block], chosen: int, parts: set[int]) -> list[int]:
    """Blocks that may be needed: those before, the nearest first, then those after."""
    return [i for i in (*range(chosen - 1, -1, -1), *range(chosen + 1, len(blocks))) if i not in parts]


def _names_of(block: Block) -> set[str]:
    tree = programs.parse(block.source)
    return programs.defined_names(tree) if tree is not None else set[str]()


def _least_broken(blocks: list[Block], asked: Asked) -> Block | None:
    """A block that is not Python: the last that seems to define what is asked for, else the first that says Python.

    None where no block does either, and the program may stand outside of them.
    """
    if asked.name:
        named = [block for block in blocks if programs.mentions_definition(block.source, asked.name)]
        if named:
            return named[-1]
    return next((block for block in blocks if block.is_python), None)


def _from_text(text: str, asked: Asked) -> Extraction | None:
    if programs.is_program(text) and not (asked.declaration and _is_body(text, asked)):
        return _from_whole(text)
    found = _from_session(text) or _from_body(text, asked)
    if found is None and programs.is_fragment(text):
        found = Extraction(text, "broken")
    for form in dict.fromkeys((text, show(text))):
        if found is None and (source := programs.find_in_prose(form, asked.name)):
            found = Extraction(form, "broken") if _goes_on(form, source) else Extraction(source, "prose")
    if found is None and (whole := tidy(text)) is not text and programs.is_program(whole):
        found = Extraction(whole, "whole")
    found = found or _from_session(text, anywhere=True) or _from_json(text, asked, anywhere=True)
    found = found or _from_diff(text, asked) or _from_indented(text, asked)
    if found is None and _LABEL.search(text) and (source := programs.find_in_prose(_LABEL.sub("", text), asked.name)):
        found = Extraction(source, "prose")
    if found is None and (shown := without_breaks(text)) is not text:
        source = programs.find_in_prose(shown, asked.name)
        found = Extraction(source, "prose") if source else None
    return found


def _from_indented(text: str, asked: Asked) -> Extraction | None:
    """The last run of indented lines that is what is asked for, as below a heading or in YAML."""
    for run in reversed(list(_INDENTED.finditer(text))):
        source = textwrap.dedent(run.group())
        if _is_asked_for(source, asked):
            return Extraction(source, "prose")
    return None


def _goes_on(text: str, source: str) -> bool:
    """Whether the text begins with `source` and then indents: a program with an error, not prose around one."""
    rest = text.strip("\n").removeprefix(source)
    return rest != text.strip("\n") and rest.lstrip("\n")[:1].isspace()


def _from_whole(text: str) -> Extraction:
    code = programs.strip_words(text).strip("\n")
    return Extraction(code, "whole" if code == text.strip("\n") else "prose")


def _is_body(text: str, asked: Asked) -> bool:
    """Whether a text that parses by itself is a body all the same: it does not define what is asked for."""
    return asked.name is not None and not programs.defines(text, asked.name) and text[:1].isspace()


def _from_json(text: str, asked: Asked, *, anywhere: bool = False) -> Extraction | None:
    """The program in a JSON object: in a field named for code, or in another that holds what is asked for.

    Where words stand around the object, it must hold what is asked for: programs have dictionaries too.
    """
    alone = text.strip()[:1] in {"{", "["} and text.strip()[-1:] in {"}", "]"}
    for named, content in find_texts(text):
        inner = _from_markdown(content, asked) or _from_text(content, asked)
        if inner and (
            (named and (alone or anywhere)) or (asked.name and programs.defines(inner.code or "", asked.name))
        ):
            return Extraction(inner.code, "json")
        if inner is None and named and alone:
            return Extraction(content, "json")
    return None
