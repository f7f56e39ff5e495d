"""Plain bases with protocols of their own, and exceptions of built-in classes: as one interpreter has them."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

_ITERATE = "class K({base}):\n    def __iter__(self): return iter([7])\n    def __reversed__(self): return iter([8])\n"
_CONTENT = {
    "list": "x = K([1, 2])\nassert x and len(x) == 2 and x[1] == 2 and list(x) == [7] and list(reversed(x)) == [8]",
    "tuple": "x = K([1, 2])\nassert x and len(x) == 2 and x[1] == 2 and list(x) == [7]",
    "set": "x = K([1])\nassert len(x) == 1 and 1 in x and 7 not in x and list(x) == [7]",
    "frozenset": "x = K([1])\nassert len(x) == 1 and 1 in x and 7 not in x and list(x) == [7]",
    "collections.deque": "x = K([1])\nassert len(x) == 1 and x[0] == 1 and list(x) == [7]",
    "dict": "x = K(a=1)\nassert len(x) == 1 and x['a'] == 1 and list(x) == [7] and list(x.items()) == [('a', 1)]",
}
_RAISES = "try: f(1)\nexcept {kind} as e: assert ({shown}) == {expected}, {shown}\nelse: assert False"
_ERRORS = {
    "UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')": ("(e.reason, e.object, str(e)[-3:])", ("bad", b"x", "bad")),
    "UnicodeEncodeError('ascii', 'é', 0, 1, 'bad')": ("(e.encoding, e.start, e.end)", ("ascii", 0, 1)),
    "SyntaxError('bad', ('a', 1, 2, 'x'))": ("(e.msg, e.lineno, str(e))", ("bad", 1, "bad (a, line 1)")),
    "FileNotFoundError(2, 'no', 'x')": ("(e.errno, e.filename, str(e))", (2, "x", "[Errno 2] no: 'x'")),
    "OSError(2, 'no', 'x', None, 'y')": ("(type(e).__name__, e.filename2)", ("FileNotFoundError", "y")),
    "OSError('only text')": ("(e.errno, str(e))", (None, "only text")),
    "SystemExit(3)": ("e.code", 3),
    "KeyError('k')": ("(e.args, str(e))", (("k",), "'k'")),
}


def test_an_exception_that_its_arguments_do_not_make_comes_over(judge_one: Callable[..., Verdict]) -> None:
    code = "import json\ndef f(v):\n    try: json.loads(v)\n    except ValueError as e:\n        if v == '{': e.args = (1, 2)\n        raise"
    test = "for v in '[{':\n    try: f(v)\n    except json.JSONDecodeError as e: assert len(e.args) == (2 if v == '{' else 1)\n    else: assert False"
    verdict = judge_one(code, test)
    assert verdict.passed, verdict.feedback
    code = "def f(v):\n    e = UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')\n    e.args = ('other',)\n    raise e"
    verdict = judge_one(
        code, "try: f(1)\nexcept UnicodeDecodeError as e: assert e.args == ('other',)\nelse: assert False"
    )
    assert verdict.passed, verdict.feedback


_WITH_STATE = {
    "e = ValueError('x'); e.code, e.items = 5, [1]; raise e": "ValueError as e: assert (e.code, e.items, e.args) == (5, [1], ('x',))",
    "json.loads('{')": "json.JSONDecodeError as e: assert (e.pos, e.lineno, e.doc) == (1, 1, '{') and e.msg.startswith('Exp')",
    "re.compile('a(')": "re.error as e: assert (e.pos, e.pattern) == (1, 'a(') and 'missing )' in e.msg",
    "return undefined": "NameError as e: assert e.name == 'undefined'",
    "return (5).zz": "AttributeError as e: assert e.name == 'zz'",
    "raise ImportError('x', name='n', path='p')": "ImportError as e: assert (e.name, e.path, e.msg) == ('n', 'p', 'x')",
    "import nothing_such": "ImportError as e: assert e.name == 'nothing_such'",
}


@pytest.mark.parametrize("body", _WITH_STATE)
def test_an_exception_keeps_its_attributes(body: str, judge_one: Callable[..., Verdict]) -> None:
    code = f"import json, re\ndef f(v): {body}\ndef g(v):\n    try: f(v)\n    except Exception as e: return e"
    raised = f"import json, re\ntry: f(1)\nexcept {_WITH_STATE[body]}\nelse: assert False"
    returned = f"import json, re\ntry: raise g(1)\nexcept {_WITH_STATE[body]}\nelse: assert False"
    verdict = judge_one(code, raised, returned)
    assert verdict.passed, verdict.feedback


def test_an_exception_of_the_tests_keeps_its_attributes(judge_one: Callable[..., Verdict]) -> None:
    code = "def f(g):\n    try: g()\n    except ValueError as e: return e.code"
    test = "def g():\n    e = ValueError()\n    e.code = 7\n    raise e\nassert f(g) == 7"
    assert judge_one(code, test).passed
    assert judge_one(code, test.replace("== 7", "== 8")).status == "failed"


@pytest.mark.parametrize("base", _CONTENT)
def test_own_iteration_leaves_the_content_alone(base: str, judge_one: Callable[..., Verdict]) -> None:
    verdict = judge_one(_ITERATE.format(base=base), _CONTENT[base], entry_point="K")
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize("made", _ERRORS)
def test_exceptions_are_made_as_calling_the_class_makes_them(made: str, judge_one: Callable[..., Verdict]) -> None:
    shown, expected = _ERRORS[made]
    test = _RAISES.format(kind=made.partition("(")[0], shown=shown, expected=repr(expected))
    verdict = judge_one(f"def f(x): raise {made}", test)
    assert verdict.passed, verdict.feedback
    callback = f"def g(): raise {made}\nassert f(g) == {expected!r}"
    program = f"def f(g):\n    try: g()\n    except {made.partition('(')[0]} as e: return {shown}"
    if "SystemExit" not in made:
        verdict = judge_one(program, callback)
        assert verdict.passed, verdict.feedback


_HASHES = {
    "None": ("__hash__ = None", True),
    "inherited None": ("pass\n    __hash__ = None\nclass K(K): x = 1", True),
    "an own equality": ("def __eq__(self, o): return True", True),
    "restored": ("__hash__ = None\nclass K(K):\n    def __hash__(self): return 3", False),
}


@pytest.mark.parametrize("name", _HASHES)
def test_what_has_no_hash_is_no_key(name: str, judge_one: Callable[..., Verdict]) -> None:
    body, raises = _HASHES[name]
    test = "from collections.abc import Hashable\ntry: h = hash(K())\nexcept TypeError: h = None\n"
    test += f"assert h {'is None' if raises else '== 3'} and isinstance(K(), Hashable) is {not raises}"
    verdict = judge_one(f"class K:\n    {body}\n", test, entry_point="K")
    assert verdict.passed, verdict.feedback


def test_simple_namespaces_come_over(judge_one: Callable[..., Verdict]) -> None:
    code = "import types\nK = types.SimpleNamespace\nclass S(K):\n    def m(self): return self.a\ndef f(v): return v"
    test = "x, y, s = K(a=1, b=[]), K(a=1, b=[]), S(a=2)\nassert f(x) == y and f(x) is x and f(s) is s and s.m() == 2"
    verdict = judge_one(code, test)
    assert verdict.passed, verdict.feedback


_SPECIAL = {
    "__bool__": ("False", "not x"),
    "__len__": ("3", "len(x) == 3"),
    "__length_hint__": ("7", "operator.length_hint(x) == 7"),
    "__iter__": ("iter('ab')", "list(x) == ['a', 'b']"),
    "__reversed__": ("iter('ba')", "list(reversed(x)) == ['b', 'a']"),
    "__getitem__": ("args[0] * 2", "x[4] == 8 and x['a'] == 'aa'"),
    "__hash__": ("11", "hash(x) == 11"),
    "__int__": ("12", "int(x) == 12"),
    "__float__": ("1.5", "float(x) == 1.5"),
    "__complex__": ("2j", "complex(x) == 2j"),
    "__index__": ("2", "'abc'[x] == 'c' and hex(x) == '0x2'"),
    "__round__": ("args", "round(x, 2) == (2,) and round(x) == ()"),
    "__trunc__": ("4", "math.trunc(x) == 4"),
    "__floor__": ("5", "math.floor(x) == 5"),
    "__ceil__": ("6", "math.ceil(x) == 6"),
    "__abs__": ("7", "abs(x) == 7"),
    "__neg__": ("8", "-x == 8"),
    "__pos__": ("9", "+x == 9"),
    "__invert__": ("10", "~x == 10"),
    "__str__": ("'s'", "str(x) == 's' and f'{x}' == 's'"),
    "__repr__": ("'r'", "repr(x) == 'r' and str(x) == 'r' and [x].__repr__() == '[r]'"),
    "__format__": ("'f' + args[0]", "f'{x:>3}' == 'f>3'"),
    "__bytes__": ("b'b'", "bytes(x) == b'b'"),
    "__fspath__": ("'p'", "os.fspath(x) == 'p'"),
    "__call__": ("(args, named)", "x(1, a=2) == ((1,), {'a': 2})"),
    "__missing__": ("args[0]", "True"),
}


@pytest.mark.parametrize("name", _SPECIAL)
def test_special_methods_are_the_programs(name: str, judge_one: Callable[..., Verdict]) -> None:
    gives, shown = _SPECIAL[name]
    code = f"class K:\n    def {name}(self, *args, **named): return {gives}\n"
    verdict = judge_one(code, f"x = K()\nassert {shown}", entry_point="K")
    assert verdict.passed, verdict.feedback
    verdict = judge_one("class K: pass\n", f"x = K()\nassert {shown}", entry_point="K")
    assert verdict.passed is (shown == "True"), "without the method it is not so"


_MEMBERS = {
    "read": "assert x.tag == 1 and K.tag == 1 and x.twice() == 4 and K.twice(x) == 4 and x.half == 1",
    "set": "x.tag = 5\nassert x.tag == 5 and K.tag == 1 and K([1]).tag == 1",
    "deleted": "x.tag = 5\ndel x.tag\nassert x.tag == 1\ntry: del x.tag\nexcept AttributeError: pass\nelse: assert False",
    "a property set": "x.half = 3\nassert x.tag == 6 and x.half == 3",
    "patched on the class": "K.tag = 8\nassert x.tag == 8 and K([]).tag == 8",
    "own names before the base's": "assert x.count == 'mine' and x.index(1) == 0",
    "attributes beside the content": "x.new = [1]\nx.append(3)\nassert x.new == [1] and x == [1, 2, 3] and f(x) is x",
}


@pytest.mark.parametrize("name", _MEMBERS)
def test_names_of_a_class_with_a_plain_base(name: str, judge_one: Callable[..., Verdict]) -> None:
    code = (
        "class K(list):\n    tag = 1\n    count = 'mine'\n    def twice(self): return 2 * len(self)\n"
        "    @property\n    def half(self): return self.tag // 2 or len(self) // 2\n"
        "    @half.setter\n    def half(self, value): self.tag = 2 * value\ndef f(v): return v\n"
    )
    verdict = judge_one(code, f"x = K([1, 2])\n{_MEMBERS[name]}", entry_point="K")
    assert verdict.passed, verdict.feedback


_COMES_BACK = {
    "the same generator": ("g = (i for i in range(3))\ndef f(): return g", "assert f() is f() and next(f()) == 0 == next(f()) - 1"),
    "the same iterator": ("g = iter([1, 2])\ndef f(): return g", "assert f() is f() and next(f()) == 1 and list(f()) == [2]"),
    "the same function": ("def g(): pass\ndef f(): return g", "assert f() is f() and f() is f()"),
    "the second argument": ("def f(a, b): return b", "a, b = 10 ** 20, 'b' * 50\nassert f(a, b) is b and f(b, a) is a and f(1, b) is b"),
    "the last of three": ("def f(a, b, c): return c", "t = (1, [2])\nassert f((0,), [3], t) is t"),
    "not an equal one": ("def f(a): return ('x' * 50)[:len(a)]", "a = 'x' * 40\nassert f(a) == a"),
}  # fmt: skip


@pytest.mark.parametrize("name", _COMES_BACK)
def test_what_comes_back_is_itself(name: str, judge_one: Callable[..., Verdict]) -> None:
    code, test = _COMES_BACK[name]
    verdict = judge_one(code, test)
    assert verdict.passed, verdict.feedback


_BOX = "class Box(list):\n    def __init__(self, *items, tag=None):\n        super().__init__(items)\n        self.tag = tag\n"
_BOX += "".join(
    f"class Named{number}({base}):\n    name = 7\n"
    for number, base in [("", "dict"), (2, "set"), (3, "collections.deque")]
)
_BOXES = {
    "made by the program": ("def f(): return Box(1, [2], tag='t')", "x = f()\nassert x == [1, [2]] and x.tag == 't' and type(x) is Box"),
    "holding itself": ("def f():\n    b = Box(1)\n    b.append(b)\n    b.tag = b\n    return b", "x = f()\nassert x[1] is x and x.tag is x and len(x) == 2"),
    "changed by the program": ("def f(b):\n    b.append(b.tag)\n    b.tag = [b[0]]", "x = Box(5, tag=6)\nf(x)\nassert x == [5, 6] and x.tag == [5]"),
    "changed by the test": ("kept = []\ndef f(b=None):\n    if b is not None: kept.append(b)\n    return [*kept[0], kept[0].tag]", "x = Box(1, tag=2)\nassert f(x) == [1, 2]\nx.append(3)\nassert f() == [1, 3, 2]\nx.tag = 4\nassert f() == [1, 3, 4]\nx[:], x.tag = [x], x\nassert f()[0] is x and f()[1] is x"),
    "only an attribute, in place": ("def f(b): b.tag.append(1)", "x = Box(5, tag=[])\nt = x.tag\nf(x)\nassert x.tag is t and t == [1] and x == [5]"),
    "a mapping": ("def f(d):\n    d['b'] = d.name\n    d.name += 1\n    d.more = d", "x = Named(a=1)\nf(x)\nassert x == {'a': 1, 'b': 7} and x.name == 8 and x.more is x"),
    "a set": ("def f(s):\n    s.add(s.name)\n    s.name = 9", "x = Named2([1])\nf(x)\nassert x == {1, 7} and x.name == 9"),
    "a deque": ("def f(q):\n    q.append(q.name)\n    q.name = list(q)", "x = Named3([1])\nf(x)\nassert list(x) == [1, 7] and x.name == [1, 7]"),
    "kept by the test": ("kept = []\ndef f(b=None):\n    if b is not None: kept.append(b)\n    return kept[0]", "x = Box(1, tag=2)\nf(x)\nx.append(3)\nx.tag = 4\nassert f() is x and f() == [1, 3] and f().tag == 4"),
}  # fmt: skip


@pytest.mark.parametrize("name", _BOXES)
def test_containers_of_the_tests_own_class(name: str, judge_one: Callable[..., Verdict]) -> None:
    code, test = _BOXES[name]
    verdict = judge_one(code, test, setup=_BOX)
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize("place", ["-1", "1", "true", "0.0", '"0"', "null", "[0]"])
def test_a_reply_that_names_no_argument_ends_the_run(place: str, judge_one: Callable[..., Verdict]) -> None:
    reply = f'["value", ["known", {place}], null]'
    code = (
        "import os, struct\ndef f(a):\n"
        f"    reply = {reply.encode()!r}\n    os.write(3, struct.pack('<I', len(reply)) + reply)\n    os._exit(0)\n"
    )
    verdict = judge_one(code, "assert f('abc') == 'abc'")
    assert (verdict.status, verdict.num_passed) == ("error", 0)
    right = judge_one(code.replace(f'"known", {place}', '"known", 0'), "assert f('abc') == 'abc'")
    assert right.passed, "zero is the place of the only one"


_DERIVED = {
    "SyntaxError('bad')": "(e.msg, str(e)) == ('bad', 'bad')",
    "SyntaxError('bad', ('a', 3, 2, 'x'))": "(e.msg, e.lineno, str(e)) == ('bad', 3, 'bad (a, line 3)')",
    "OSError(2, 'no', 'x')": "(e.errno, e.strerror, e.filename, str(e)) == (2, 'no', 'x', \"[Errno 2] no: 'x'\")",
    "ImportError('y')": "(e.msg, str(e)) == ('y', 'y')",
    "KeyError('k')": "(e.args, str(e)) == (('k',), \"'k'\")",
    "ValueError()": "(e.args, str(e)) == ((), '')",
    "UnicodeDecodeError('utf-8', b'x', 0, 1, 'bad')": "(e.reason, e.start, e.object) == ('bad', 0, b'x')",
}


@pytest.mark.parametrize("made", _DERIVED)
def test_an_exception_of_a_derived_class_keeps_what_its_base_holds(
    made: str, judge_one: Callable[..., Verdict]
) -> None:
    base, _, rest = made.partition("(")
    code = f"class E({base}): pass\ndef f(v): raise E({rest}"
    verdict = judge_one(code, f"try: f(1)\nexcept E as e: assert {_DERIVED[made]}\nelse: assert False")
    assert verdict.passed, verdict.feedback
