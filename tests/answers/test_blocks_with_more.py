"""Blocks that hold more than the program, or blocks beside it that only look like one."""

from __future__ import annotations

import pytest

from mucode_core.answers import extract_program
from tests.answers.test_more_forms import ADD, PROGRAM, STDIN, WRONG, Form, fenced

BROKEN_UP = "def add(a, b):<br>&nbsp;&nbsp;&nbsp;&nbsp;return a + b"
HTML = "print('<br>&nbsp;'.join(input().split()))"
FORMS = {
    "words in the block, after": Form(fenced(f"{ADD}\n\nThis function adds.\nIt's simple."), ADD, "prose"),
    "words in the block, before": Form(fenced(f"Here is the code:\n\n{ADD}"), ADD, "prose"),
    "words in the block, before, reads": Form(fenced(f"Here is it:\n{STDIN}"), STDIN, "prose", PROGRAM),
    "a list in the block": Form(fenced(f"{ADD}\n\nExplanation:\n- It adds\n1. Returns the sum"), ADD, "prose"),
    "a page's button in the block": Form(fenced(f"Copy code\n{ADD}"), ADD, "prose"),
    "a mistake beside it is no sentence": Form(
        fenced(f"{ADD}\n\nelif a > b:\n    pass"), f"{ADD}\n\nelif a > b:\n    pass", "broken"
    ),
    "indented in the block": Form(
        fenced("    import math\n    def add(a, b):\n        return a + b"), f"import math\n{ADD}", "block"
    ),
    "escaped line breaks, with a fence": Form(fenced(ADD).replace("\n", "\\n"), ADD, "inline"),
    "pre, no code": Form(f'<div class="highlight"><pre>{ADD}</pre></div>', ADD, "tag"),
    "pre with code": Form(f'<pre><code class="language-python">{ADD}\n</code></pre>', ADD, "tag"),
    "a trial on its own input after": Form(
        fenced(STDIN) + "\nTo test:\n" + fenced(f"import io, sys\nsys.stdin = io.StringIO('3')\n{STDIN}"),
        STDIN,
        "block",
        PROGRAM,
    ),
    "an excerpt that reads after": Form(
        f"{fenced(STDIN)}\nwhere\n{fenced('n = int(input())')}", STDIN, "block", PROGRAM
    ),
    "a file that the shell writes": Form(fenced(f"cat > s.py <<'EOF'\n{ADD}\nEOF\npython s.py", "bash"), ADD, "block"),
    "a file that the shell writes, with output": Form(
        f"{fenced(f'cat <<EOF > s.py{chr(10)}{ADD}{chr(10)}EOF', 'sh')}\nIt prints\n{fenced('3', '')}", ADD, "block"
    ),
    "a file in a block of no language": Form(fenced(f"$ cat > s.py <<'EOF'\n{ADD}\nEOF", ""), ADD, "block"),
    "a file and its test": Form(
        fenced(f"cat > s.py <<'A'\n{ADD}\nA\ncat > t.py <<'A'\nfrom s import add\nassert add(1, 2) == 3\nA", "bash"),
        ADD,
        "block",
    ),
    "a file beside the program": Form(
        f"{fenced(ADD)}\n{fenced(f'cat > s.py <<A{chr(10)}{WRONG}{chr(10)}A', 'bash')}", ADD, "block"
    ),
    "numbers with L": Form(fenced("L1: def add(a, b):\nL2:     return a + b"), ADD, "block"),
    "numbers with L, bare": Form("L9: def add(a, b):\nL10:     return a + b", ADD, "whole"),
    "numbers in brackets": Form(fenced("[1] def add(a, b):\n[2]     return a + b"), ADD, "block"),
    "numbers in brackets, bare": Form("[1] def add(a, b):\n[2]     return a + b", ADD, "whole"),
    "numbers that do not count": Form(
        fenced("[1] def add(a, b):\n[3]     return a + b"), "[1] def add(a, b):\n[3]     return a + b", "broken"
    ),
    "breaks of HTML": Form(fenced(BROKEN_UP), ADD, "block"),
    "breaks of HTML, bare": Form(BROKEN_UP, ADD, "whole"),
    "breaks of HTML, after words": Form(f"Here it is:<br/><br/>{BROKEN_UP}<br>", ADD, "prose"),
    "breaks of HTML, in a tag": Form(f"<pre>{BROKEN_UP}</pre>", ADD, "tag"),
    "a break in a text": Form(fenced(HTML), HTML, "block", PROGRAM),
    "standard input from an argument": Form(
        fenced(f"import sys\nif sys.argv[1:]:\n    sys.stdin = open(sys.argv[1])\n{STDIN}"),
        f"import sys\nif sys.argv[1:]:\n    sys.stdin = open(sys.argv[1])\n{STDIN}",
        "block",
        PROGRAM,
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_program_is_found(name: str) -> None:
    form = FORMS[name]
    found = extract_program(form.text, form.asked)
    assert (found.code, found.rule) == (form.code, form.rule)
