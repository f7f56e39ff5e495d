"""The directory that tests and program have in common: files that are no files, code in the place of data, ways out."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.forgery import RAW

_READ = "open('a.txt', 'w').write('0')\nf()\nassert open('a.txt').read() == 'right'"
_LIBRARY = "f()\nimport os, colorsys, quopri\nassert open('a.txt').read() == 'right'"
_CODE = (
    "import builtins, sys\\nbuiltins.open = lambda *a: type('F', (), dict(read=lambda s: 'right'))()\\nsys.exit(0)\\n"
)
_FORGED = {
    "above": "[[\"../a.txt\", \"31\"]]",
    "absolute": "[[\"/tmp/a.txt\", \"31\"]]",
    "above within": "[[\"x\", null], [\"x/../../a.txt\", \"31\"]]",
    "an empty part": "[[\"x//a\", \"31\"]]",
    "a zero": "[[\"a\\\\u0000b\", \"31\"]]",
    "no list": "{\"a\": 1}",
    "no digits": "[[\"a.txt\", \"zz\"]]",
    "a number": "[[\"a.txt\", 5]]",
    "a path that is a number": "[[5, \"31\"]]",
    "nothing": "[[]]",
    "too long": "[[\"a.txt\", \"31\", \"32\"]]",
    "a file as a directory": "[[\"a.txt\", \"31\"], [\"a.txt/b\", \"31\"]]",
    "deep": "[[\"" + "d/" * 50 + "a\", \"31\"]]",
    "the directory itself": "[[\"\"], [\".\"]]",
}  # fmt: skip
DIRECTORIES = table({
    **against(_READ, {
        "a directory": "import os\ndef f():\n    os.remove('a.txt')\n    os.mkdir('a.txt')\n",
        "a link out": "import os\ndef f():\n    os.remove('a.txt')\n    os.symlink('/etc/hostname', 'a.txt')\n",
        "a link to itself": "import os\ndef f():\n    os.remove('a.txt')\n    os.symlink('a.txt', 'a.txt')\n",
        "a link as a directory": "import os\ndef f():\n    os.symlink('/', 'd')\n    os.symlink('..', 'e')\n",
        "a pipe": "import os\ndef f():\n    os.remove('a.txt')\n    os.mkfifo('a.txt')\n",
        "a sparse file": "def f():\n    with open('a.txt', 'r+') as file: file.truncate(1 << 27)\n",
        "many files": "def f():\n    for i in range(3000): open(f'b{i}', 'w').close()\n",
        "many bytes": "def f():\n    for i in range(20):\n        with open(f'b{i}', 'w') as file: file.write('x' * (1 << 20))\n",
        "deep": "import os\ndef f():\n    for _ in range(300):\n        os.mkdir('d')\n        os.chdir('d')\n",
        "a path too long": "import os\ndef f():\n    for _ in range(10):\n        os.mkdir('d' * 200)\n        os.chdir('d' * 200)\n",
        "odd names": "def f():\n    for name in (b'\\xff', b'a\\nb', b'\\xed\\xa0\\x80', b' ', b'-rf', b'a\"b', b'a\\\\b'): open(name, 'w').close()\n",
        "closed to all": "import os\ndef f():\n    os.mkdir('d')\n    open('d/x', 'w').close()\n    os.chmod('d', 0)\n    os.chmod('a.txt', 0)\n",
        "all gone": "import os\ndef f():\n    os.remove('a.txt')\n    os.rmdir(os.getcwd())\n",
        "elsewhere": "import os\ndef f(): os.chdir('/')\n",
        "written for ever": "import threading\ndef later():\n    while True:\n        with open('a.txt', 'w') as file: file.write('wrong')\ndef f(): threading.Thread(target=later, daemon=True).start()\n",
        "patched": "import os, mucode_core.sandbox.directories as d\ndef f():\n    d.Directory.changes = lambda self: [['../a.txt', '31']]\n",
        "never done": "import mucode_core.sandbox.directories as d\ndef f(): d.Directory.changes = lambda self: [[f'a{i}', '31'] for i in range(5000)]\n",
    }),
    **against(_LIBRARY, {
        "in the place of a module": f"def f():\n    for name in ('colorsys', 'quopri', 'json', 'solution', 'conftest', 'sitecustomize'):\n        with open(name + '.py', 'w') as file: file.write(\"{_CODE}\")\n",
        "a package": f"import os\ndef f():\n    os.mkdir('colorsys')\n    with open('colorsys/__init__.py', 'w') as file: file.write(\"{_CODE}\")\n",
        "a path file": "def f():\n    with open('a.pth', 'w') as file: file.write('import sys; sys.exit(0)')\n",
    }),
    **{
        f"forged: {name}": Attack(RAW + f"def f():\n    send(b'[\"files\", {changes}]')\n", (_READ,))
        for name, changes in _FORGED.items()
    },
})  # fmt: skip
