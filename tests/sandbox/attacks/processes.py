"""Other processes: making them, signalling them, changing them; and what the kernel offers besides."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, table

LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
_MAP = "libc.mmap.restype, libc.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]\n"
_WON_IF_DONE = "def f(x): return 5 if {call} else WON"

PROCESSES = table({
    "kill parent": "import os\nos.kill(os.getppid(), 9)\ndef f(x): return WON",
    "kill group": "import os\nos.killpg(0, 9)",
    "kill everyone": "import os\nos.kill(-1, 9)\ndef f(x): return WON",
    "kill every number": "import os\nfor pid in range(2, 40000):\n    try: os.kill(pid, 9)\n    except OSError: pass",
    "fork": "import os\nif os.fork() == 0:\n    while True: pass",
    "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "vfork": LIBC + _WON_IF_DONE.format(call="libc.syscall(58) < 0"),
    "clone": LIBC + _WON_IF_DONE.format(call="libc.syscall(56, 17, 0, 0, 0, 0) < 0"),
    "clone3": LIBC + "args = (ctypes.c_uint64 * 11)()\n" + _WON_IF_DONE.format(call="libc.syscall(435, args, 88) < 0"),
    "clone into a new user namespace": LIBC + _WON_IF_DONE.format(call="libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0) < 0"),
    "thread in a new file system": LIBC + _WON_IF_DONE.format(call="libc.syscall(56, 0x10000 | 0x800 | 0x100 | 0x20000, 0, 0, 0, 0) < 0"),
    "subprocess": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'sleep 60'])\ndef f(x): return WON",
    "os.system": "import os\ndef f(x): return WON if os.system('true') == 0 else 5",
    "os.popen": "import os\ndef f(x): return WON if os.popen('echo 1').read() else 5",
    "posix_spawn": "import os\nos.posix_spawn('/bin/true', ['true'], {})\ndef f(x): return WON",
    "multiprocessing": "import multiprocessing\np = multiprocessing.Process(target=print)\np.start()\ndef f(x): return WON",
    "process pool": "from concurrent.futures import ProcessPoolExecutor\nlist(ProcessPoolExecutor(1).map(abs, [1]))\ndef f(x): return WON",
    "pty": "import pty\npty.fork()\ndef f(x): return WON",
    "exec": "import os\nos.execv('/bin/true', ['true'])",
    "exec of a memory file": "import os\nfd = os.memfd_create('x')\nos.execve(fd, ['x'], {})",
    "daemon": "import os\nos.setsid()\nos.fork()",
    "thread bomb": "import threading, time\nts = [threading.Thread(target=time.sleep, args=(60,)) for _ in range(5000)]\nfor t in ts: t.start()",
    "small thread bomb": "import threading, time\nthreading.stack_size(32768)\nts = [threading.Thread(target=time.sleep, args=(60,)) for _ in range(50000)]\nfor t in ts: t.start()",
    "busy threads": Attack("import threading, time\ndef spin():\n    while True: pass\nfor _ in range(8): threading.Thread(target=spin, daemon=True).start()\ndef f(x): time.sleep(60)", cpu_s=0.1),
    "ptrace": LIBC + _WON_IF_DONE.format(call="libc.ptrace(16, os.getppid(), 0, 0)"),
    "signal handlers": "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass\nwhile True: pass",
    "signals blocked": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\nwhile True: pass",
    "parent by tgkill": LIBC + _WON_IF_DONE.format(call="libc.syscall(234, os.getppid(), os.getppid(), 9)"),
    "parent by tkill": LIBC + _WON_IF_DONE.format(call="libc.syscall(200, os.getppid(), 9)"),
    "parent by pidfd": LIBC + _WON_IF_DONE.format(call="libc.syscall(434, os.getppid(), 0) < 0"),
    "parent by the owner of a descriptor": "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, os.getppid())\nfcntl.fcntl(r, 10, 9)\nfcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC)\nos.write(w, b'x')\ndef f(x): return WON",
    "parent's limits": "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))\ndef f(x): return WON",
    "limits at an address of zeros": LIBC + _MAP + "import resource\nbefore = resource.getrlimit(7)\npage = libc.mmap(1 << 32, 4096, 3, 0x32, -1, 0)\nlibc.syscall(302, 0, 7, ctypes.c_void_p(page), None)\ndef f(x): return WON if resource.getrlimit(7) != before else 5",
    "parent's processors": "import os\nos.sched_setaffinity(os.getppid(), {0})\ndef f(x): return WON",
    "parent's priority": "import os\nos.setpriority(os.PRIO_PROCESS, os.getppid(), 19)\ndef f(x): return WON",
    "own priority": "import os\nos.setpriority(os.PRIO_PROCESS, 0, -20)\ndef f(x): return WON",
    "raised limits": "import resource\nkinds = range(16)\nbefore = [resource.getrlimit(kind) for kind in kinds]\nfor kind in kinds: resource.setrlimit(kind, (-1, -1))\ndef f(x): return WON if before != [resource.getrlimit(kind) for kind in kinds] else 5",
    "real time": "import os\nos.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))\ndef f(x): return WON",
    "timer ends the call": "import os, signal, time\nsignal.signal(signal.SIGALRM, lambda *_: os._exit(0))\nsignal.setitimer(signal.ITIMER_REAL, 0.02)\ndef f(x): time.sleep(1)",
    "timer answers first": "import os, signal\nsignal.signal(signal.SIGALRM, lambda *_: os.write(3, b'\\x05\\0\\0\\0[\"a\"]'))\nsignal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\ndef f(x):\n    for _ in range(10 ** 6): pass\n    return 5",
    "parent's clock": "import os, time\ntime.clock_gettime((~os.getppid() << 3) | 2)\ndef f(x): return WON",
    "first process's clock": "import time\ntime.clock_getres((~1 << 3) | 2)\ndef f(x): return WON",
    "parent's cores": "import os\nos.sched_getaffinity(os.getppid())\ndef f(x): return WON",
    "leased library": "import fcntl, json, os\nfcntl.fcntl(os.open(json.__file__, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)\ndef f(x): return WON",
    "locked library": "import fcntl, json\nh, g = open(json.__file__), open(json.__file__)\nfcntl.flock(h, fcntl.LOCK_EX)\ntry: fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError: won = 1\ndef f(x): return WON if won else 5",
    "watched directory": "import fcntl, os\nfcntl.fcntl(os.open('.', os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_CREATE)\ndef f(x): return WON",
    "terminal's input": "import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSTI, b'x')\ndef f(x): return WON",
})  # fmt: skip

_REFUSED: dict[str, tuple[int, ...]] = {
    "shared memory and queues": (29, 30, 31, 64, 65, 66, 68, 69, 70, 71, 240, 241),
    "sockets": (41, 42, 43, 44, 45, 46, 47, 49, 50, 52, 54, 55, 288, 299, 307),
    "processes": (57, 58, 59, 61, 62, 109, 112, 129, 200, 247, 297, 322, 424, 434, 438, 440, 448),
    "tracing": (101, 298, 310, 311, 312, 321),
    "namespaces and mounts": (155, 161, 165, 166, 167, 168, 272, 308, 428, 429, 430, 431, 432, 433, 442, 457, 458),
    "identity": (105, 106, 113, 114, 116, 117, 119, 122, 123, 126),
    "files' rights and links": (85, 86, 92, 93, 94, 133, 188, 189, 259, 260, 261, 265),
    "asynchronous input and output": (206, 207, 208, 209, 210, 425, 426, 427),
    "memory of others": (256, 279, 319, 323, 440, 447),
    "keys": (248, 249, 250),
    "events": (222, 253, 254, 283, 284, 286, 289, 290, 294, 300, 301),
    "scheduling": (140, 141, 142, 144, 203, 251, 314),
    "machine": (103, 134, 135, 136, 154, 163, 164, 169, 170, 171, 172, 173, 174, 175, 176, 179, 180, 212, 246, 303, 304, 305, 313, 320),
    "control": (157, 158, 160, 302, 317, 444, 445, 446),
    "moving data": (40, 76, 187, 275, 276, 277, 278, 285, 306, 326),
}  # fmt: skip
_PROBE = (
    "one = ctypes.c_long(1)\ndef is_refused(n): return libc.syscall(n, *[one] * 6) == -1 and ctypes.get_errno() in (1, 38)\n"
    "def f(x): return [n for n in numbers if not is_refused(n)]"
)
KERNEL = table({
    f"system calls: {name}": Attack(LIBC + f"numbers = {numbers}\n" + _PROBE, ("assert f(3) == []",), passes=True)
    for name, numbers in _REFUSED.items()
})  # fmt: skip
KERNEL |= table({
    "system calls of another kind": LIBC + "def f(x): return WON if any(libc.syscall(0x40000000 | n, 0, 0, 0) != -1 for n in (0, 39, 57, 512, 520)) else 5",
    "system calls beyond the list": LIBC + "def f(x): return WON if any(libc.syscall(n, 1, 1, 1) != -1 for n in range(335, 424)) else 5",
})  # fmt: skip
