"""What scoring by a server needs beside it."""

from importlib import import_module


def run_here(name, calls):
    """`WorkerPool.map` in this process."""
    module, _, function = name.partition(":")
    return [getattr(import_module(module), function)(*call) for call in calls]
