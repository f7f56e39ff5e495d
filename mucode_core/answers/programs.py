"""What can be said of a piece of Python source without running it."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache

from mucode_core.answers.syntax import parse_module

_READS_INPUT = re.compile(r"\binput\s*\(|\bstdin\b|\bopen\s*\(\s*0\b|\bfileinput\b")
_PRINTS = re.compile(r"\bprint\b|\bstdout\b|\bos\.write\b")
_OWN_INPUT = re.compile(r"\bstdin\s*=[^=]")
_SENTENCE = re.compile(r"(?:[-*#>]+ |\d+[.)] )?(?P<first>[A-Za-z][\w'’-]*)(?:[,:]? +[A-Za-z`'\"(]|:$)")
_BEGINS_CODE = re.compile(
    r"(?:def|class|async def|import|from|if|for|while|with|try|return|print)\b|@\w"
    r"|[A-Za-z_][\w.]*(?:\[.*\])?\s*(?:[-+*/%&|^]|//|\*\*|<<|>>)?=[^=]"
)
_NOTEBOOK_PROMPT = re.compile(r"^In \[\d+\]: ")
_NOTEBOOK_CONTINUATION = re.compile(r"^ +\.\.\.: ")
_MAX_PARSED = 10_000_000
"""Characters parsed of one text while looking for code in prose."""
_MAX_SOURCE = 1_000_000
"""Characters; a longer text is taken as it is."""


@lru_cache(32)
def parse(source: str) -> ast.Module | None:
    """The syntax tree, or None where `source` is not Python. Each part of the rule asks for the same few trees."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes in programs
            tree = parse_module(source)
            compile(tree, "<answer>", "exec", dont_inherit=True)  # which refuses a `return` outside of a function
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree


def is_program(source: str) -> bool:
    """Whether it parses and does more than name values: a word of prose is an expression too."""
    tree = parse(source)
    return tree is not None and any(map(_does_something, tree.body))


def is_fragment(source: str) -> bool:
    """Whether it has the syntax of Python without being a program, such as a `return` outside of a function."""
    try:
        body = parse_module(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(map(_does_something, body))


def _does_something(node: ast.stmt) -> bool:
    return not isinstance(node, ast.Expr) or isinstance(node.value, (ast.Call, ast.Await))


def reads_input(source: str) -> bool:
    """Whether it seems to read standard input."""
    return _READS_INPUT.search(source) is not None


def solves(source: str) -> bool:
    """Whether a program that reads seems to read what it is given, and to print."""
    return _PRINTS.search(source) is not None and _OWN_INPUT.search(source) is None


def defined_names(tree: ast.Module) -> set[str]:
    """Names that the module's top level binds, also inside `if`, `try` and `with`."""
    names: set[str] = set()
    for node in _top_level(tree.body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return names


def _top_level(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
                yield from _top_level(getattr(node, field, ()))


def defines(source: str, name: str | None) -> bool:
    """Whether it is Python whose top level binds `name`."""
    tree = parse(source)
    return tree is not None and name in defined_names(tree)


def strings_of(source: str) -> list[str]:
    """The string literals of a program, in order."""
    tree = parse(source)
    nodes = ast.walk(tree) if tree is not None else ()
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def mentions_definition(source: str, name: str) -> bool:
    """Whether it seems to define `name`, though it may have errors."""
    return re.search(rf"\b(?:def|class)\s+{re.escape(name)}\b", source) is not None


def begins_definition(text: str, name: str | None) -> bool:
    """Whether a line of a text begins with the definition of `name`."""
    if name is None:
        return False
    return re.search(rf"^(?:async def|def|class)\s+{re.escape(name)}\b", text, re.MULTILINE) is not None


def imports_all(tree: ast.Module) -> bool:
    """Whether it imports names that only the imported module knows."""
    return any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))


def missing_names(tree: ast.Module) -> set[str]:
    """Names that are read and neither bound anywhere in the module nor built in."""
    read: set[str] = set()
    bound = set(vars(builtins)) | {"__name__", "__file__"} | defined_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(name := getattr(node, "name", None), str):  # definitions, handlers and patterns
            bound.add(name)
    return read - bound


def implements(source: str, name: str) -> bool:
    """Whether the last thing that the top level binds to `name` is more than an import or a stub."""
    tree = parse(source)
    if tree is None:
        return False
    for node in reversed(list(_top_level(tree.body))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name == name:
            return not all(map(_is_stub, node.body))
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and name in defined_names(ast.Module([node], [])):
            return True
    return False


def _is_stub(node: ast.stmt) -> bool:
    """Whether a statement of a body does nothing; of a class, whether its methods do."""
    if isinstance(node, ast.FunctionDef):
        return all(map(_is_stub, node.body))
    raises = isinstance(node, ast.Raise) and "NotImplemented" in ast.unparse(node)
    return raises or isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def names_in(source: str) -> set[str]:
    """Names that its top level binds; none where it is not Python."""
    tree = parse(source)
    return defined_names(tree) if tree is not None else set()


def is_declaration(source: str, entry_point: str) -> bool:
    """Whether it ends in the head of the function or method, perhaps with a docstring, and lacks its body."""
    outer, _, inner = entry_point.rpartition(".")
    tree = parse(f"{source.rstrip()}\n{_body_indent(source)}pass\n")
    body: list[ast.stmt] = tree.body if tree is not None else []
    if outer:
        classes = [node for node in body[-1:] if isinstance(node, ast.ClassDef) and node.name == outer]
        body = classes[0].body if classes else []
    last = body[-1] if body else None
    if not isinstance(last, (ast.FunctionDef, ast.AsyncFunctionDef)) or last.name != inner:
        return False
    return isinstance(last.body[-1], ast.Pass) and all(map(_is_stub, last.body))


def before_declaration(declaration: str) -> str:
    """What stands before the function or class that a declaration ends in: imports and helpers."""
    tree = parse(f"{declaration.rstrip()}\n{_body_indent(declaration)}pass\n")
    if tree is None or not tree.body:
        return ""
    last = tree.body[-1]
    first = min(node.lineno for node in (last, *getattr(last, "decorator_list", ())))
    return "\n".join(declaration.splitlines()[: first - 1]).strip("\n")


def strip_prompts(source: str, *, anywhere: bool = False) -> str | None:
    """The statements of an interactive session, or None where the text does not begin as one.

    Args:
        source: The text.
        anywhere: Words may stand before the session.
    """
    lines = [_NOTEBOOK_PROMPT.sub(">>> ", line) for line in source.strip().splitlines()]
    lines = [_NOTEBOOK_CONTINUATION.sub("... ", line) for line in lines]
    if not lines or not (anywhere or lines[0].startswith(">>> ")):
        return None
    kept = [line.lstrip()[4:] for line in lines if line.lstrip().startswith((">>> ", "... ", ">>>\n", "...\n"))]
    return "\n".join(kept) or None


def complete_body(declaration: str, body: str) -> str | None:
    """The declaration with a bare function body after it, or None where the two do not make a program."""
    body = body.strip("\n")
    if not body.strip():
        return None
    own, indent = textwrap.dedent(body), _body_indent(declaration)
    forms = [body, textwrap.indent(own, indent)]
    if body[:1].strip() and "\n" in body:  # the first line lost its indentation to a `strip`
        first, _, rest = body.partition("\n")
        forms.insert(1, f"{indent}{first}\n{rest}")
    for form in forms:
        source = f"{declaration.rstrip()}\n{form}"
        if form[:1].isspace() and parse(source) is not None and not _is_one_word(own):
            return source
    return None


def _is_one_word(body: str) -> bool:
    """Whether it is a word of prose, which has the form of an expression."""
    return re.fullmatch(r"\W*\w+\W*", body) is not None and body.strip() not in {"pass", "return", "..."}


def _body_indent(declaration: str) -> str:
    """The indentation of the body of the function that a declaration ends in."""
    heads = re.findall(r"^([ \t]*)(?:async def|def|class)\b", declaration, re.MULTILINE)
    return (heads[-1] if heads else "") + "    "


def find_in_prose(text: str, wanted: str | None) -> str | None:
    """The longest run of lines that is a program, where possible one that defines `wanted`."""
    lines = text.splitlines()
    found: list[tuple[bool, int, str]] = []
    parsed, start = 0, 0
    while start < len(lines):
        if not _BEGINS_CODE.match(lines[start]):
            start += 1
            continue
        for end in range(len(lines), start, -1):
            source = "\n".join(lines[start:end])
            parsed += len(source)
            if parsed > _MAX_PARSED or parse(source) is not None:
                break
        else:
            start += 1
            continue
        if parsed > _MAX_PARSED:
            break
        if is_program(source := strip_words(source)):
            found.append((defines(source, wanted), len(source), source))
        start = end
    return max(found, default=(False, 0, None))[2]


def strip_sentences(text: str, wanted: str | None) -> str | None:
    """The program of `find_in_prose` if all lines around it are sentences, as of an explanation or a caption."""
    found = find_in_prose(text, wanted)
    before, _, after = text.partition(found) if found else ("", "", "")
    around = [line.rstrip() for line in (*before.splitlines(), *after.splitlines()) if line.strip()]
    return found if found and all(map(_is_sentence, around)) else None


def _is_sentence(line: str) -> bool:
    """Whether a line begins as a sentence does, with two words, the first no keyword, or is a word and a colon."""
    match = _SENTENCE.match(line)
    return match is not None and not keyword.iskeyword(match["first"]) and not _BEGINS_CODE.match(line)


def strip_words(source: str) -> str:
    """A program without first and last lines that only name something unknown, such as a heading of one word."""
    tree = parse(source)
    if tree is None:
        return source
    unknown, body = missing_names(tree), list(tree.body)
    while body and _is_word(body[-1], unknown):
        body.pop()
    while body and _is_word(body[0], unknown):
        body.pop(0)
    if len(body) == len(tree.body):
        return source
    first = min((n.lineno for n in [body[0], *getattr(body[0], "decorator_list", [])]), default=1) if body else 1
    return "\n".join(source.splitlines()[first - 1 : body[-1].end_lineno]) if body else ""


def _is_word(node: ast.stmt, unknown: set[str]) -> bool:
    if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call):
        return False
    return any(isinstance(part, ast.Name) and part.id in unknown for part in ast.walk(node))


def is_too_long(text: str) -> bool:
    """Whether the text is beyond what is looked at."""
    return len(text) > _MAX_SOURCE
