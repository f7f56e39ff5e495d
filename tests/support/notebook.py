"""Runs the code of a notebook as Jupyter does: cell by cell in one namespace, with `await` outside functions."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import sys
from pathlib import Path
from typing import Any


async def run_notebook(path: Path) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), f"cell {number}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            pending = eval(code, namespace)
            if inspect.isawaitable(pending):
                await pending


if __name__ == "__main__":
    asyncio.run(run_notebook(Path(sys.argv[1])))
