"""All attacks, by group."""

from __future__ import annotations

from tests.sandbox.attacks import (
    Attack,
    abilities,
    channel,
    claims,
    definitions,
    directories,
    endings,
    forgery,
    mirrors,
    outside,
    processes,
    protocols,
    raised,
    resources,
    stand_ins,
    values,
    words,
)

GROUPS: dict[str, dict[str, Attack]] = {
    "exits": endings.EXITS,
    "stopped": endings.STOPPED,
    "exceptions": endings.EXCEPTIONS,
    "searches": forgery.SEARCHES,
    "patches": forgery.PATCHES,
    "replies": forgery.REPLIES,
    "errors": forgery.ERRORS,
    "liars": values.LIARS,
    "arrays": values.ARRAYS,
    "slow values": values.SLOW,
    "channel": channel.CHANNEL,
    "processes": processes.PROCESSES,
    "kernel": processes.KERNEL,
    "resources": resources.RESOURCES,
    "files": resources.FILES,
    "sources": resources.SOURCES,
    "outside": outside.OUTSIDE,
    "printed": outside.PRINTED,
    "comparisons": protocols.COMPARISONS,
    "protocols": protocols.PROTOCOLS,
    "arguments": mirrors.ARGUMENTS,
    "instances": mirrors.INSTANCES,
    "callbacks": mirrors.CALLBACKS,
    "definitions": definitions.DEFINITIONS,
    "streams": mirrors.STREAMS,
    "concurrent": mirrors.CONCURRENT,
    "packages": mirrors.PACKAGES,
    "names": mirrors.NAMES,
    "raised": raised.RAISED,
    "named": raised.NAMED,
    "dtypes": abilities.DTYPES,
    "signals": abilities.SIGNALS,
    "signatures": abilities.SIGNATURES,
    "directories": directories.DIRECTORIES,
    "mocks": stand_ins.MOCKS,
    "patched": stand_ins.PATCHED,
    "forms": stand_ins.FORMS,
    "runs": stand_ins.RUNS,
    "claims": claims.CLAIMS,
    "logs": claims.LOGS,
    "words": words.REFUSED,
}

ABILITIES: dict[str, tuple[str, ...]] = {
    "proxied protocols": ("protocols",),
    "comparisons by the program's objects": ("comparisons",),
    "containers that are written back": ("arguments",),
    "arguments built on the program's side": ("instances",),
    "functions and iterators of the tests": ("callbacks",),
    "classes that tests define": ("definitions",),
    "streams that a test replaces": ("streams",),
    "threads, pools and asyncio": ("concurrent",),
    "packages": ("packages",),
    "names that tests read": ("names",),
    "exceptions with attributes": ("raised",),
    "classes and functions by name": ("named",),
    "arrays of texts and dates": ("dtypes",),
    "signals and timers": ("signals",),
    "signatures": ("signatures",),
    "files that tests and program share": ("directories",),
    "mocks of the tests": ("mocks",),
    "patches, the program's module, what ends a test": ("patched",),
    "types, patterns, UUIDs, views of dictionaries and arrays": ("forms",),
    "coroutines, warnings, seeds, environment, alarms, causes": ("runs",),
    "classes of the library, namespaces, sources, orders, clocks that are patched": ("claims",),
    "logs": ("logs",),
    "exceptions, classes and blocks that answer for themselves": ("words",),
}
"""What programs and tests may do together, and the groups that attack it; the others attack what there always was."""


def counted() -> str:
    """The documentation's table of the number of attacks."""
    new = {ability: sum(len(GROUPS[group]) for group in groups) for ability, groups in ABILITIES.items()}
    rest = sum(map(len, GROUPS.values())) - sum(new.values())
    kinds = "exits, forged replies, searches, patches, liars, resources, processes, kernel, files, sources, printing"
    rows = [*new.items(), (kinds, rest), (f"all, in {len(GROUPS)} groups", sum(map(len, GROUPS.values())))]
    return "\n".join(["| attacked | programs |", "|---|---|", *(f"| {name} | {count} |" for name, count in rows)])
