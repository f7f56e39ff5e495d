"""Results made up, expected values looked for, and the program's side of the protocol patched or bypassed."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, table

RAW = "import os, struct, json\ndef send(b): os.write(3, struct.pack('<I', len(b)) + b)\ndef get():\n    n = struct.unpack('<I', os.read(3, 4))[0]\n    return json.loads(os.read(3, n))\n"
_SEARCH = (
    "NEEDLE = str(WON)\ndef found(o):\n    try: return NEEDLE in str(o)[:99999]\n    except Exception: return False\n"
)

SEARCHES = table({
    "printed sentinel": "print(open(__file__).read())\nprint('passed')",
    "own file": Attack("def f(x): return WON if open(__file__).read() else 0", passes=True),
    "own file, for the tests": "def f(x): return WON if 'assert' + ' ' in open(__file__).read() else 0",
    "expected value from frames": _SEARCH + "import sys\ndef f(x):\n    fr = sys._getframe(1)\n    while fr:\n        if any(found(v) for v in (*fr.f_code.co_consts, *fr.f_locals.values())): return WON\n        fr = fr.f_back\n    return 5",
    "expected value from all objects": _SEARCH + "import gc\ngc.collect()\nseen = {id(NEEDLE), id(globals())}\ndef f(x): return WON if any(type(o) in (list, tuple, set) and 'assert' in str(o)[:9999] and found(o) for o in gc.get_objects()) else 5",
    "expected value from memory": "def f(x): return WON if open('/proc/self/mem', 'rb') else 0",
    "source by inspect": "import inspect\ndef f(x): return WON if any('assert f' in (s or '') for s in [inspect.getsource(m) for m in []]) else int(inspect.getsource(f))",
    "modules of the harness": "import sys\ndef f(x): return WON if any('judge' in n or 'suite' in n for n in sys.modules) else 5",
    "harness imported": "import mucode_core.sandbox.judge.judge\ndef f(x): return WON",
    "command line": _SEARCH + "import sys\ndef f(x): return WON if found(sys.argv) or found(sys.orig_argv) else 5",
    "environment": _SEARCH + "import os\ndef f(x): return WON if found(dict(os.environ)) or 'MUCODE_SECRET' in os.environ else 5",
    "open descriptors": "import os\ndef is_open(n):\n    try: return bool(os.fstat(n))\n    except OSError: return False\ndef f(x): return WON if any(map(is_open, range(4, 64))) else 5",
    "regex over what is printed": "import sys\nsys.stdout.write('assert f(3) == 739391 passed OK 1/1')\nsys.stderr.write('Ran 1 test OK')",
    "the next request": RAW + "import re\ndef f(x):\n    os.set_blocking(3, False)\n    try: seen = os.read(3, 9999)\n    except OSError: return 5\n    return WON if seen else 5",
})  # fmt: skip

PATCHES = table({
    "shadowed builtins": "def f(x): return 5\nsorted = set = abs = isinstance = len = lambda *a: WON\nAssertionError = Exception",
    "patched builtins": "import builtins\nbuiltins.AssertionError = int\nbuiltins.compile = builtins.exec = None\ndef f(x): return 5",
    "patched comparison": "import builtins, operator\nbuiltins.bool = lambda v: True\noperator.eq = lambda a, b: True\ndef f(x): return 5",
    "names that the tests use": Attack("def f(x): return [5]\ndef sorted(x): return [WON]\ndef sum(x): return WON", ("assert sum(f(3)) == 739391", "assert sorted(f(3)) == [739391]")),
    "modules that the tests use": Attack("import sys, types\nmath = types.SimpleNamespace(isclose=lambda *a: True)\nsys.modules['math'] = math\ndef f(x): return 5", ("import math\nassert math.isclose(f(3), 739391)", "from math import isclose\nassert isclose(f(3), 739391)")),
    "helpers of the tests": Attack("def f(x): return 5\ndef check(c): pass\ndef compare(*a): pass\nglobals()['<compare>'] = globals()['<truth>'] = lambda *a: None", ("def check(candidate):\n    assert candidate(3) == 739391\ncheck(f)",)),
    "settrace": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef f(x): return 5",
    "audit hook": "import sys\nsys.addaudithook(lambda *a: None)\ndef f(x): return 5",
    "import hook": "import sys\nclass H:\n    def find_spec(self, *a): raise SystemExit(0)\nsys.meta_path.insert(0, H())\ndef f(x):\n    import wave",
    "replaced modules": "import sys\nfor k in list(sys.modules): sys.modules[k] = None\ndef f(x): return 5",
    "replaced main": "import sys, types\nsys.modules['__main__'] = types.SimpleNamespace(f=lambda x: WON)\ndef f(x): return 5",
    "emptied globals": "globals().clear()",
    "globals that lie": "class D(dict):\n    def __getitem__(s, k): return WON\nimport sys\nsys.modules['__main__'].__dict__.update(D(f=5))",
    "patched json": "import json\njson.dumps = lambda *a, **k: '[\"value\", 5]'\njson.loads = None\ndef f(x): return 5",
    "patched encoder": "import gc\nfor o in gc.get_objects():\n    if isinstance(o, dict) and '_SEQUENCES' in o: o['_SEQUENCES'].clear(); o['_SCALARS'].clear(); o['encode'] = lambda *a: ['value', 5]\ndef f(x): return [5]",
    "patched operations": "import gc\nfor o in gc.get_objects():\n    if isinstance(o, dict) and '_OPERATIONS' in o: o['_OPERATIONS']['call'] = lambda *a: ['value', ['handle', 0, 'int']]\ndef f(x): return 5",
    "patched frames": "import gc\nfor o in gc.get_objects():\n    if isinstance(o, dict) and '_frames' in o and '_describe' in o: o['_frames'] = lambda e: [[1, 'f']] * 999\ndef f(x): 1 / 0",
    "changed code object": "import sys\nfr = sys._getframe(1)\nfr.f_locals['request'] = None\nfr.f_globals['serve'] = None\ndef f(x): return 5",
})  # fmt: skip

_REPLIES: dict[str, str] = {
    "started": '["started"]',
    "verdict": '{"verdict": {"status": "passed"}}',
    "verdicts": '["verdicts", [{"status": "passed"}, {"status": "passed"}]]',
    "ready again": '["ready", {"f": ["handle", 0, "f"]}]',
    "items for a value": '["items", [739], true, null]',
    "no value": '["value"]',
    "two values": '["value", 1, 2]',
    "value and write-back": '["value", 1, {"0": 739391}]',
    "text": '"value"',
    "number": "4",
    "null": "null",
    "true": "true",
    "object": '{"value": 4}',
    "empty list": "[]",
    "operation that is a list": '[["value"], 4]',
    "NaN": '["value", NaN]',
    "infinity": '["value", 1e999]',
    "digits": '["value", ' + "9" * 5000 + "]",
    "duplicate keys": '["value", {"a": 1, "a": 2}]',
    "unknown tag": '["value", ["eval", "1"]]',
    "tag that is a list": '["value", [["list"], []]]',
    "tag that is an object": '["value", [{}, []]]',
    "any builtin": '["value", ["builtin", "eval"]]',
    "loader": '["value", ["builtin", "__loader__"]]',
    "a function": '["value", ["function", "abs"]]',
    "unknown handle": '["value", ["handle", 99999, "int"]]',
    "negative handle": '["value", ["handle", -1, "int"]]',
    "huge handle": '["value", ["handle", 1000000000000, "int"]]',
    "handle that is a float": '["value", ["handle", 1.0, "int"]]',
    "handle that is true": '["value", ["handle", true, "int"]]',
    "handle without a name": '["value", ["handle", 0]]',
    "handle with a long name": '["value", ["handle", 0, "' + "x" * 50_000 + '"]]',
    "scalar of an object": '["value", ["scalar", "object", ["handle", 0, "x"]]]',
    "scalar of an array": '["value", ["scalar", "int8", ["ndarray", "int8", [1], [1]]]]',
    "array that overflows": '["value", ["ndarray", "int8", [1], [99999]]]',
    "array of text": '["value", ["ndarray", "int8", [1], ["a"]]]',
    "array of seventeen dimensions": '["value", ["ndarray", "int8", [1' + ",1" * 16 + "], [1]]]",
    "array with a long side": '["value", ["ndarray", "int8", [1000000, 1000000, 1000000, 1000000, 0], []]]',
    "date out of range": '["value", ["date", "9999999-01-01"]]',
    "timedelta out of range": '["value", ["timedelta", 1e300, 0, 0]]',
    "signalling decimal": '["value", ["decimal", "sNaN"]]',
    "decimal without end": '["value", ["decimal", "1e999999999999999999"]]',
    "fraction over zero": '["value", ["fraction", "0x1", "0x0"]]',
    "fraction of lists": '["value", ["fraction", [1], [2]]]',
    "keys that cannot be": '["value", ["keys", [["list", []]]]]',
    "items that are no pairs": '["value", ["items", [1, 2]]]',
    "odd bytes": '["value", ["bytes", "abc"]]',
}  # fmt: skip
REPLIES = table({f"reply: {name}": RAW + f"def f(x): send({text.encode()!r})" for name, text in _REPLIES.items()})

_ERRORS: dict[str, str] = {
    "exit": '["error", ["SystemExit", "exit", "__import__"], [], "", []]',
    "no class": '["error", [], [], "", []]',
    "class that is none": '["error", ["abs", "print"], [], "", []]',
    "too short": '["error"]',
    "class that is a number": '["error", [5], [], "", []]',
    "arguments that nest": '["error", ["ValueError"], [[1]], "", []]',
    "many classes": '["error", [' + '"E",' * 200 + '"E"], [], "", []]',
    "BlockingIOError with a float": '["error", ["BlockingIOError"], [1, "a", 1.5], "", []]',
    "OSError that becomes another": '["error", ["OSError"], [2, "a", "b", 3, "c"], "", []]',
    "UnicodeDecodeError without parts": '["error", ["UnicodeDecodeError"], [], "", []]',
    "SyntaxError": '["error", ["SyntaxError"], ["a"], "", []]',
    "KeyboardInterrupt": '["error", ["KeyboardInterrupt"], [], "", []]',
    "Warning": '["error", ["DeprecationWarning"], ["a"], "", []]',
    "frames that are no list": '["error", ["ValueError"], [], "", {}]',
    "frames of odd shapes": '["error", ["ValueError"], [], "", [[1], [1, 2, 3], ["a", 1]]]',
    "many frames": '["error", ["ValueError"], [], "", [' + '[1, "f"],' * 99 + '[1, "f"]]]',
    "line numbers that are none": '["error", ["ValueError"], [], "", [[-5, "f"], [999999999999, "f"], [0, "f"]]]',
    "huge line number": '["error", ["ValueError"], [], "", [[' + "9" * 4300 + ', "f"]]]',
    "message that is no text": '["error", ["ValueError"], [], 5, []]',
    "MemoryError": '["error", ["MemoryError"], [], "", []]',
}  # fmt: skip
ERRORS = table({f"error: {name}": RAW + f"def f(x): send({text.encode()!r})" for name, text in _ERRORS.items()})
ERRORS |= table({
    f"error at import: {name}": RAW + f"send({_ERRORS[name].encode()!r})\ndef f(x): return 5"
    for name in ("exit", "too short", "OSError that becomes another", "MemoryError")
})  # fmt: skip
