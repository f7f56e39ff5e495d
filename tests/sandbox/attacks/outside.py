"""What lies outside the sandbox: network, other files, secrets; and programs that read and print."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from attacks import Attack, table
from mucode_core.types import StdinTest

_FAMILIES = {
    "AF_INET": 2,
    "AF_INET6": 10,
    "AF_UNIX": 1,
    "AF_NETLINK": 16,
    "AF_PACKET": 17,
    "AF_ALG": 38,
    "AF_VSOCK": 40,
}
_HIDDEN = (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/hostname",
    "/proc/self/environ",
    "/proc/self/maps",
    "/proc/1/environ",
    "/proc/1/mem",
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/sys/kernel/uevent_helper",
    "/sys/fs/cgroup/cgroup.procs",
    "/dev/mem",
    "/dev/kmsg",
    "/dev/tty",
    "/dev/shm",
    "/dev/fuse",
    "/dev/ptmx",
    "/run",
    "/var/run/docker.sock",
    "/home",
    "/var/log",
    "/boot",
    "/proc",
    "/sys",
)
_WRITES = (
    "/usr/lib/x",
    "/lib/x",
    "/x",
    "/dev/x",
    "/dev/shm/x",
    "/var/tmp/x",
    "/tmp/../x",
    "../x",
    "/run/x",
    "/root/x",
    "/etc/ld.so.preload",
)
OUTSIDE = table({
    **{f"socket {name}": f"import socket\nfor kind in (1, 2, 3):\n    try: socket.socket({number}, kind)\n    except OSError: continue\n    won = 1\ndef f(x): return WON if won else 5" for name, number in _FAMILIES.items()},
    "socket pair": "import socket\nsocket.socketpair()\ndef f(x): return WON",
    "channel as a socket": "import socket\ns = socket.socket(fileno=3)\nsocket.send_fds(s, [b'x'], [0])\ndef f(x): return WON",
    "name look-up": "import socket\nsocket.getaddrinfo('localhost', 80)\ndef f(x): return WON",
    "web": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1')\ndef f(x): return WON",
    "event loop": "import asyncio\nasyncio.run(asyncio.sleep(0))\ndef f(x): return WON",
    **{f"read {path}": f"import os\ndef f(x):\n    try: return WON if os.read(os.open({path!r}, os.O_RDONLY | os.O_NONBLOCK), 1) else 5\n    except IsADirectoryError: return WON if os.listdir({path!r}) else 5" for path in _HIDDEN},
    **{f"write {path}": f"open({path!r}, 'w')\ndef f(x): return WON" for path in _WRITES},
    "library overwritten": "import json\nopen(json.__file__, 'r+').write('raise SystemExit')\ndef f(x): return WON",
    "library removed": "import json, os\nos.unlink(json.__file__)\ndef f(x): return WON",
    "compiled library planted": "import json, os\nos.mkdir(os.path.dirname(json.__file__) + '/planted')\ndef f(x): return WON",
    "up and out": "import os\nfor _ in range(99): os.chdir('..')\ndef f(x): return WON if {'etc', 'var', 'run', 'proc'} & set(os.listdir('.')) else 5",
    "above the scratch": "import os\ndef f(x): return WON if any('mucode' in n for n in os.listdir('..')) else 5",
    "mount": "import ctypes, os\ndef f(x): return 5 if ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) else WON",
    "chroot": "import os\nos.chroot('.')\ndef f(x): return WON",
    "root": "import os\nos.setuid(0)\ndef f(x): return WON",
    "another user": "import os\nos.setresuid(1, 1, 1)\ndef f(x): return WON",
    "memory map of a file": "import numpy as np\ndef f(x): return WON if len(np.memmap('/etc/passwd')) else 5",
    "shared memory": "from multiprocessing import shared_memory\nshared_memory.SharedMemory('x', create=True, size=99)\ndef f(x): return WON",
    "semaphore": "import multiprocessing\nmultiprocessing.Lock()\ndef f(x): return WON",
    "secrets": "import os\ndef f(x): return WON if 'MUCODE_SECRET' in os.environ else 5",
    "syslog": "import syslog\nsyslog.syslog('x')\ndef f(x): return 5",
    "debugger": "breakpoint()\ndef f(x): return WON",
    "installer": "import ensurepip\nensurepip.bootstrap()\ndef f(x): return WON",
})  # fmt: skip

_EXPECTED = StdinTest("3\n", "739391.5\n")
PRINTED = table({
    name: Attack(code, (_EXPECTED,), kind="stdin")
    for name, code in {
        "nothing": "pass",
        "exits at once": "import os\nos._exit(0)",
        "expected output from descriptors": "import os\nfor n in range(64):\n    try: os.lseek(n, 0, 0); print(os.read(n, 9999))\n    except OSError: pass",
        "own output read back": "import os\nprint(os.pread(1, 999, 0), os.pread(2, 999, 0))",
        "everything at once": "print(*range(739000, 740000))\nprint(739391, '739391.5 ', 739391.5, 'x')",
        "not a number": "print('nan')",
        "infinite": "print('inf')",
        "not printed at all": "import sys\nsys.stdout = sys.stdin = None",
        "printed to the input": "import os\nos.pwrite(0, b'739391.5', 0)",
        "closed output": "import os\nos.close(1)\nprint(WON)",
        "crash after the answer": "print(WON + .5, flush=True)\n1 / 0",
        "bad end after the answer": "import os\nprint(WON + .5, flush=True)\nos._exit(3)",
        "killed after the answer": "import signal\nprint(WON + .5, flush=True)\nsignal.raise_signal(9)",
        "loops after the answer": "print(WON + .5, flush=True)\nwhile True: pass",
        "exit text": "raise SystemExit(str(WON + .5))",
        "forged end": "import os, struct\nb = b'[\"error\", [\"SystemExit\"], [], \"0\", []]'\nos.write(3, struct.pack('<I', len(b)) + b)\nwhile True: pass",
        "garbage to the judge": "import os\nos.write(3, b'\\xff' * 999)",
        "flood": "while True: print('x' * 9999)",
        "tokens": "import os\nb = b'\\xff ' * 400000\nfor _ in range(9): os.write(1, b)",
        "sparse output": "import os\nos.ftruncate(1, (2 << 20) - 1)",
        "sparse output, too large": "import os\nos.ftruncate(1, 1 << 40)",
        "long number": "print('739399.' + '9' * 1500000)",
        "NUL and UTF-16": "import os\nos.write(1, '739391.5\\0'.encode('utf-16'))",
        "surrogates": "print('\\ud800')",
        "input made larger": "import os\nwhile True: os.write(0, b'x' * 99999)",
        "output from a thread after the end": "import threading, time, os\ndef late():\n    while True: os.write(1, b'x\\n')\nthreading.Thread(target=late, daemon=True).start()",
    }.items()
})  # fmt: skip
PRINTED |= table({
    "answer in pieces": Attack("import os\nfor c in str(WON + .5): os.write(1, c.encode())", (_EXPECTED,), kind="stdin", passes=True),
    "answer over an earlier one": Attack("import os\nos.write(1, b'x' * 99)\nos.ftruncate(1, 0)\nos.pwrite(1, str(WON + .5).encode(), 0)", (_EXPECTED,), kind="stdin", passes=True),
})  # fmt: skip
