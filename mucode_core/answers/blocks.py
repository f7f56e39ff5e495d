"""The blocks of code in a CommonMark document."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mucode_core.answers.programs import is_program, parse
from mucode_core.answers.tidying import tidy

_PYTHON = frozenset(
    {"python", "py", "python3", "python2", "py3", "sage", "pycon", "ipython", "ipython3", "pypy", "pypy3"}
)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#-]+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*$")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_CAPTION = re.compile(r"\s*(?:python3?|py)(?:\s+|\\n)", re.IGNORECASE)
_SHELLS = frozenset({"bash", "sh", "shell", "zsh", "console", "terminal", "shell-session", ""})
_HEREDOC = re.compile(
    r"^[ \t]*(?:\$ )?(?:cat|tee)\b(?=[^\n]*\.py\b)[^\n]*<<-?[ \t]*(['\"]?)(?P<end>\w+)\1[^\n]*\n"
    r"(?P<content>.*?)^[ \t]*(?P=end)[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
"""A shell command that writes a file of Python."""
_DOCUMENTS = frozenset({"markdown", "md", "text", "txt", "plaintext", ""})


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code."""

    language: str
    """In lower case; empty where none is named."""
    source: str
    closed: bool
    """Whether its closing fence is there."""

    @property
    def is_python(self) -> bool:
        """Whether it says so."""
        return self.language in _PYTHON

    @property
    def may_be_python(self) -> bool:
        """Whether it says so, or names no language."""
        return self.is_python or not self.language


@cache
def _parser() -> MarkdownIt:
    # what looks like HTML may be a tag of the model's own, with a fence right behind it
    return MarkdownIt("commonmark").disable("html_block")


def find_blocks(text: str) -> list[Block]:
    """The fenced blocks in order; where there is none, the indented ones. Python in them is tidied.

    Where no block is a program, the files of Python that shell commands write stand for their blocks.
    """
    blocks = _find(text)
    written = [(block, _written(block)) for block in blocks]
    others = [block for block, files in written if not files]
    if len(others) < len(blocks) and not any(block.may_be_python and is_program(block.source) for block in others):
        blocks = [inner for block, files in written for inner in files or [block]]
    return [_tidied(block) for block in blocks]


def find_spans(text: str) -> list[Block]:
    """What stands between equally many backticks, on one line or over several: fences that are no fences."""
    return [Block("", tidy(_CAPTION.sub("", match[2], count=1)), closed=True) for match in _SPAN.finditer(text)]


def _written(block: Block) -> list[Block]:
    """The files of Python that the commands of a shell block write; a block of no language begins with one."""
    if block.language not in _SHELLS or not (block.language or _HEREDOC.match(block.source.lstrip())):
        return []
    return [Block("python", match["content"], closed=True) for match in _HEREDOC.finditer(block.source)]


def _tidied(block: Block) -> Block:
    if not block.may_be_python:
        return block
    first, _, rest = block.source.partition("\n")
    if not block.language and first.strip().lower() in _PYTHON:  # the language, one line too low
        return Block("python", tidy(rest), block.closed)
    return replace(block, source=tidy(block.source))


def _find(text: str) -> list[Block]:
    tokens = _parser().parse(text)
    fenced = [token for token in tokens if token.type == "fence"]
    if fenced:
        blocks = _fenced(fenced, text.splitlines())
    else:
        blocks = [Block("", token.content, closed=True) for token in tokens if token.type == "code_block"]
    return [inner for block in blocks for inner in _unfold(block)]


def _unfold(block: Block) -> list[Block]:
    """The blocks inside a block that quotes a document, else the block itself."""
    quotes = block.language in _DOCUMENTS and ("```" in block.source or "~~~" in block.source)
    if not quotes or parse(block.source) is not None:
        return [block]
    tokens = [token for token in _parser().parse(block.source) if token.type == "fence"]
    return _fenced(tokens, block.source.splitlines()) or [block]


def _fenced(tokens: list[Token], lines: list[str]) -> list[Block]:
    blocks: list[Block] = []
    taken = 0
    for token in tokens:
        begin, end = token.map or (0, 0)
        if begin < taken:  # inside the block before, which continues behind a fence in a string
            continue
        closed = end - begin > 1 and _closes(lines[end - 1], token.markup)
        source, taken = token.content, end
        later = [i for i in range(end, len(lines)) if _closes_like(lines[i], token.markup)] if closed else []
        if later and parse(source) is None:
            source, taken = _extend(lines, begin, later) or (source, taken)
        blocks.append(Block(_language_of(token.info), source, closed))
    return blocks


def _closes(line: str, markup: str) -> bool:
    """Whether a line, which may stand in a list or a quotation, ends with a fence like the opening one."""
    stripped = line.lstrip(" \t>").rstrip()
    return len(stripped) >= len(markup) and set(stripped) == {markup[0]}


def _closes_like(line: str, markup: str) -> bool:
    match = _FENCE.match(line)
    return match is not None and match[1].startswith(markup)


def _extend(lines: list[str], begin: int, ends: list[int]) -> tuple[str, int] | None:
    """The block up to a later fence with which it is Python: the fence before stands in a docstring."""
    for end in ends:
        source = "\n".join(lines[begin + 1 : end]) + "\n"
        if parse(source) is not None:
            return source, end + 1
    return None


def _language_of(info: str) -> str:
    """The language of an info string such as `python title="x"`, `{python}` or `{.python .numberLines}`."""
    match = _LANGUAGE.search(info.removeprefix("{code-cell}"))
    if match is None:
        return ""
    return "python" if info.split(maxsplit=1)[0].lower().endswith(".py") else match.group().lower()
