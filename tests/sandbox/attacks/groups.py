"""All attacks, by group."""

from __future__ import annotations

from attacks import Attack, channel, endings, forgery, outside, processes, resources, values

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
}
