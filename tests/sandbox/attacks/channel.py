"""The socket to the judge: garbage, floods, early and double replies, stolen requests, closed ends."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import ANSWER, Attack, table
from tests.sandbox.attacks.forgery import RAW

CHANNEL = table({
    "zeros": "import os\nos.write(3, b'\\x00' * 4096)\ndef f(x): return 5",
    "oversize frame": "import os\nos.write(3, b'\\xff' * 4096)\ndef f(x): return 5",
    "partial frame, then the end": "import os\ndef f(x):\n    os.write(3, b'\\xff\\x00\\x00\\x00[')\n    os._exit(0)",
    "partial length": "import os\ndef f(x):\n    os.write(3, b'\\xff')\n    os._exit(0)",
    "ready without names": RAW + "send(b'[\"ready\", {}]')\nsend(b'[\"value\", 5]')",
    "ready with a list": RAW + "send(b'[\"ready\", [\"f\"]]')",
    "names the tests do not read": RAW + 'send(b\'["ready", {"abs": ["handle", 0, "a"], "f": ["handle", 0, "a"]}]\')',
    "builtin for the function": RAW + 'send(b\'["ready", {"f": ["builtin", "type"]}]\')',
    "array for the function": RAW + 'send(b\'["ready", {"f": ["ndarray", "object", [1], [5]]}]\')',
    "replies before being asked": RAW + "for _ in range(9): send(b'[\"started\"]'); send(b'[\"value\", 5]')",
    "replies queued in a thread": RAW + "import threading\ndef flood():\n    while True: send(b'[\"value\", 5]')\nthreading.Thread(target=flood, daemon=True).start()\ndef f(x): return 5",
    "two replies to one call": Attack(RAW + "def f(x):\n    send(b'[\"value\", 5]')\n    return WON", (f"assert f(3) == {ANSWER}", f"assert f(4) == {ANSWER + 1}")),
    "request stolen and echoed": RAW + "import threading\ndef steal():\n    while True:\n        r = get()\n        send(json.dumps(['value', r[2][0]]).encode())\nthreading.Thread(target=steal, daemon=True).start()\ndef f(x): return 5",
    "arrays within one another": Attack(RAW + "import numpy\ndef f(x):\n    numbers = range(3, 80003, 2)\n    rows = [['ndarray', 'object', [1], [['ref', n - 2] if n > 3 else 5], n] for n in numbers]\n    send(json.dumps(['value', ['list', rows, 1], ['sync', [[1, [['ref', numbers[-1]]]]], list(numbers)]]).encode())", (f"f(3)\nassert len(f(4)) == {ANSWER}",), cpu_s=2.0),
    "a type to raise": Attack(RAW + "send(b'[\"ready\", {\"f\": [\"type\", \"builtins\", \"KeyboardInterrupt\"]}]')", ("try:\n    raise f(3)\nexcept ValueError:\n    pass",)),
    "closed channel": "import os\nos.close(3)\ndef f(x): return 5",
    "closed in the call": "import os\ndef f(x): os.close(3)",
    "channel replaced by a pipe": "import os\nr, w = os.pipe()\nos.dup2(w, 3)\ndef f(x): return 5",
    "channel replaced by null": "import os\nos.dup2(0, 3)\ndef f(x): return 5",
    "copies of the channel": RAW + "copies = [os.dup(3) for _ in range(40)]\ndef f(x):\n    for c in copies: os.write(c, b'\\x02\\x00\\x00\\x00[]')",
    "closed descriptors": "import os\nos.closerange(0, 64)",
    "non-blocking channel": "import os\nos.set_blocking(3, False)\ndef f(x): return 'x' * (4 << 20)",
    "read to the end": Attack("import os\ndef f(x):\n    while True: os.read(3, 9999)", cpu_s=0.02, slow=True),
    "flooded channel": "import os\nwhile True: os.write(3, b'\\x02\\x00\\x00\\x00[]' * 10000)",
    "flooded replies": RAW + "def f(x):\n    while True: send(b'[\"value\", 4')",
    "flooded with empty frames": "import os\ndef f(x):\n    while True: os.write(3, b'\\x00' * 40000)",
    "one byte at a time": "import os\ndef f(x):\n    for b in b'\\x40\\x00\\x00\\x00[\"value\", 5': os.write(3, bytes([b]))\n    os._exit(0)",
    "deep JSON": RAW + "def f(x): send(b'[\"value\", ' + b'[' * 500000 + b']' * 500000 + b']')",
    "deep objects": RAW + "def f(x): send(b'[\"value\", ' + b'{\"a\":' * 500000 + b'}' * 500000 + b']')",
    "many elements": RAW + "def f(x): send(b'[\"value\", [\"list\", [' + b'[],' * 2000000 + b'0]]]')",
    "blanks": RAW + "def f(x): send(b' ' * 4000000 + b'[\"value\", 5]')",
    "digits of a float": RAW + "def f(x): send(b'[\"value\", 0.' + b'1' * 4000000 + b']')",
    "many keys": RAW + "def f(x): send(b'[\"value\", {' + b','.join(b'\"%d\":0' % i for i in range(200000)) + b'}]')",
    "not UTF-8": RAW + 'def f(x): send(b\'["value", "\\xff\\xfe"]\')',
    "UTF-16": RAW + "def f(x): send('[\"value\", 5]'.encode('utf-16'))",
    "byte order mark": RAW + "def f(x): send('\\ufeff[\"value\", 5]'.encode())",
    "pickle": RAW + "import pickle\nclass P:\n    def __reduce__(s): return (exec, ('raise SystemExit',))\ndef f(x): send(pickle.dumps(P()))",
    "unhashable keys": RAW + 'def f(x): send(b\'["value", ["set", [["list", []]]]]\')',
    "silent end after a right answer": Attack(RAW + "def f(x):\n    send(json.dumps(['value', WON]).encode())\n    os._exit(0)", (f"assert f(3) == {ANSWER}", f"assert f(4) == {ANSWER}")),
})  # fmt: skip
