"""More of the ways in which models write answers: one row a form, each with the program that a reader would take."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from mucode_core.answers import Asked, extract_program

F = "```"
ADD = "def add(a, b):\n    return a + b"
WRONG = "def add(a, b):\n    return a - b"
STDIN = "n = int(input())\nprint(2 * n)"
MAIN = 'def main():\n    n = int(input())\n    print(2 * n)\n\n\nif __name__ == "__main__":\n    main()'
SOLUTION = "class Solution:\n    def add(self, a: int, b: int) -> int:\n        return a + b"
ADDER = (
    "class Adder:\n    def __init__(self):\n        self.total = 0\n\n    def add(self, x):\n        self.total += x"
)
DOCUMENTED = f'def add(a, b):\n    """Adds.\n\n    {F}python\n    add(1, 2)  # 3\n    {F}\n    """\n    return a + b'
FUNCTION, PROGRAM, CLASS = Asked("add"), Asked(), Asked("Solution.add")
DECLARED = Asked("add", 'from typing import List\n\n\ndef add(a: int, b: int) -> int:\n    """Adds."""\n')
WHOLE_DECLARED = f"{DECLARED.declaration}    return a + b"


def fenced(code: str, info: str = "python", fence: str = F) -> str:
    return f"{fence}{info}\n{code}\n{fence}"


class Form(NamedTuple):
    """One answer."""

    text: str
    code: str | None
    rule: str
    asked: Asked = FUNCTION


REASONING = {
    "closed, with a draft": Form(f"<think>\n{fenced(WRONG)}\n</think>\n\n{fenced(ADD)}", ADD, "block"),
    "closed, two drafts": Form(f"<think>{fenced(WRONG)} or {fenced(WRONG)}</think>{fenced(ADD)}", ADD, "block"),
    "closed, bare program after": Form(f"<think>I add.</think>\n{ADD}", ADD, "whole"),
    "closed, an unfinished fence in it": Form(f"<think>\n{F}python\n{WRONG}\n</think>\n{fenced(ADD)}", ADD, "block"),
    "closed twice": Form(f"<think>a</think><think>{fenced(WRONG)}</think>{fenced(ADD)}", ADD, "block"),
    "the program only in it": Form(f"<think>\n{fenced(ADD)}\n</think>\n", ADD, "reasoning"),
    "an answer without a program after it": Form(f"<think>\n{fenced(ADD)}\n</think>\nThat is it.", ADD, "reasoning"),
    "cut off in it": Form(f"<think>\nPerhaps\n{fenced(WRONG)}\nNo:\n{F}python\n{ADD}", WRONG, "block"),
    "cut off before any program": Form("<think>\nThe sum of a and b, if we", None, "none"),
    "with attributes": Form(f'<think type="deep">\n{fenced(WRONG)}\n</think>\n{fenced(ADD)}', ADD, "block"),
    "capitals": Form(f"<Thinking>{fenced(WRONG)}</Thinking>{fenced(ADD)}", ADD, "block"),
    "after a word of its own": Form(f"Sure.\n<think>\n{fenced(WRONG)}\n</think>\n{fenced(ADD)}", ADD, "block"),
    "harmony channels": Form(
        f"<|channel|>analysis<|message|>{fenced(WRONG)}<|end|><|start|>assistant<|channel|>final<|message|>{fenced(ADD)}",
        ADD,
        "block",
    ),
    "mistral's": Form(f"[THINK]{fenced(WRONG)}[/THINK]{fenced(ADD)}", ADD, "block"),
    "tag name in prose": Form(f"The <think> tag is not needed.\n{fenced(ADD)}", ADD, "block"),
}

SEVERAL = {
    "draft and correction": Form(f"{fenced(WRONG)}\nThat subtracts. Corrected:\n{fenced(ADD)}", ADD, "block"),
    "corrected twice": Form(
        f"{fenced(WRONG)}\nHere is the corrected code:\n{fenced(WRONG)}\nHere is the corrected code:\n{fenced(ADD)}",
        ADD,
        "block",
    ),
    "correction in no language": Form(f"{fenced(WRONG)}\nrather\n{fenced(ADD, '')}", ADD, "block"),
    "helper, then main": Form(
        fenced("def twice(n):\n    return 2 * n") + "\n" + fenced("print(twice(int(input())))"),
        "def twice(n):\n    return 2 * n\nprint(twice(int(input())))",
        "joined",
        PROGRAM,
    ),
    "example of use after": Form(f"{fenced(ADD)}\n{fenced('print(add(1, 2))')}", ADD, "block"),
    "asserts after": Form(f"{fenced(ADD)}\n{fenced('assert add(1, 2) == 3')}", ADD, "block"),
    "unit tests after": Form(
        fenced(ADD)
        + "\n"
        + fenced(
            "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(add(1, 2), 3)"
        ),
        ADD,
        "block",
    ),
    "tests that define it again by import": Form(
        fenced(ADD) + "\n" + fenced("from solution import add\nassert add(1, 2) == 3"), ADD, "block"
    ),
    "tests first": Form(f"{fenced('assert add(1, 2) == 3')}\n{fenced(ADD)}", ADD, "block"),
    "output after": Form(f"{fenced(STDIN)}\nOutput:\n{fenced('4', '')}", STDIN, "block", PROGRAM),
    "output of a word after": Form(f"{fenced(STDIN)}\n{fenced('x = 4', 'text')}", STDIN, "block", PROGRAM),
    "shell first": Form(f"{fenced('pip install numpy', 'bash')}\n{fenced(ADD)}", ADD, "block"),
    "shell in a block of no language": Form(f"{fenced('pip install numpy', '')}\n{fenced(ADD, '')}", ADD, "block"),
    "another language first": Form(
        f"{fenced('int add(int a, int b) { return a + b; }', 'cpp')}\n{fenced(ADD)}", ADD, "block"
    ),
    "another language last": Form(
        f"{fenced(ADD)}\n{fenced('const add = (a, b) => a + b;', 'javascript')}", ADD, "block"
    ),
    "a diff after": Form(fenced(ADD) + "\n" + fenced("-    return a - b\n+    return a + b", "diff"), ADD, "block"),
    "the signature first": Form(fenced("def add(a, b):\n    ...") + "\n" + fenced(ADD), ADD, "block"),
    "a stub after": Form(fenced(ADD) + "\nIn general:\n" + fenced("def add(a, b):\n    ..."), ADD, "block"),
    "a stub with a docstring after": Form(
        fenced(ADD) + "\n" + fenced('def add(a, b):\n    """Adds."""\n    pass'), ADD, "block"
    ),
    "a piece of the program after": Form(f"{fenced(ADD)}\nThe key line:\n{fenced('return a + b')}", ADD, "block"),
    "the last one cut off": Form(f"{fenced(ADD)}\n{F}python\ndef add(a, b", ADD, "block"),
    "the last one cut off at a line": Form(
        f"{fenced(ADD)}\nShorter:\n{F}python\ndef add(a, b):\n    s = 0", ADD, "block"
    ),
    "two programs that read": Form(
        f"{fenced('print(int(input()))')}\nWrong. Fixed:\n{fenced(STDIN)}", STDIN, "block", PROGRAM
    ),
    "a test of a program that reads": Form(
        fenced(MAIN) + "\n" + fenced("def test():\n    assert 2 * 2 == 4"), MAIN, "block", PROGRAM
    ),
    "definitions that do not read after": Form(
        fenced(STDIN) + "\n" + fenced("def twice(n):\n    return 2 * n"), STDIN, "block", PROGRAM
    ),
    "class twice": Form(
        fenced("class Solution:\n    def add(self, a, b):\n        return a - b") + "\n" + fenced(SOLUTION),
        SOLUTION,
        "block",
        CLASS,
    ),
    "class and example": Form(
        fenced(SOLUTION) + "\n" + fenced("s = Solution()\nprint(s.add(1, 2))"), SOLUTION, "block", CLASS
    ),
    "nodes and class": Form(
        fenced("class Node:\n    pass")
        + "\n"
        + fenced("class Solution:\n    def add(self, a, b):\n        return Node()"),
        "class Node:\n    pass\nclass Solution:\n    def add(self, a, b):\n        return Node()",
        "joined",
        CLASS,
    ),
    "typing import apart": Form(
        fenced("from typing import List") + "\n" + fenced("def add(a: List, b):\n    return a"),
        "from typing import List\ndef add(a: List, b):\n    return a",
        "joined",
    ),
    "notebook's cells": Form(fenced("%matplotlib inline\nimport math") + "\n" + fenced(ADD), ADD, "block"),
}

MARKUP = {
    "py": Form(fenced(ADD, "py"), ADD, "block"),
    "python3": Form(fenced(ADD, "python3"), ADD, "block"),
    "PYTHON": Form(fenced(ADD, "PYTHON"), ADD, "block"),
    "a space before the language": Form(fenced(ADD, " python"), ADD, "block"),
    "braces": Form(fenced(ADD, "{python}"), ADD, "block"),
    "braces with options": Form(fenced(ADD, "{python echo=FALSE}"), ADD, "block"),
    "code-cell": Form(fenced(ADD, "{code-cell} python"), ADD, "block"),
    "a file name": Form(fenced(ADD, "python:src/add.py"), ADD, "block"),
    "a file name alone": Form(fenced(ADD, "add.py"), ADD, "block"),
    "line numbers": Form(fenced(ADD, "python {1,3-4}"), ADD, "block"),
    "tildes": Form(fenced(ADD, "python", "~~~"), ADD, "block"),
    "four backticks": Form(fenced(ADD, "python", "````"), ADD, "block"),
    "four backticks around three": Form(fenced(f"Here:\n{fenced(ADD)}", "markdown", "````"), ADD, "block"),
    "in a markdown block": Form(fenced(fenced(ADD), "markdown", "~~~"), ADD, "block"),
    "in a list": Form("1. It:\n\n   " + fenced(ADD).replace("\n", "\n   "), ADD, "block"),
    "in a list, not indented enough": Form("1. It:\n  " + fenced(ADD).replace("\n", "\n  "), ADD, "block"),
    "indented by four without a list": Form("It:\n\n    " + fenced(ADD).replace("\n", "\n    "), ADD, "block"),
    "in a quotation": Form("> " + fenced(ADD).replace("\n", "\n> "), ADD, "block"),
    "behind text on a line": Form(f"The program: {F}python\n{ADD}\n{F}", ADD, "inline"),
    "closed behind code": Form(f"{F}python\n{ADD}{F}", ADD, "inline"),
    "closed with words behind": Form(f"{F}python\n{ADD}\n{F} This adds.", ADD, "inline"),
    "code on the fence's line": Form(
        f"{F}python def add(a, b): return a + b\n{F}", "def add(a, b): return a + b", "inline"
    ),
    "on one line": Form("Use `def add(a, b): return a + b`.", "def add(a, b): return a + b", "inline"),
    "three backticks on one line": Form(f"{F}def add(a, b): return a + b{F}", "def add(a, b): return a + b", "inline"),
    "one backtick around all": Form(f"`{ADD}`", ADD, "inline"),
    "no opening fence": Form(f"{ADD}\n{F}", ADD, "prose"),
    "no opening fence, words after": Form(f"{ADD}\n{F}\nThis adds.", ADD, "prose"),
    "the language alone before": Form(f"python\n{ADD}", ADD, "prose"),
    "Copy code": Form(f"python\nCopy code\n{ADD}\n", ADD, "prose"),
    "docstring with a fence": Form(fenced(DOCUMENTED), DOCUMENTED, "block"),
    "docstring with a fence, bare": Form(DOCUMENTED, DOCUMENTED, "whole"),
    "string of backticks": Form(
        fenced(f"def add(a, b):\n    fence = '{F}'\n    return a + b"),
        f"def add(a, b):\n    fence = '{F}'\n    return a + b",
        "block",
    ),
    "headings in comments": Form(fenced(f"# Solution\n## Add\n{ADD}"), f"# Solution\n## Add\n{ADD}", "block"),
    "headings around": Form(f"# Solution\n\n{fenced(ADD)}\n\n## Complexity\nO(1)", ADD, "block"),
    "details": Form(f"<details><summary>Code</summary>\n\n{fenced(ADD)}\n\n</details>", ADD, "block"),
    "HTML before, no blank line": Form(f"<p>The program:</p>\n{fenced(ADD)}", ADD, "block"),
    "pre and code": Form(f"<pre><code>\n{ADD}\n</code></pre>", ADD, "tag"),
    "pre and code with a class": Form(f'<pre><code class="language-python">{ADD}</code></pre>', ADD, "tag"),
    "entities": Form(
        "<code>def add(a, b):\n    return a if a &lt; b else b</code>",
        "def add(a, b):\n    return a if a < b else b",
        "tag",
    ),
    "rst": Form(".. code-block:: python\n\n    def add(a, b):\n        return a + b\n", ADD, "block"),
    "latex": Form(f"\\begin{{verbatim}}\n{ADD}\n\\end{{verbatim}}", ADD, "prose"),
    "latex listing": Form(f"\\begin{{lstlisting}}[language=Python]\n{ADD}\n\\end{{lstlisting}}", ADD, "prose"),
    "quotes for a fence": Form(f"'''python\n{ADD}\n'''", ADD, "prose"),
}

TAGS = {
    "PYTHON": Form(f"[PYTHON]\n{ADD}\n[/PYTHON]", ADD, "tag"),
    "answer": Form(f"<answer>\n{ADD}\n</answer>", ADD, "tag"),
    "answer, never closed": Form(f"So\n<answer>\n{fenced(ADD)}", ADD, "tag"),
    "answer after reasoning": Form(f"<think>{fenced(WRONG)}</think>\n<answer>\n{fenced(ADD)}\n</answer>", ADD, "tag"),
    "code": Form(f"<code>\n{ADD}\n</code>", ADD, "tag"),
    "python": Form(f"<python>\n{ADD}\n</python>", ADD, "tag"),
    "solution": Form(f"<solution>{ADD}</solution>", ADD, "tag"),
    "answer without a program": Form(f"{fenced(ADD)}\n<answer>It is above.</answer>", ADD, "block"),
    "open thought": Form(
        f"<|begin_of_thought|>{fenced(WRONG)}<|end_of_thought|><|begin_of_solution|>{fenced(ADD)}<|end_of_solution|>",
        ADD,
        "tag",
    ),
    "CDATA": Form(f"<code><![CDATA[\n{ADD}\n]]></code>", ADD, "tag"),
    "python_tag": Form(f"<|python_tag|>{ADD}<|eom_id|>", ADD, "whole"),
    "boxed": Form(f"\\boxed{{\n{fenced(ADD)}\n}}", ADD, "block"),
}

TEXT = {
    "bare": Form(ADD, ADD, "whole"),
    "words before": Form(f"Here is the program:\n{ADD}", ADD, "prose"),
    "words after": Form(f"{ADD}\n\nThis function adds two numbers. It's simple.", ADD, "prose"),
    "words on both sides": Form(f"Sure! Here's how:\n\n{ADD}\n\nIt runs in O(1) time.", ADD, "prose"),
    "words and a list after": Form(
        f"{ADD}\n\nExplanation:\n1. `a` and `b` are added.\n2. The sum is returned.", ADD, "prose"
    ),
    "smart quotes in words": Form(f"Here\u2019s \u201cadd\u201d:\n\n{ADD}\n\nIt\u2019s done.", ADD, "prose"),
    "words between two functions": Form("First:\ndef half(x):\n    return x / 2\n\nThen:\n" + ADD, ADD, "prose"),
    "a program that reads": Form(f"The program doubles:\n{STDIN}\nThat is all!", STDIN, "prose", PROGRAM),
    "main guard": Form(MAIN, MAIN, "whole", PROGRAM),
    "main guard in a block": Form(fenced(MAIN), MAIN, "block", PROGRAM),
    "an example in the same block": Form(fenced(f"{ADD}\n\nprint(add(1, 2))"), f"{ADD}\n\nprint(add(1, 2))", "block"),
    "asserts in the same block": Form(
        fenced(f"{ADD}\nassert add(1, 2) == 3"), f"{ADD}\nassert add(1, 2) == 3", "block"
    ),
    "class": Form(fenced(SOLUTION), SOLUTION, "block", CLASS),
    "class, bare": Form(SOLUTION, SOLUTION, "whole", CLASS),
    "class of another name": Form(fenced(ADDER), ADDER, "block", Asked("Adder")),
    "doctest prompts": Form(
        ">>> def add(a, b):\n...     return a + b\n>>> add(1, 2)\n3", f"{ADD}\nadd(1, 2)", "doctest"
    ),
    "doctest prompts, words before": Form(
        "In a session:\n\n>>> def add(a, b):\n...     return a + b\n...\n>>> add(1, 2)\n3",
        f"{ADD}\n\nadd(1, 2)",
        "doctest",
    ),
    "numbered prompts": Form("In [1]: def add(a, b):\n   ...:     return a + b\n", ADD, "doctest"),
    "line numbers": Form(fenced("1  def add(a, b):\n2      return a + b"), ADD, "block"),
    "line numbers with colons": Form(fenced("1: def add(a, b):\n2:     return a + b"), ADD, "block"),
    "CR LF": Form(f"Here:\r\n{fenced(ADD)}".replace("\n", "\r\n").replace("\r\r", "\r"), ADD, "block"),
    "CR": Form(fenced(ADD).replace("\n", "\r"), ADD, "block"),
    "tabs": Form(fenced("def add(a, b):\n\treturn a + b"), "def add(a, b):\n\treturn a + b", "block"),
    "no-break spaces": Form(fenced(ADD.replace("    ", "\u00a0" * 4)), ADD, "block"),
    "zero-width spaces": Form(fenced(f"\u200b{ADD}\u200b"), ADD, "block"),
    "byte order mark in a block": Form(fenced(f"\ufeff{ADD}"), ADD, "block"),
    "identifiers of other scripts": Form(
        fenced("def add(α, β):\n    return α + β"), "def add(α, β):\n    return α + β", "block"
    ),
    "smart quotes in the program": Form(
        fenced("def add(a, b):\n    return \u201ca\u201d"), "def add(a, b):\n    return \u201ca\u201d", "broken"
    ),
    "pip install in the block": Form(fenced(f"pip install numpy\n{ADD}"), ADD, "block"),
    "shell magic in the block": Form(fenced(f"!pip install numpy\n{ADD}"), ADD, "block"),
    "cell magic in the block": Form(fenced(f"%%time\n{ADD}"), ADD, "block"),
    "output behind the program in the block": Form(
        fenced(f"{ADD}\n\nOutput: 3 and so on"), f"{ADD}\nOutput: 3 and so on", "broken"
    ),
    "JSON": Form(json.dumps({"code": ADD}), ADD, "json"),
    "JSON, words around": Form(f"Here:\n{json.dumps({'code': ADD})}\nDone.", ADD, "json"),
    "JSON in a block": Form(fenced(json.dumps({"reasoning": "sum", "solution": ADD}, indent=2), "json"), ADD, "json"),
    "JSON, nested": Form(json.dumps({"result": {"code": ADD, "tests": 3}}), ADD, "json"),
    "JSON in JSON": Form(json.dumps({"answer": json.dumps({"code": ADD})}), ADD, "json"),
    "JSON, a list": Form(json.dumps([{"code": ADD}]), ADD, "json"),
    "JSON, real line breaks": Form('{"code": "def add(a, b):\n    return a + b"}', ADD, "json"),
    "JSON, an unknown field": Form(json.dumps({"explanation": "adds", "final": fenced(ADD)}), ADD, "json"),
    "a tool call": Form(
        "<tool_call>" + json.dumps({"name": "python", "arguments": {"code": ADD}}) + "</tool_call>", ADD, "json"
    ),
    "line breaks escaped": Form(ADD.replace("\n", "\\n"), ADD, "whole"),
    "end tokens": Form(f"{fenced(ADD)}<|im_end|>", ADD, "block"),
    "end tokens, bare": Form(f"{ADD}<|endoftext|>", ADD, "whole"),
    "another turn made up": Form(f"{fenced(ADD)}<|im_end|>\n<|im_start|>user\nThanks!", ADD, "block"),
    "another turn made up, bare": Form(
        f"{ADD}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThanks", ADD, "whole"
    ),
    "end token in the last line of a block": Form(f"{F}python\n{ADD}</s>\n{F}", ADD, "block"),
    "no closing fence": Form(f"{F}python\n{ADD}", ADD, "block"),
    "cut in a line": Form(f"{F}python\ndef add(a, b):\n    return (a +", "def add(a, b):\n    return (a +", "broken"),
    "a diff alone": Form(
        fenced("@@ -1,2 +1,2 @@\n def add(a, b):\n-    return a - b\n+    return a + b", "diff"), ADD, "diff"
    ),
    "a diff with names of files": Form(
        fenced("--- a.py\n+++ a.py\n def add(a, b):\n-    return a - b\n+    return a + b", "diff"), ADD, "diff"
    ),
    "a diff in no block": Form(
        "*** Begin Patch\n*** Add File: a.py\n+def add(a, b):\n+    return a + b\n*** End Patch", ADD, "diff"
    ),
    "search and replace": Form(fenced(f"<<<<<<< SEARCH\n{WRONG}\n=======\n{ADD}\n>>>>>>> REPLACE"), ADD, "diff"),
    "opened twice": Form(f"{F}python\n{F}python\n{ADD}\n{F}", ADD, "block"),
    "two JSON objects": Form(json.dumps({"thought": "x"}) + "\n" + json.dumps({"code": ADD}), ADD, "json"),
    "YAML": Form("code: |\n  def add(a, b):\n      return a + b\nreason: it adds", ADD, "prose"),
    "tabs below a heading": Form("Answer:\n\tdef add(a, b):\n\t    return a + b", ADD, "prose"),
    "line numbers with bars": Form(fenced("1 | def add(a, b):\n2 |     return a + b"), ADD, "block"),
    "a diff of a piece": Form(
        fenced("-    return a - b\n+    return a + b", "diff"), "-    return a - b\n+    return a + b", "broken"
    ),
    "no closing fence, words after": Form(f"{F}python\n{ADD}\n\nThis function adds a and b.", ADD, "prose"),
    "no closing fence, words after, reads": Form(f"{F}python\n{STDIN}\n\nIt doubles.", STDIN, "prose", PROGRAM),
    "no closing fence, cut in a second function": Form(f"{F}python\n{ADD}\n\n\ndef main():\n    x = (a", ADD, "prose"),
    "another language alone": Form(
        fenced("int add(int a, int b) { return a + b; }", "cpp"), "int add(int a, int b) { return a + b; }", "broken"
    ),
    "refusal": Form("I cannot help with that.", None, "none"),
    "words alone": Form("You should loop over the numbers and add them, if any.", None, "none"),
}

TEMPLATES = {
    "end of turn in capitals": Form(f"{ADD}<|END_OF_TURN_TOKEN|>", ADD, "whole"),
    "the token that begins a text": Form(f"<s> {ADD}</s>", ADD, "whole"),
    "box": Form(f"<think>{fenced(WRONG)}</think>\n<|begin_of_box|>{ADD}<|end_of_box|>", ADD, "tag"),
    "solution behind thought": Form(
        f"<|begin_of_thought|>\n{WRONG}\n<|end_of_thought|>\n<|begin_of_solution|>\n{ADD}\n<|end_of_solution|>",
        ADD,
        "tag",
    ),
    "a parameter of a call": Form(
        f'<function_calls>\n<invoke name="run">\n<parameter name="code">{ADD}</parameter>\n</invoke>', ADD, "tag"
    ),
    "a parameter of another form": Form(
        f"<function=run>\n<parameter=code>\n{ADD}\n</parameter>\n</function>", ADD, "tag"
    ),
    "the language one line too low": Form(f"{F}\npython\n{ADD}\n{F}", ADD, "block"),
    "between BEGIN and DONE": Form(f"[BEGIN]\n{ADD}\n[DONE]", ADD, "prose"),
    "another example made up": Form(f"{ADD}\n[DONE]\n\nYour task: subtract.\n[BEGIN]\n{WRONG}\n[DONE]", ADD, "whole"),
    "a JSON text": Form(json.dumps(ADD), ADD, "json"),
    "a notebook": Form(
        json.dumps({"cells": [{"cell_type": "code", "source": ["def add(a, b):\n", "    return a + b"]}]}), ADD, "json"
    ),
    "TOML": Form(f'reason = "sum"\ncode = """\n{ADD}\n"""', ADD, "json"),
    "an argument of a call": Form(f"final_answer('''{ADD}''')", ADD, "json"),
    "an argument of a call in a block": Form(fenced(f"final_answer('''\n{ADD}\n''')"), ADD, "json"),
    "YAML in a block": Form(fenced("code: |\n  def add(a, b):\n      return a + b", "yaml"), ADD, "prose"),
    "words on its first line": Form(f"Answer: {ADD}", ADD, "prose"),
}

BODIES = {
    "indented": Form("    return a + b", WHOLE_DECLARED, "body", DECLARED),
    "in a block": Form(fenced("    return a + b"), WHOLE_DECLARED, "body", DECLARED),
    "not indented": Form("return a + b", WHOLE_DECLARED, "body", DECLARED),
    "first line stripped": Form(
        "s = a + b\n    return s", f"{DECLARED.declaration}    s = a + b\n    return s", "body", DECLARED
    ),
    "words after": Form("    return a + b\n\nThis adds the numbers.", WHOLE_DECLARED, "body", DECLARED),
    "words before a block": Form(f"The body:\n{fenced('    return a + b')}", WHOLE_DECLARED, "body", DECLARED),
    "and another function": Form(
        "    return a + b\n\n\ndef sub(a, b):\n    return a - b",
        f"{WHOLE_DECLARED}\n\n\ndef sub(a, b):\n    return a - b",
        "body",
        DECLARED,
    ),
    "cut in a second function": Form(
        "    return a + b\n\n\ndef sub(a, b):\n    return (a", WHOLE_DECLARED, "body", DECLARED
    ),
    "the whole function, without its import": Form(
        "def add(a: List, b):\n    return a",
        "from typing import List\n\n\ndef add(a: List, b):\n    return a",
        "joined",
        DECLARED,
    ),
    "the whole function": Form(fenced(ADD), ADD, "block", DECLARED),
    "end token": Form("    return a + b<|endoftext|>", WHOLE_DECLARED, "body", DECLARED),
}

FORMS = {
    f"{group}: {name}": form
    for group, forms in (
        ("reasoning", REASONING),
        ("several", SEVERAL),
        ("markup", MARKUP),
        ("tags", TAGS),
        ("text", TEXT),
        ("templates", TEMPLATES),
        ("body", BODIES),
    )
    for name, form in forms.items()
}


@pytest.mark.parametrize("name", FORMS)
def test_the_program_that_a_reader_would_take(name: str) -> None:
    form = FORMS[name]
    found = extract_program(form.text, form.asked)
    assert (_squeeze(found.code), found.rule) == (_squeeze(form.code), form.rule)


def _squeeze(code: str | None) -> str | None:
    """Without blank lines, which may stand between joined blocks."""
    return None if code is None else "\n".join(line for line in code.splitlines() if line.strip())
