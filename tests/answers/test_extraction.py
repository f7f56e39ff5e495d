"""One table: how models write answers, and the program that a reader would take from each."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mucode_core.answers import Asked, extract_program

ADD = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a - b"
F = "```"
DECLARATION = 'def add(a, b):\n    """Adds."""\n'
DOCUMENTED = f'def add(a, b):\n    """Adds.\n\n{F}\nadd(1, 2)\n{F}\n    """\n    return a + b'
NESTED = f'{F}python\ndef add(a, b):\n    """\n    {F}\n    add(1, 2)\n    {F}\n    """\n    return a + b\n{F}'
TEST = "def test_add():\n    assert add(1, 2) == 3"
FSUM = "def add(a, b):\n    return math.fsum([a, b])"
HELPER = "def half(x):\n    return x // 2"
USER = "def add(a, b):\n    return half(2 * a) + half(2 * b)"


def fenced(code: str, info: str = "python", fence: str = F) -> str:
    return f"{fence}{info}\n{code}\n{fence}"


ANSWERS = {
    "fenced": (f"Sure!\n{fenced(ADD)}\nIt works.", ADD, "block"),
    "no language": (fenced(ADD, ""), ADD, "block"),
    "tildes": (fenced(ADD, "python", "~~~"), ADD, "block"),
    "four backticks": (fenced(ADD, "python", "````"), ADD, "block"),
    "braces": (fenced(ADD, "{python}"), ADD, "block"),
    "attributes": (fenced(ADD, '{.python .numberLines startFrom="1"}'), ADD, "block"),
    "title": (fenced(ADD, 'python title="add.py"'), ADD, "block"),
    "upper case": (fenced(ADD, "Python"), ADD, "block"),
    "in a list": ("1. The program:\n\n" + textwrap.indent(fenced(ADD), "   "), ADD, "block"),
    "far into a list": ("- The program:\n  - it\n\n" + textwrap.indent(fenced(ADD), "    "), ADD, "block"),
    "in a quotation": ("> " + fenced(ADD).replace("\n", "\n> "), ADD, "block"),
    "carriage returns": (fenced(ADD).replace("\n", "\r\n"), ADD, "block"),
    "no closing fence": (f"Here:\n{F}python\n{ADD}", ADD, "block"),
    "shell first": (f"{fenced('pip install x', 'bash')}\n{fenced(ADD)}", ADD, "block"),
    "output after": (f"{fenced(ADD)}\nOutput:\n{fenced('3', '')}", ADD, "block"),
    "draft and correction": (f"{fenced(WRONG)}\nWait, that subtracts.\n{fenced(ADD)}", ADD, "block"),
    "correction cut off": (f"{fenced(ADD)}\nShorter:\n{F}python\ndef add(a, b):\n    return (a +", ADD, "block"),
    "example after": (f"{fenced(ADD)}\nUse it:\n{fenced('print(add(1, 2))')}", ADD, "block"),
    "tests after": (f"{fenced(ADD)}\n{fenced(TEST)}", ADD, "block"),
    "helper before": (f"{fenced(HELPER)}\nand\n{fenced(USER)}", f"{HELPER}\n\n{USER}", "joined"),
    "helper after": (f"{fenced(USER)}\nwith\n{fenced(HELPER)}", f"{USER}\n\n{HELPER}", "joined"),
    "import before": (
        f"{fenced('import math')}\n{fenced(FSUM)}",
        f"import math\n\n{FSUM}",
        "joined",
    ),
    "fence in a docstring": (fenced(DOCUMENTED), DOCUMENTED, "block"),
    "indented fence in a docstring": (NESTED, NESTED.removeprefix(f"{F}python\n").removesuffix(f"\n{F}"), "block"),
    "reasoning": (f"<think>\nTry {fenced(WRONG)}\nno.\n</think>\n{fenced(ADD)}", ADD, "block"),
    "reasoning opened by the template": (f"Try\n{fenced(WRONG)}\nno.\n</think>\n\n{fenced(ADD)}", ADD, "block"),
    "other reasoning tags": (f"<reasoning>{WRONG}</reasoning>\n{ADD}", ADD, "whole"),
    "reasoning never closed": (f"<think>\n{fenced(WRONG)}\nno, rather\n{fenced(ADD)}", ADD, "block"),
    "PYTHON tags": (f"The program:\n[PYTHON]\n{ADD}\n[/PYTHON]\n[TESTS]\nassert add(1, 2) == 3\n[/TESTS]", ADD, "tag"),
    "answer tags": (f"I add.\n<answer>\n{ADD}\n</answer>", ADD, "tag"),
    "answer tags with a fence": (f"<answer>\n{fenced(ADD)}\n</answer>", ADD, "tag"),
    "two answer tags": (f"<answer>{fenced(WRONG)}</answer> No:\n<answer>{fenced(ADD)}</answer>", ADD, "tag"),
    "bare": (ADD, ADD, "whole"),
    "prose around": (f"Here is the function:\n\n{ADD}\n\nIt adds the two numbers.", ADD, "prose"),
    "prose of one word": (f"Solution\n\n{ADD}\n\nDone", ADD, "prose"),
    "prose with imports": (f"This works:\nimport math\n{ADD}\nBest regards!", f"import math\n{ADD}", "prose"),
    "doctest prompts": (">>> def add(a, b):\n...     return a + b\n>>> add(1, 2)\n3", f"{ADD}\nadd(1, 2)", "doctest"),
    "doctest prompts in a block": (
        fenced(">>> def add(a, b):\n...     return a + b\n...\n>>> add(1, 2)\n3"),
        f"{ADD}\nadd(1, 2)",
        "doctest",
    ),
    "JSON": ('{"thought": "sum", "code": "def add(a, b):\\n    return a + b"}', ADD, "json"),
    "JSON in a block": (fenced('{"code": "def add(a, b):\\n    return a + b"}', "json"), ADD, "json"),
    "JSON with a fence": ('{"code": "```python\\ndef add(a, b):\\n    return a + b\\n```"}', ADD, "json"),
    "end of text": (f"{fenced(ADD)}<|im_end|>\n<|endoftext|>", ADD, "block"),
    "end of text in a block": (f"{F}python\n{ADD}\n<|eot_id|>", ADD, "block"),
    "end of text, bare": (f"{ADD}</s>", ADD, "whole"),
    "byte order mark": (f"\ufeff{ADD}", ADD, "whole"),
    "indented block": ("The program:\n\n    def add(a, b):\n        return a + b\n\nThat is all.", ADD, "block"),
    "does not parse": (f"{F}python\n{ADD}\nx = (\n{F}", f"{ADD}\nx = (", "broken"),
    "one of two does not parse": (f"{F}\n{ADD}\nx = (\n{F}\n{fenced('3', '')}", f"{ADD}\nx = (", "broken"),
    "bare, does not parse": (f"{ADD}\n    c = (\n", f"{ADD}\n    c = (", "broken"),
    "bare, a return outside": ("return 4 * a", "return 4 * a", "broken"),
    "nothing": ("I do not know.", None, "none"),
    "empty": ("", None, "none"),
    "empty block": (f"{F}python\n   \n{F}", None, "none"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_program_that_a_reader_would_take(name: str) -> None:
    text, code, rule = ANSWERS[name]
    found = extract_program(text, Asked("add"))
    assert (_squeeze(found.code), found.rule) == (_squeeze(code), rule)


def _squeeze(code: str | None) -> str | None:
    """Without blank lines, which may stand between joined blocks."""
    return None if code is None else "\n".join(line for line in code.splitlines() if line.strip())


BODIES = {
    "indented": "    return a + b",
    "first line not indented": "total = a + b\n    return total",
    "not indented": "total = a + b\nreturn total",
    "one line": "return a + b",
    "in a block": fenced("    return a + b"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_continues_the_declaration(name: str) -> None:
    found = extract_program(BODIES[name], Asked("add", DECLARATION))
    assert found.rule == "body"
    assert found.code is not None
    namespace: dict[str, object] = {}
    exec(found.code, namespace)
    assert namespace["add"](1, 2) == 3  # type: ignore[operator]


def test_a_whole_function_is_no_body() -> None:
    found = extract_program(fenced(ADD), Asked("add", DECLARATION))
    assert (found.code, found.rule) == (ADD, "block")


STDIN = "n = int(input())\nprint(2 * n)"


@pytest.mark.parametrize(
    "text",
    [
        fenced(STDIN),
        f"{fenced('3', '')}\n{fenced(STDIN)}\n{fenced('6', '')}",
        f"{fenced('print(6)')}\n{fenced(STDIN)}",
        f"{fenced(STDIN)}\nExample:\n{fenced('print(solve(3))')}",
    ],
)
def test_without_a_name_the_block_that_reads_input_wins(text: str) -> None:
    assert extract_program(text).code == STDIN


def test_tokens_and_tags_inside_of_a_program_stay() -> None:
    code = 'def add(a, b):\n    return "<|im_end|>" + "<think>" + "</think>" + "<answer>x</answer>"'
    for text in (code, fenced(code)):
        assert extract_program(text, Asked("add")).code == code


def test_the_last_class_of_two_wins() -> None:
    first, second = "class Solution:\n    x = 1", "class Solution:\n    x = 2"
    assert extract_program(f"{fenced(first)}\n{fenced(second)}", Asked("Solution")).code == second


def test_a_long_text_of_prose_ends_soon() -> None:
    assert extract_program("if we look at this, x = is unknown (\n" * 5000, Asked("add")).code is None


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    code = extract_program(text).code
    assert code is None or code.strip()


@given(st.text(alphabet="`~>[]<>{}/|: \nabdefthink#-*", max_size=80))
def test_any_markup_is_taken(text: str) -> None:
    found = extract_program(text, Asked("add", DECLARATION))
    assert (found.code is None) == (found.rule == "none")
