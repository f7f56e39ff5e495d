"""Memory, time, output, descriptors and files, used up or left behind."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import ANSWER, Attack, table

RESOURCES = table({
    "memory bomb": "x = [0] * (1 << 33)",
    "growing memory": "x = []\nwhile True: x.append(bytearray(1 << 20))",
    "many small objects": "x = []\nwhile True: x.append(object())",
    "mapped memory": "import mmap\nx = [mmap.mmap(-1, 1 << 27) for _ in range(99)]",
    "stack of Python": "import sys\nsys.setrecursionlimit(1 << 30)\ndef f(x): return f(x + 1) + 1",
    "endless loop": "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
    "loop at import": "while True: pass",
    "loop in __del__": "class D:\n    def __del__(s):\n        while True: pass\ndef f(x): D()",
    "loop in the reply": "class L(list):\n    def __iter__(s):\n        while True: pass\nclass N:\n    def __name__(s): pass\nclass M(type):\n    def __getattribute__(c, n):\n        while True: pass\nclass O(metaclass=M): pass\ndef f(x): return O()",
    "catastrophic regex": "import re\ndef f(x): return re.match('(a|a)*b', 'a' * 64)",
    "regex that compiles forever": "import re\ndef f(x): return re.compile('(?:' * 90 + 'a' + '{9}){9}' * 90)",
    "huge power": "def f(x): return 9 ** 9 ** 9",
    "huge format": "def f(x): return '%9999999999d' % 1",
    "huge padding": "def f(x): return '{:>9999999999}'.format(1)",
    "digits without limit": "import sys\nsys.set_int_max_str_digits(0)\ndef f(x): return str(7 ** 9_000_000)",
    "compressed bomb": "import zlib\ndef f(x): return len(zlib.decompress(zlib.compress(bytes(1 << 27)) ) * 4)",
    "endless generator consumed": "import itertools\ndef f(x): return sum(itertools.count())",
    "deep copy": "import copy\ndef f(x):\n    a = []\n    for _ in range(10 ** 6): a = [a]\n    return copy.deepcopy(a)",
    "nested comprehension": "def f(x): return [[[0] * 1000 for _ in range(1000)] for _ in range(1000)]",
    "printed flood": "while True: print('x' * 100000)",
    "flood to stderr": "import os\nwhile True: os.write(2, b'x' * 100000)",
    "zeros read": "def f(x): return len(open('/dev/zero', 'rb').read())",
    "standard input": "def f(x): return input()",
    "all descriptors": "import os\nfds = []\ndef f(x):\n    while True: fds.append(os.open('/dev/null', 0))",
    "full pipes": "import os\nkept = []\nwhile True:\n    r, w = os.pipe()\n    os.set_blocking(w, False)\n    kept.append(r)\n    try:\n        while os.write(w, b'x' * 65536): pass\n    except BlockingIOError: pass",
    "cache that grows": "@functools.lru_cache(None)\ndef g(x): return bytearray(1 << 16)\ndef f(x):\n    i = 0\n    while True: g(i := i + 1)",
})  # fmt: skip

_DEEP = "import os\nhere = os.getcwd()\ntry:\n    for _ in range(1200):\n        os.mkdir({name})\n        os.chdir({name})\nexcept OSError: pass\nos.chdir(here)\n"
_TRY = "def attempt(call, *args):\n    try: return call(*args)\n    except OSError: return None\n"
FILES = table({
    "file bomb": "with open('big', 'wb') as file:\n    while True: file.write(b'x' * (1 << 20))",
    "many files fill the disk": "i = 0\nwhile True:\n    i += 1\n    open(str(i), 'wb').write(b'x' * (1 << 20))",
    "inode flood": "i = 0\nwhile True:\n    open(str(i), 'w').close()\n    i += 1",
    "sparse file": "import os\nfd = os.open('s', os.O_CREAT | os.O_RDWR)\nos.ftruncate(fd, 1 << 40)\ndef f(x): return WON",
    "mapped file on a full disk": "import mmap, os\nfd = os.open('s', os.O_CREAT | os.O_RDWR)\nos.ftruncate(fd, 2 << 20)\nms = [mmap.mmap(fd, 2 << 20)]\nfor i in range(20): os.write(os.open(str(i), os.O_CREAT | os.O_RDWR), b'x' * (2 << 20))\nms[0][:] = b'x' * (2 << 20)\ndef f(x): return 5",
    "unlinked but open": "import os\nfd = os.open('s', os.O_CREAT | os.O_RDWR)\nos.unlink('s')\nwhile True: os.write(fd, b'x' * (1 << 20))",
    "deep directories": _DEEP.format(name="'d'") + "def f(x): return 5",
    "deep directories with long names": _DEEP.format(name="'d' * 255") + "def f(x): return 5",
    "deep directories, current": _DEEP.format(name="'d'") + "os.chdir('d/d/d/d')\ndef f(x): return 5",
    "wide and deep": _TRY + "import os\nfor i in range(30):\n    for j in range(30): attempt(os.makedirs, f'{i}/{j}')\ndef f(x): return 5",
    "odd names": "for name in ('\\n', ' ', '-rf', '*', '\\x01', 'é' * 100, '\\udcff', 'a' * 255, '...', '$(x)', \"'\", 'x\\\\'): open(name, 'w').write(name[:1] if name != '\\udcff' else '')\ndef f(x): return 5",
    "directories without rights": "import os\nos.umask(0)\nfor mode in (0, 0o111, 0o222, 0o444, 0o555): os.mkdir(str(mode), mode)\nos.makedirs('a/b')\nos.mkdir('a/b/c', 0)\ndef f(x): return 5",
    "files without rights": "import os\nos.umask(0)\nfor mode in (0, 0o111, 0o222, 0o7777): os.close(os.open(str(mode), os.O_CREAT, mode))\ndef f(x): return 5",
    "renamed over each other": _TRY + "import os\nos.mkdir('a')\nos.mkdir('b')\nattempt(os.rename, 'a', 'b/a')\nattempt(os.rename, 'b', 'b/a/b')\nattempt(os.rename, '.', 'x')\nattempt(os.rmdir, '.')\nattempt(os.rmdir, os.getcwd())\ndef f(x): return 5",
    "scratch removed": "import os\nos.rmdir(os.getcwd())\ndef f(x): return WON",
    "scratch renamed": "import os\nos.rename(os.getcwd(), os.getcwd() + 'x')\ndef f(x): return WON",
    "symbolic link": "import os\nos.symlink('/etc', 'link')\nopen('link/passwd').read()\ndef f(x): return WON",
    "hard link": "import json, os\nos.link(json.__file__, 'link')\ndef f(x): return WON",
    "pipe in the scratch": "import os\nos.mkfifo('pipe')\ndef f(x): return WON",
    "device in the scratch": "import os, stat\nos.mknod('dev', stat.S_IFCHR | 0o666, os.makedev(1, 1))\ndef f(x): return WON",
    "rights changed": "import os\nos.mkdir('a')\nopen('a/b', 'w').close()\nos.chmod('a', 0)\nos.chmod('.', 0)\ndef f(x): return WON",
    "dated into the future": "import os\nopen('a', 'w').close()\nos.utime('a', (1 << 33, 1 << 33))\nos.utime('.', (1 << 33, 1 << 33))\ndef f(x): return 5",
    "extended attribute": "import os\nos.setxattr('.', 'user.x', b'1')\ndef f(x): return WON",
    "executable in the scratch": "import os\nopen('x', 'w').write('#!/bin/sh\\n')\nos.execv('./x', ['x'])",
    "module for the next program": "open('json.py', 'w').write('raise SystemExit')\nopen('math.py', 'w').write('raise SystemExit')\nopen('sitecustomize.py', 'w').write('raise SystemExit')\ndef f(x): return 5",
    "files left by a program that is right": Attack(_DEEP.format(name="'d'") + "def f(x): return WON", passes=True),
    "odd names left by a program that is right": Attack("for name in ('\\n', '-rf', '\\udcff', 'a' * 255): open(name, 'w').close()\ndef f(x): return WON", passes=True),
    "files in its own directory": Attack("import os\ndef f(x):\n    os.makedirs('a/b')\n    open('a/b/c', 'w').write(str(WON))\n    return int(open('a/b/c').read())", passes=True),
    "argument changed": Attack("def f(x):\n    x.clear()\n    return WON", (f"x = [1]\nassert f(x) == {ANSWER} and x == [1]",)),
})  # fmt: skip

_SOURCE_DEPTH = 100_000
SOURCES = table({
    "NUL in source": "def f(x): return WON\0",
    "surrogate in source": "def f(x): return WON\nx = '\ud800'",
    "deep nesting": "x = " + "(" * _SOURCE_DEPTH + ")" * _SOURCE_DEPTH,
    "deep addition": "x = " + "1+" * _SOURCE_DEPTH + "1\ndef f(x): return 5",
    "deep blocks": "".join(" " * i + "if 1:\n" for i in range(120)) + " " * 120 + "pass",
    "deep f-strings": "x = " + 'f"{' * 150 + "1" + '}"' * 150,
    "constant that folds": "x = 'a' * 9**9\ndef f(x): return 5",
    "declared encoding": "# -*- coding: utf-7 -*-\ndef f(x): return 5",
    "future statement": "from __future__ import barry_as_FLUFL\ndef f(x): return 5",
    "many lines": "x = 1\n" * 200_000 + "def f(x): return 5",
    "one long line": "x = [" + "1, " * 300_000 + "]\ndef f(x): return 5",
    "form feeds and carriage returns": "def f(x):\f\r    return 5\r",
    "no function": "pass",
    "not callable": "f = 4",
    "answer for a function": "f = WON",
    "coroutine": "async def f(x): return WON",
    "generator": "def f(x): yield WON",
    "endless decorator": "def d(g):\n    while True: pass\n@d\ndef f(x): return 5",
    "empty": "",
})  # fmt: skip
