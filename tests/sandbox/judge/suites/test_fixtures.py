"""Fixtures and hooks of test files, as pytest has them."""

# ruff: noqa: E501 - programs are easier to read on one line

from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

NO_TWO = "def f(x): return x if x != 2 else 0"
HOOKS = {
    "teardown_method": "class TestA:\n def teardown_method(self): assert f(2) == 2\n def test_b(self): assert f(1) == 1",
    "teardown_method of a case": "import unittest\nclass TestA(unittest.TestCase):\n def teardown_method(self, method): assert f(2) == 2\n def test_b(self): assert f(1) == 1",
    "setup_class": "class TestA:\n def setup_class(cls): assert f(2) == 2\n def test_b(self): assert f(1) == 1",
    "teardown_class": "class TestA:\n @classmethod\n def teardown_class(cls): assert f(2) == 2\n def test_b(self): assert f(1) == 1",
    "setup_module": "def setup_module(): assert f(2) == 2\ndef test_b(): assert f(1) == 1",
    "teardown_module": "def teardown_module(module): assert f(module.x) == 2\nx = 2\ndef test_b(): assert f(1) == 1",
    "setup_function": "def setup_function(): assert f(2) == 2\ndef test_b(): assert f(1) == 1",
    "teardown_function": "def teardown_function(function): assert f(2) == 2\ndef test_b(): assert f(1) == 1",
    "tearDown": "import unittest\nclass TestA(unittest.TestCase):\n def tearDown(self): self.assertEqual(f(2), 2)\n def test_b(self): self.assertEqual(f(1), 1)",
    "setUpModule": "import unittest\ndef setUpModule(): assert f(2) == 2\nclass TestA(unittest.TestCase):\n def test_b(self): self.assertEqual(f(1), 1)",
    "tearDownModule": "import unittest\ndef tearDownModule(): assert f(2) == 2\nclass TestA(unittest.TestCase):\n def test_b(self): self.assertEqual(f(1), 1)",
    "addCleanup": "import unittest\nclass TestA(unittest.TestCase):\n def test_b(self):\n  self.addCleanup(lambda: self.assertEqual(f(2), 2))\n  self.assertEqual(f(1), 1)",
    "doCleanups": "import unittest\nclass TestA(unittest.TestCase):\n def test_b(self):\n  done = []\n  self.addCleanup(done.append, f(2))\n  self.doCleanups()\n  self.assertEqual(done, [2])",
    "tearDownClass": "import unittest\nclass TestA(unittest.TestCase):\n @classmethod\n def tearDownClass(cls): assert f(2) == 2\n def test_b(self): self.assertEqual(f(1), 1)",
    "addClassCleanup": "import unittest\ndef verify(): assert f(2) == 2\nclass TestA(unittest.TestCase):\n @classmethod\n def setUpClass(cls): cls.addClassCleanup(verify)\n def test_b(self): self.assertEqual(f(1), 1)",
    "of a fixture": "import pytest\n@pytest.fixture\ndef z():\n yield 1\n assert f(2) == 2\ndef test_b(z): assert f(z) == 1",
    "finalizer": "import pytest\ndef verify(): assert f(2) == 2\n@pytest.fixture\ndef z(request):\n request.addfinalizer(verify)\n return 1\ndef test_b(z): assert f(z) == 1",
    "finalizer of a test": "def verify(): assert f(2) == 2\ndef test_b(request):\n request.addfinalizer(verify)\n assert f(1) == 1",
}  # fmt: skip


@pytest.mark.parametrize("name", HOOKS)
def test_asserts_in_hooks_count(judge_one: Callable[..., Verdict], name: str) -> None:
    right = judge_one("def f(x): return x", HOOKS[name])
    assert right.passed, right.feedback
    assert judge_one(NO_TWO, HOOKS[name]).status == "failed"


LOG = "L = []\ndef add(x):\n    L.append(x)\n    return list(L)\ndef clear(): L.clear()"
_HEAD = "import pytest, unittest\nfrom solution import add, clear\n"
RUNS = {
    "module and function": "def setup_module(module): add('m')\ndef setup_function(fn): add('s')\ndef teardown_function(): add('t')\ndef test_a(): assert add('a') == ['m', 's', 'a']\ndef test_b(): assert add('b') == ['m', 's', 'a', 't', 's', 'b']",
    "function hooks are not for methods": "def setup_function(): add('s')\nclass TestA:\n def test_a(self): assert add('a') == ['a']",
    "class": "class TestA:\n @classmethod\n def setup_class(cls): add('c')\n def setup_method(self, method): add(method.__name__)\n def teardown_method(self): add('t')\n @classmethod\n def teardown_class(cls): add('e')\n def test_a(self): assert add('a') == ['c', 'test_a', 'a']\n def test_b(self): assert add('b')[3:] == ['t', 'test_b', 'b']\ndef test_c(): assert add('c')[-3:] == ['t', 'e', 'c']",
    "case": "class T(unittest.TestCase):\n @classmethod\n def setUpClass(cls): add('c')\n def setUp(self): add('s')\n def tearDown(self): add('t')\n def test_b(self): self.assertEqual(add('b'), ['c', 's', 'a', 't', 's', 'b'])\n def test_a(self): self.assertEqual(add('a'), ['c', 's', 'a'])",
    "set up for each case": "class TestA:\n def setup_method(self): self.own = []\n @pytest.mark.parametrize('n', [1, 2])\n def test_a(self, n):\n  self.own.append(n)\n  assert self.own == [n] and add(n)",
    "autouse": "@pytest.fixture(autouse=True)\ndef m():\n clear()\n yield\n clear()\ndef test_a(): assert add('a') == ['a']\ndef test_b(): assert add('b') == ['b']",
    "autouse in a class": "class TestA:\n @pytest.fixture(autouse=True)\n def prepare(self): self.x = add('p')\n def test_a(self): assert self.x == ['p']\ndef test_b(): assert add('b') == ['p', 'b']",
    "autouse and a case": "@pytest.fixture(autouse=True)\ndef m(): add('m')\nclass T(unittest.TestCase):\n @pytest.fixture(autouse=True)\n def own(self): self.x = add('o')\n def test_a(self): self.assertEqual(self.x, ['m', 'o'])",
    "usefixtures, name": "@pytest.fixture(name='zed')\ndef m(): return add('m')\n@pytest.mark.usefixtures('zed')\ndef test_a(): assert add('a') == ['m', 'a']\ndef test_b(zed): assert zed[-1] == 'm'",
    "usefixtures of a class": "@pytest.fixture\ndef m(): add('m')\n@pytest.mark.usefixtures('m')\nclass TestA:\n def test_a(self): assert add('a') == ['m', 'a']",
    "module": "@pytest.fixture(scope='module')\ndef m():\n add('m')\n yield\n add('never seen')\ndef test_a(m): assert add('a') == ['m', 'a']\ndef test_b(m): assert add('b') == ['m', 'a', 'b']",
    "session": "@pytest.fixture(scope='session')\ndef m(): return add('m')\ndef test_a(m): assert m == ['m']\nclass TestA:\n def test_b(self, m): assert m == ['m'] and add('b') == ['m', 'b']",
    "of a class": "@pytest.fixture(scope='class')\ndef m():\n add('m')\n yield\n add('n')\nclass TestA:\n def test_a(self, m): assert add('a') == ['m', 'a']\n def test_b(self, m): assert add('b') == ['m', 'a', 'b']\nclass TestB:\n def test_c(self, m): assert add('c')[3:] == ['n', 'm', 'c']",
    "of a class, for its attributes": "@pytest.fixture(scope='class')\ndef m(request): request.cls.x = add('m')\n@pytest.mark.usefixtures('m')\nclass TestA(unittest.TestCase):\n def test_a(self): self.assertEqual(self.x, ['m'])\n def test_b(self): self.assertEqual(self.x, ['m'])",
    "params": "@pytest.fixture(params=[1, pytest.param(2, id='two'), pytest.param(3, marks=pytest.mark.skip)])\ndef n(request): return request.param\ndef test_a(n): assert add(n)[-1] == n\ndef test_b(): assert add('b') == [1, 2, 'b']",
    "params and cases": "@pytest.fixture(params='xy')\ndef n(request): return request.param\n@pytest.mark.parametrize('k', [1, 2])\ndef test_a(k, n): add((n, k))\ndef test_b(): assert add('b') == [('x', 1), ('x', 2), ('y', 1), ('y', 2), 'b']",
    "params of a module": "@pytest.fixture(params=[1, 2], scope='module')\ndef n(request):\n add('n')\n yield request.param\n add('e')\ndef test_a(n): add(n)\ndef test_b(): assert add('b') == ['n', 1, 'e', 'n', 2, 'b']",
    "one for another": "@pytest.fixture\ndef a():\n add('a+')\n yield 1\n add('a-')\n@pytest.fixture\ndef b(a):\n add('b+')\n yield 2\n add('b-')\ndef test_1(b): assert add('1') == ['a+', 'b+', '1']\ndef test_2(): assert add('2') == ['a+', 'b+', '1', 'b-', 'a-', '2']",
    "replaced in a class": "@pytest.fixture\ndef n(): return add('outer')\nclass TestA:\n @pytest.fixture\n def n(self, n): return n + ['inner']\n def test_a(self, n): assert n == ['outer', 'inner']",
    "the widest first": "@pytest.fixture\ndef one(): add('function')\n@pytest.fixture(scope='module')\ndef two(): add('module')\ndef test_a(one, two): assert add('a') == ['module', 'function', 'a']",
    "getfixturevalue": "@pytest.fixture\ndef n(): return add('n')\ndef test_a(request): assert request.getfixturevalue('n') == ['n'] and request.node.name == 'test_a'",
    "a class's static": "class TestA:\n @staticmethod\n @pytest.fixture\n def n(): return add('n')\n def test_a(self, n): assert n == ['n']",
    "skipping": "@pytest.fixture\ndef n(): pytest.skip('no')\ndef test_a(n): add('never')\ndef test_b(): assert add('b') == ['b']",
    "monkeypatch": "import os, math\ndef test_a(monkeypatch):\n old = os.getcwd()\n monkeypatch.setenv('A_NAME', 'x')\n monkeypatch.delenv('HOME')\n monkeypatch.delenv('NO_NAME', raising=False)\n monkeypatch.delattr(math, 'pi')\n monkeypatch.delattr('math.tau')\n row = {1: 2, 3: 4}\n monkeypatch.delitem(row, 1)\n monkeypatch.setitem(row, 5, 6)\n assert row == {3: 4, 5: 6} and not hasattr(math, 'pi') and 'HOME' not in os.environ\n monkeypatch.undo()\n assert row == {1: 2, 3: 4} and os.environ.get('A_NAME') is None\n with monkeypatch.context() as inner: inner.setattr(math, 'pi', 3)\n assert add(math.pi)[0] > 3 and os.getcwd() == old\ndef test_b(): assert 'HOME' in __import__('os').environ and __import__('math').tau > 6",
    "tmp_path_factory": "@pytest.fixture(scope='session')\ndef here(tmp_path_factory): return tmp_path_factory.mktemp('data')\ndef test_a(here, tmp_path):\n (here / 'a').write_text('x')\n assert here.name.startswith('data') and here != tmp_path and add(1)\ndef test_b(here): assert (here / 'a').read_text() == 'x'",
    "capfd": "def test_a(capfd):\n print(add(1))\n assert capfd.readouterr().out == '[1]\\n'",
    "capsys, disabled": "def test_a(capsys):\n with capsys.disabled(): print('unseen')\n print(add(1))\n assert capsys.readouterr().out == '[1]\\n'",
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_they_run_as_in_pytest(judge_one: Callable[..., Verdict], name: str) -> None:
    verdict = judge_one(LOG, _HEAD + RUNS[name], entry_point="add")
    assert verdict.passed, verdict.feedback


PATCHED = {
    "function": "from unittest.mock import patch\n@patch('builtins.input', return_value='3')\ndef test_a(mock_input): assert ask() == 3",
    "with a fixture": "import pytest\nfrom unittest.mock import patch\n@pytest.fixture\ndef want(): return 3\n@patch('builtins.input', return_value='3')\ndef test_a(mock_input, want): assert ask() == want",
    "with cases": "import pytest\nfrom unittest.mock import patch\n@pytest.mark.parametrize('text, want', [('3', 3), ('4', 4)])\n@patch('builtins.input')\ndef test_a(mock_input, text, want):\n mock_input.return_value = text\n assert ask() == want",
    "methods": "import io\nfrom unittest.mock import patch\n@patch('builtins.input', return_value='3')\nclass TestA:\n @patch('sys.stdout', new_callable=io.StringIO)\n def test_a(self, out, mock_input): assert ask() == 3 and out.getvalue() == ''\n @patch('builtins.print', None)\n def test_b(self, mock_input): assert ask() == 3",
    "object": "import builtins\nfrom unittest.mock import patch\n@patch.object(builtins, 'input', return_value='3')\ndef test_a(mock_input): assert ask() == 3",
}  # fmt: skip


@pytest.mark.parametrize("name", PATCHED)
def test_what_patch_gives_is_no_fixture(judge_one: Callable[..., Verdict], name: str) -> None:
    right = judge_one("def ask(): return int(input())", PATCHED[name], entry_point="ask")
    assert right.passed, right.feedback
    assert judge_one("def ask(): return int(input()) + 1", PATCHED[name], entry_point="ask").status == "failed"


REFUSED = {
    "unknown": "def test_a(mocker): assert f(1) == 1",
    "warnings": "def test_a(recwarn): assert f(1) == 1",
    "a later one": "def test_a(): assert f(1) == 1\ndef test_b(nothing): pass",
    "of a fixture": "import pytest\n@pytest.fixture\ndef a(nothing): pass\ndef test_a(a): assert f(1) == 1",
    "asynchronous": "import pytest\n@pytest.fixture\nasync def a(): pass\ndef test_a(a): assert f(1) == 1",
    "it outlives": "import pytest\n@pytest.fixture(scope='module')\ndef a(tmp_path): pass\ndef test_a(a): assert f(1) == 1",
    "scope of a function": "import pytest\n@pytest.fixture(scope=lambda **_: 'module')\ndef a(): pass\ndef test_a(a): assert f(1) == 1",
    "two yields": "import pytest\n@pytest.fixture\ndef a():\n yield 1\n yield 2\ndef test_a(a): f(1)",
    "request": "def test_a(request): assert request.config and f(1) == 1",
    "node": "def test_a(request): assert request.node.nodeid and f(1) == 1",
    "name of a case": "import pytest\n@pytest.mark.parametrize('x', [1])\ndef test_a(request, x): assert request.node.name and f(1) == 1",
    "path": "def test_a(monkeypatch):\n monkeypatch.syspath_prepend('.')\n assert f(1) == 1",
    "usefixtures": "import pytest\n@pytest.mark.usefixtures('nothing')\ndef test_a(): assert f(1) == 1",
    "asynchronous hook": "class TestA:\n async def setup_method(self): pass\n def test_a(self): assert f(1) == 1",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_here_is_the_problems_fault(judge_one: Callable[..., Verdict], name: str) -> None:
    for code in ("def f(x): return x", "def f(x): return 0"):
        assert judge_one(code, REFUSED[name]).status == "not_judged"
