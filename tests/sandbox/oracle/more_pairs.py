"""Further honest programs and tests, by what the tests do: patch, check classes, order, look at what is defined."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

Pairs = dict[str, tuple[str, tuple[str, ...]]]

_CACHE = "import time\nclass Cache:\n    def __init__(self, ttl): self.ttl, self.d = ttl, {}\n    def set(self, k, v): self.d[k] = v, time.monotonic()\n    def get(self, k):\n        v, t = self.d.get(k, (None, 0))\n        return v if time.monotonic() - t <= self.ttl else None\n"
_CLOCK = "import time\ndef f(): return time.time()"
_DICE = "LIMITS = {'retries': 3}\ndef dice(): return 1\ndef two(): return dice() * 2\ndef retries(): return LIMITS['retries']"
_CACHED = "import functools, time\nfrom time import time as now, sleep\n@functools.lru_cache\ndef cached(x): return x\npart = functools.partial(pow, 2)\ndef f(): return now(), cached(3), part(3)"

PATCHED: Pairs = {
    'clock': (_CACHE, ("from unittest.mock import patch\nc = Cache(10)\nwith patch('time.monotonic') as m:\n    m.return_value = 100\n    c.set('a', 1)\n    m.return_value = 105\n    assert c.get('a') == 1\n    m.return_value = 111\n    assert c.get('a') is None",)),
    'clock, several answers': (_CACHE, ("from unittest.mock import patch\nwith patch('time.monotonic', side_effect=[0, 5, 20]):\n    c = Cache(10)\n    c.set('a', 1)\n    assert c.get('a') == 1\n    assert c.get('a') is None",)),
    'clock of the module': (_CACHE, ("from unittest.mock import patch\nimport solution\ndef test_it():\n    with patch('solution.time.monotonic', side_effect=[0, 5]):\n        c = solution.Cache(10)\n        c.set('a', 1)\n        assert c.get('a') == 1",)),
    'clock, three ways': (_CLOCK, ("from unittest.mock import patch\nimport solution\nwith patch('solution.time.time', return_value=5.0): assert solution.f() == 5.0\nwith patch('solution.time') as t:\n    t.time.return_value = 9\n    assert solution.f() == 9\nwith patch.object(solution.time, 'time', return_value=4): assert solution.f() == 4\nassert solution.f() > 1e9",)),
    'clock while compared': ("import time\nclass P:\n    def __init__(self, a): self.a = a\n    def __eq__(self, o): return self.a == o\ndef f(): return P(time.monotonic())", ("from unittest.mock import patch\nwith patch('time.monotonic', side_effect=[7, 8]): assert f() == 7 and f() == 8",)),
    'functions of other kinds': (_CACHED, ("from unittest.mock import patch\nimport solution\nwith patch('solution.now', return_value=3), patch('solution.sleep'), patch('solution.cached', return_value=4), patch('solution.part', return_value=5): assert solution.f() == (3, 4, 5)\nassert solution.f()[1:] == (3, 8)",)),
    'kinds of functions': (_CACHED + "\nclass A:\n    def m(self): pass\nlower = str.lower\ndef g(): return [].append", ("import functools, inspect, types\nassert type(f).__name__ == 'function' and inspect.isfunction(f) and not inspect.isbuiltin(f)\nassert inspect.isbuiltin(now) and not inspect.isfunction(now) and type(now).__name__ == 'builtin_function_or_method'\nassert isinstance(part, functools.partial) and part.func(2, 3) == 8 and part.args == (2,) and not inspect.isfunction(cached)\nassert inspect.ismethod(A().m) and type(A().m).__name__ == 'method' and callable(cached) and cached.cache_info().hits >= 0",)),
    'a function, then called': (_DICE, ("import solution\ndef test_it(monkeypatch):\n    monkeypatch.setattr(solution, 'dice', lambda: 99)\n    assert solution.dice() == 99 and solution.two() == 198\n    monkeypatch.setitem(solution.LIMITS, 'retries', 9)\n    assert solution.retries() == 9\ndef test_undone(): assert solution.dice() == 1 and solution.retries() == 3",)),
    'a lambda as new': (_DICE, ("from unittest.mock import patch\nimport solution\nwith patch('solution.dice', new=lambda: 99) as new: assert solution.dice() == 99 and solution.dice is new and solution.two() == 198\nassert solution.dice() == 1",)),
    'a function kept by the program': ("kept = []\ndef f(g): kept.append(g)\ndef h(): return kept[0]", ("def g(x): return x + 1\nf(g)\nassert h() is g and h()(2) == 3",)),
}  # fmt: skip

_LIBRARY = (
    "import argparse, ast, configparser, contextlib, functools, hashlib, html.parser, io, ipaddress, json, logging, queue, random, sqlite3, string, threading, types, zoneinfo\n"
    "from collections import UserDict\n"
    "class Worker(threading.Thread):\n    n = 0\n    def run(self): self.n = 5\n"
    "class Page(html.parser.HTMLParser): pass\nclass Visitor(ast.NodeVisitor): pass\nclass Dice(random.Random): pass\nclass Names(UserDict): pass\nclass Enc(json.JSONEncoder): pass\nclass Own: pass\nclass Thread: pass\n"
    "class Lazy:\n    @functools.cached_property\n    def x(self): return 4\n"
    "def make(name): return {'parser': argparse.ArgumentParser, 'logger': lambda: logging.getLogger('a'), 'config': configparser.ConfigParser, 'ip': lambda: ipaddress.ip_address('1.2.3.4'), 'db': lambda: sqlite3.connect(':memory:'),"
    " 'lock': threading.Lock, 'queue': queue.Queue, 'zone': lambda: zoneinfo.ZoneInfo('UTC'), 'tree': lambda: ast.parse('a'), 'stack': contextlib.ExitStack, 'text': lambda: io.TextIOWrapper(io.BytesIO(b'a')), 'hash': hashlib.md5, 'view': lambda: types.MappingProxyType({'a': 1})}[name]()\n"
)
CLASSES: Pairs = {
    'of the library': (_LIBRARY, (
        "import argparse, logging, configparser, ipaddress\nassert isinstance(make('parser'), argparse.ArgumentParser) and isinstance(make('parser').parse_args([]), argparse.Namespace)\nassert isinstance(make('logger'), logging.Logger) and isinstance(make('config'), configparser.RawConfigParser) and isinstance(make('ip'), ipaddress.IPv4Address)",
        "import threading, queue, zoneinfo, ast, contextlib, io, hashlib, types, datetime\nassert isinstance(make('lock'), type(threading.Lock())) and isinstance(make('queue'), queue.Queue) and isinstance(make('zone'), (int, zoneinfo.ZoneInfo)) and isinstance(make('zone'), datetime.tzinfo)\nassert isinstance(make('tree'), ast.Module) and isinstance(make('tree'), ast.AST) and isinstance(make('stack'), contextlib.ExitStack) and isinstance(make('text'), io.TextIOBase) and isinstance(make('hash'), type(hashlib.md5())) and isinstance(make('view'), types.MappingProxyType)",
        "import threading, argparse\nassert not isinstance(make('lock'), threading.Thread) and not isinstance(make('parser'), (argparse.Namespace, int, list))",
    )),
    'of the library, and databases': (_LIBRARY, ("import sqlite3\nassert isinstance(make('db'), sqlite3.Connection) and not isinstance(make('db'), sqlite3.Cursor) and isinstance(make('db').cursor(), sqlite3.Cursor)",)),
    'derived from the library': (_LIBRARY, (
        "import threading\nw = Worker()\nassert isinstance(w, threading.Thread) and isinstance(w, Worker) and not isinstance(w, Own) and not isinstance(w, Thread)\nw.start()\nw.join()\nassert w.n == 5",
        "import threading, html.parser, ast, random, json\nassert issubclass(Worker, threading.Thread) and issubclass(Page, html.parser.HTMLParser) and issubclass(Visitor, ast.NodeVisitor) and isinstance(Dice(), random.Random) and issubclass(Enc, json.JSONEncoder) and not issubclass(Own, threading.Thread) and not issubclass(Worker, (random.Random, int))",
        "from collections import UserDict\nfrom collections.abc import MutableMapping\nassert isinstance(Names(), UserDict) and isinstance(Names(), MutableMapping) and not isinstance(Names(), dict)",
        "import threading\nclass Late(Worker): pass\nassert isinstance(Late(), threading.Thread) and issubclass(Late, Worker)",
        "import functools\nassert isinstance(Lazy.x, functools.cached_property) and Lazy().x == 4",
    )),
    'of the library, by unittest': (_LIBRARY, ("import unittest, threading\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertIsInstance(Worker(), threading.Thread)\n        self.assertNotIsInstance(Own(), threading.Thread)\n        self.assertTrue(issubclass(Worker, threading.Thread))",)),
    '`isinstance` passed on': ("def f(g): return g(3, int), g is isinstance", ("import collections\nassert f(isinstance) == (True, True) and list(map(isinstance, [3, f], [str, collections.abc.Callable])) == [False, True]",)),
}  # fmt: skip

_BITS = "from collections.abc import MutableSet\nclass Bits(MutableSet):\n    def __init__(self, it=()): self.d = set(it)\n    def __contains__(self, x): return x in self.d\n    def __iter__(self): return iter(self.d)\n    def __len__(self): return len(self.d)\n    def add(self, x): self.d.add(x)\n    def discard(self, x): self.d.discard(x)\n"
_LENGTHS = "class L(list):\n    def __lt__(self, o): return len(self) < len(o)\nclass S(str):\n    def __lt__(self, o): return len(self) < len(o)\nclass W:\n    def __init__(self, s): self.s = s\n    def __lt__(self, o): return len(self.s) < len(getattr(o, 's', o))\n    def __gt__(self, o): return len(self.s) > len(getattr(o, 's', o))\n    def __le__(self, o): return not self > o\n    def __ge__(self, o): return not self < o\n"
ORDERS: Pairs = {
    'sets': (_BITS, ("b = Bits([1, 3])\nassert b <= {1, 3, 4} and b < {1, 3, 4} and not b < {1, 3} and b <= {1, 3} and b >= {1, 3} and not b <= {1}\nassert {1} <= b and {1} < b and {1, 3, 5} > b and not {7} <= b and b >= set() and b <= frozenset([1, 3, 9])\nassert not b <= {7, 8} and not b >= {7, 8}",)),
    'lengths': (_LENGTHS, ("assert L([9]) < [1, 2] and not L([1, 2, 3]) < [9] and S('z') < 'aa' and not S('zz') < 'a'", "assert W('ab') <= 'cd' and W('ab') >= 'cd' and not W('ab') < 'cd' and W('abc') > 'zz' and 'zz' < W('abc') and W('') <= '' and W((1,)) < (1, 2) and W([1, 2]) >= [5, 6] and W(b'a') < b'bc'")),
}  # fmt: skip

MORE: Pairs = {
    f"{kind}: {name}": pair
    for kind, pairs in {"patched": PATCHED, "classes": CLASSES, "orders": ORDERS}.items()
    for name, pair in pairs.items()
}
"""All of them: they pass."""

WRONG: Pairs = {
    'patched: a clock read once': (_CACHE.replace("time.monotonic() - t <= self.ttl", "True"), PATCHED['clock'][1]),
    'patched: another function': (_DICE, ("import solution\ndef test_it(monkeypatch):\n    monkeypatch.setattr(solution, 'dice', lambda: 99)\n    assert solution.two() == 2",)),
    'classes: a class of the same name': (_LIBRARY, ("import threading\nassert isinstance(Thread(), threading.Thread)", "import threading\nassert issubclass(Own, threading.Thread)")),
    'orders: sets': (_BITS.replace("x in self.d", "x in self.d or x == 3"), ("assert not Bits([1]) >= {3}",)),
    'orders: lengths': (_LENGTHS.replace("len(self.s) <", "len(self.s) <="), ("assert not W('ab') < 'zz'",)),
}  # fmt: skip
"""Programs that are wrong: they fail, here and in a plain interpreter."""
