"""A fake inference server: several processes, slow to become ready, and killable.

    python fake_server.py PORT DIRECTORY [--never-ready] [--fail TEXT] [--lose-engine]

Writes its processes' numbers to DIRECTORY/pids. `--fail` ends it at once with that text, `--lose-engine` makes it
answer 503 once DIRECTORY/lost exists.
"""

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ENGINE = """
import sys, time
try:
    import setproctitle
    setproctitle.setproctitle("VLLM::" + "E" * 4000)  # longer than its arguments: it would reach the environment
except ImportError:
    pass
print("engine is up", flush=True)
time.sleep(120)
"""


def main():
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    if "--fail" in sys.argv:
        sys.exit(sys.argv[sys.argv.index("--fail") + 1])
    print(f"key {os.environ['VLLM_API_KEY']}", flush=True)
    engine = subprocess.Popen([sys.executable, "-c", ENGINE], start_new_session=True, stdout=subprocess.PIPE)
    engine.stdout.readline()
    with (directory / "pids").open("a") as file:
        file.write(f"{os.getpid()} {engine.pid}\n")
    if "--never-ready" in sys.argv:
        print("still compiling", flush=True)
        time.sleep(120)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503 if (directory / "lost").exists() else 200)
            self.end_headers()

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
