"""Tests that work with files: the program has their working directory, unless what it writes there could be run."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

_READ = "def f(path):\n    with open(path) as file: return file.read()\ndef save(path, text):\n    with open(path, 'w') as file: file.write(text)\n    return path\n"
_MOVE = (
    "import glob, os, shutil\ndef f(d):\n    for name in sorted(os.listdir(d)):\n        to = os.path.join(d, name[-2:])\n"
    "        os.makedirs(to, exist_ok=True)\n        shutil.move(os.path.join(d, name), to)\n    return sorted(glob.glob(d + '/*/*'))\n"
)
_CSV = "import csv\ndef f(path):\n    with open(path, newline='') as file: return sum(int(row['v']) for row in csv.DictReader(file))\n"
_KEPT = "kept = []\ndef f(path):\n    kept.append(open(path, 'w'))\n    kept[-1].write('z')\ndef done(): kept.pop().close()\n"
_HERE = "import os\ndef f(): return os.path.abspath('q')\n"
ROWS = {
    "written by the test": (_READ, "with open('t', 'w') as file: file.write('hi')\nassert f('t') == 'hi'"),
    "written by the program": (_READ, "assert open(save('t', 'hi')).read() == 'hi'"),
    "in a temporary directory": (_READ, "import os, tempfile\nwith tempfile.TemporaryDirectory() as d:\n    path = os.path.join(d, 'a')\n    assert save(path, 'q') == path and f(path) == 'q' and os.listdir(d) == ['a']\nassert not os.path.exists(path)"),
    "a named temporary file": (_READ, "import tempfile\nwith tempfile.NamedTemporaryFile('w', suffix='.txt') as file:\n    file.write('abc')\n    file.flush()\n    assert f(file.name) == 'abc'"),
    "by paths": (_READ, "from pathlib import Path\np = Path('a/b')\np.mkdir(parents=True)\nsave(p / 'n', 'k')\nassert (p / 'n').read_text() == 'k'"),
    "the same size within no time": (_READ, "for i in range(50):\n    save('s', str(i % 10))\n    assert open('s').read() == str(i % 10)"),
    "gone": (_READ, "import os\nsave('p', '')\nos.remove('p')\ntry: f('p')\nexcept FileNotFoundError as error: assert error.filename == 'p'\nelse: assert False"),
    "in another working directory": (_READ, "import os\nos.makedirs('w')\nos.chdir('w')\nsave('x', '1')\nassert os.listdir('.') == ['x']\nos.chdir('..')\nassert f('w/x') == '1'"),
    "moved": (_MOVE, "import os, shutil, tempfile\nd = tempfile.mkdtemp()\nfor n in ('a.x', 'b.y', 'c.x'): open(os.path.join(d, n), 'w').close()\nassert f(d) == [f'{d}/.x/a.x', f'{d}/.x/c.x', f'{d}/.y/b.y'] or len(os.listdir(d)) == 2\nshutil.rmtree(d)\nassert not os.path.isdir(d)"),
    "absolute paths": (_HERE, "import os\nassert f() == os.path.abspath('q') == os.path.join(os.getcwd(), 'q')"),
    "unittest": (_CSV, "import csv, os, unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n        with open('d.csv', 'w', newline='') as file: csv.writer(file).writerows([['v'], [1], [2]])\n    def tearDown(self): os.remove('d.csv')\n    def test_sum(self): self.assertEqual(f('d.csv'), 3)\n    def test_none(self):\n        with self.assertRaises(FileNotFoundError): f('no.csv')\n"),
    "pytest": (_CSV, "def test_it(tmp_path):\n    path = tmp_path / 'x.csv'\n    path.write_text('v\\n5\\n')\n    assert f(path) == f(str(path)) == 5\n"),
    "not written yet": (_KEPT, "f('k')\nassert open('k').read() == ''\ndone()\nassert open('k').read() == 'z'"),
    "open in the test": ("def f(path):\n    with open(path, 'a') as file: file.write('0')\n", "file = open('m', 'w+')\nfile.write('q')\nfile.flush()\nf('m')\nfile.seek(0)\nassert file.read() == 'q0'"),
    "from a function of the test": ("def f(g):\n    with open('a', 'w') as file: file.write('1')\n    return g() + open('b').read()\n", "def g():\n    with open('b', 'w') as file: file.write('2')\n    return open('a').read()\nassert f(g) == '12'"),
    "bytes": ("def f(path):\n    with open(path, 'rb') as file: return file.read()[::-1]\n", "with open('x', 'wb') as file: file.write(bytes(range(256)))\nassert f('x') == bytes(range(255, -1, -1))"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_files_are_shared(judge_one: Callable[..., Verdict], name: str) -> None:
    verdict = judge_one(*ROWS[name])
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize(
    "test",
    [
        "open('t', 'w').write('0')\nassert f('t') == '1'",
        "save('t', '0')\nassert open('t').read() == '1'",
        "import os\nsave('t', '0')\nassert not os.path.exists('t')",
        "import os\nassert os.path.exists(save('t', '0') + '1')",
    ],
)
def test_wrong_programs_fail(judge_one: Callable[..., Verdict], test: str) -> None:
    assert not judge_one(_READ, test).num_passed


@pytest.mark.parametrize(
    "mention", ["import pickle", "eval('1')", "import sys\nsys.path.append('.')", "import sqlite3"]
)
def test_files_are_not_shared_where_they_could_be_run(judge_one: Callable[..., Verdict], mention: str) -> None:
    verdict = judge_one(_READ, f"{mention}\nsave('t', '0')\nassert open('t').read() == '0'")
    assert verdict.status == "error" and "No such file" in verdict.feedback


def test_feedback_names_no_directory_of_this_machine(judge_one: Callable[..., Verdict]) -> None:
    test = "import tempfile\npath = tempfile.mkdtemp() + '/a'\nassert f(path) == 1"
    one, again = (judge_one(_READ, test).feedback for _ in range(2))
    assert one == again and "'/tmp/tmp00000000/a'" in one
