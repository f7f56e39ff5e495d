"""Calls with arguments as contest data sets store them: JSON values; nodes of lists and trees as lists of values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

NODES = """
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next

class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val = val
        self.left = left
        self.right = right
"""
"""The classes that LeetCode's statements define in a comment."""
_CLASS = re.compile(r"\b(ListNode|TreeNode)\b")
_COLLECTION = re.compile(r"\b(?:[Ll]ist|Sequence|Iterable)\[")


def call_entry_point(namespace: dict[str, Any], entry_point: str, arguments: str, in_place: bool) -> Any:
    """The outcome of one call.

    Args:
        namespace: The program's globals.
        entry_point: A function, or a method of a class, of which each call gets an instance of its own.
        arguments: JSON list of positional arguments.
        in_place: Whether the outcome is the first argument after the call, and not the returned value.

    Raises:
        NameError: The program does not define the entry point.
    """
    function = _find(namespace, entry_point)
    notes, names = _signature_of(function)
    values = json.loads(arguments)
    kinds = [_Nodes(namespace, notes.get(name, "")) for name in names[: len(values)]]
    values[: len(kinds)] = [kind.build(value) for kind, value in zip(kinds, values, strict=False)]
    returned = function(*values)
    if in_place:
        return kinds[0].show(values[0]) if kinds else values[0]
    return _Nodes(namespace, notes.get("return", "")).show(returned)


def _find(namespace: dict[str, Any], entry_point: str) -> Any:
    """A function, or a method of `Solution`: programs that have one where the other is asked for are taken, too."""
    owner, _, name = entry_point.rpartition(".")
    kind = namespace.get(owner or "Solution")
    function = namespace.get(name)
    if isinstance(kind, type) and (owner or not callable(function)) and hasattr(kind, name):
        return getattr(kind(), name)
    if not callable(function):
        raise NameError(f"name '{entry_point}' is not defined")
    return function


def _signature_of(function: Any) -> tuple[dict[str, str], list[str]]:
    """Annotations as text, and the names of the positional parameters."""
    is_method = hasattr(function, "__func__")
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    if code is None:
        return {}, []
    names = list(code.co_varnames[: code.co_argcount])
    try:
        notes = dict(function.__annotations__)
    except Exception:  # noqa: BLE001 - evaluated here from Python 3.14 on, with whatever that raises
        notes = {}
    return {name: _text_of(note) for name, note in notes.items()}, names[1:] if is_method else names


def _text_of(note: Any) -> str:
    return note if isinstance(note, str) else note.__name__ if type(note) is type else str(note)


class _Nodes:
    """Values of one annotation, as lists and as nodes; other values stay as they are."""

    def __init__(self, namespace: dict[str, Any], note: str) -> None:
        found = _CLASS.search(note)
        self._kinds: dict[str, Any] = {name: namespace[name] for name in ("ListNode", "TreeNode") if name in namespace}
        self._name = found[1] if found else ""
        self._depth = len(_COLLECTION.findall(note[: found.start()])) if found else 0
        """How many collections there are around a node."""

    def build(self, value: Any) -> Any:
        """Nodes from lists of values."""
        if not self._name:
            return value
        make = _make_list if self._name == "ListNode" else _make_tree
        return _apply(lambda values: make(self._kinds[self._name], values), value, self._depth)

    def show(self, value: Any) -> Any:
        """Lists of values from nodes."""
        if self._name:
            return _apply(lambda node: [] if node is None else self._show_node(node), value, self._depth)
        return [self.show(item) for item in value] if type(value) is list else self._show_node(value)

    def _show_node(self, value: Any) -> Any:
        if isinstance(value, self._kinds.get("ListNode", ())):
            return _list_values(value)
        return _tree_values(value) if isinstance(value, self._kinds.get("TreeNode", ())) else value


def _apply(change: Callable[[Any], Any], value: Any, depth: int) -> Any:
    if depth == 0:
        return change(value)
    return [_apply(change, item, depth - 1) for item in value] if isinstance(value, (list, tuple)) else value


def _make_list(kind: Any, values: list[Any] | None) -> Any:
    head = None
    for value in reversed(values or []):
        node = kind(value)
        node.next, head = head, node
    return head


def _make_tree(kind: Any, values: list[Any] | None) -> Any:
    """From level order: the children of each node in turn, null where there is none."""
    nodes = [None if value is None else kind(value) for value in values or []]
    children = iter(nodes[1:])
    for node in nodes:
        if node is not None:
            node.left, node.right = next(children, None), next(children, None)
    return nodes[0] if nodes else None


def _list_values(head: Any) -> list[Any]:
    values: list[Any] = []
    while head is not None:
        values.append(head.val)
        head = head.next
    return values


def _tree_values(root: Any) -> list[Any]:
    nodes = [root]
    for node in nodes:
        if node is not None:
            nodes += (node.left, node.right)
    while nodes[-1] is None:
        nodes.pop()
    return [None if node is None else node.val for node in nodes]
