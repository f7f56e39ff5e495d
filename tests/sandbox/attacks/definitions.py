"""Classes that tests define, and that a program has a part in or gets: changed, forged, and called to mislead."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from tests.sandbox.attacks import Attack, against, table
from tests.sandbox.attacks.forgery import RAW

_LIAR = "class A:\n    def __eq__(s, o): return True\n    def __ne__(s, o): return False\n    def __hash__(s): return hash(WON)\n"
_BASE = "class Base:\n    def __init__(self, n=0): self.n = n\n    def run(self): return self.hook()\n"
_OPS = "import sys\nfr = sys._getframe()\nwhile 'link' not in fr.f_locals: fr = fr.f_back\nOPS = type(fr.f_locals['link'])._operate.__globals__['OPERATIONS']\n"
_DERIVED = "log = []\nclass C(Base):\n    def hook(self): log.append(self.n); return self.n\nassert C(3).run() == 739391 and log == [739391]"
_LENT = "log = []\nclass C:\n    def __init__(self): self.v = 5\n    def value(self): log.append(1); return self.v\nc = C()\nf(c)\nassert c.value() == 739391 and log == [1]"
_SEEN = "seen = []\nclass C:\n    def put(self, x): seen.append(x == 739391)\nf(C())\nassert seen == [True]"
_DATA = "from dataclasses import dataclass\n@dataclass\nclass S(Base):\n    x: int\nassert S(3).x + S(4).x == 739391"
_DECORATED = (
    "log = []\n@f\nclass C:\n    def value(self): log.append(1); return 5\nassert C().value() == 5 and log == [739391]"
)
_SUPER = "log = []\nclass C(Base):\n    def hook(self): log.append(super().hook()); return 5\nassert C().run() == 5 and log == [739391]"

DEFINITIONS = table({
    **against(_DERIVED, {
        "the list looked for": _BASE.replace("return self.hook()", "self.hook.__globals__['log'].append(WON); return WON"),
        "the list in closures": _BASE.replace("return self.hook()", "[c.cell_contents.append(WON) for c in type(self).hook.__closure__ or ()]; return WON"),
        "the method replaced": _BASE.replace("return self.hook()", "type(self).hook = lambda s: WON; return self.hook()"),
        "replaced as it is defined": _BASE + "    def __init_subclass__(cls): cls.hook = lambda s: WON\n",
        "the method called with another": _BASE.replace("return self.hook()", "type(self).hook(object()); return WON"),
        "the method called with a liar": _LIAR.replace("class A:", "class A:\n    n = 5") + _BASE.replace("return self.hook()", "type(self).hook(A()); return WON"),
        "the number a liar": _LIAR + _BASE.replace("return self.hook()", "self.n = A(); self.hook(); return WON"),
        "a number for the class": _OPS + _BASE + "OPS['build'] = lambda *a: 5\n",
        "a class that both sides have": _OPS + _BASE + "OPS['build'] = lambda *a: int\n",
        "a function for the class": _OPS + _BASE + "OPS['build'] = lambda *a: (lambda n: Base(n))\n",
        "its base for the class": _OPS + "class Base:\n    def __init__(s, n): pass\n    def run(s): return WON\nOPS['build'] = lambda *a: Base\n",
        "a class that makes itself": _OPS + _BASE + "class M(type):\n    def __call__(c, *a): return 5\nclass K(metaclass=M): pass\nOPS['build'] = lambda *a: K\n",
        "an answer forged as it is defined": RAW + _BASE + "    def __init_subclass__(cls): send(b'[\"value\", [\"type\", \"builtins\", \"int\"], null]')\n",
        "a class of the tests forged": RAW + _BASE + "    def __init_subclass__(cls): send(b'[\"value\", [\"ref\", 2], null]')\n",
        "a thousand subclasses": _BASE + "    def __init_subclass__(cls):\n        if cls.__name__ == 'C': cls.kinds = [type('K%d' % i, (cls,), {}) for i in range(1000)]\n",
        "never defined": _BASE + "    def __init_subclass__(cls):\n        while True: pass\n",
        "defined without end": _BASE + "    def __init_subclass__(cls): type('K', (cls,), {})\n",
        "exit as it is defined": _BASE + "    def __init_subclass__(cls): raise SystemExit(0)\n",
    }, about="derived"),
    **against(_LENT, {
        "the method replaced": "def f(c): type(c).value = lambda s: WON\n",
        "the method on the object": "def f(c): c.value = lambda: WON\n",
        "its state a liar": _LIAR + "def f(c): c.v = A()\n",
        "its class exchanged": "class D:\n    def value(s): return WON\ndef f(c): c.__class__ = D\n",
        "special methods set": "def f(c):\n    type(c).__getattribute__ = lambda s, n: lambda: WON\n    type(c).__getattr__ = lambda s, n: WON\n",
        "a data descriptor": "def f(c): type(c).v = property(lambda s: WON)\n",
        "special attributes": "def f(c):\n    vars(c)['__class__'] = int\n    vars(c)['__dict__'] = {'v': WON}\n",
        "the method called a million times": "def f(c):\n    while True: c.value()\n",
        "the method's number called": RAW + "def f(c):\n    for n in range(2, 40, 2):\n        send(json.dumps(['callback', 'call', n, [], {}, None]).encode())\n        get()\n",
        "class data in place of a method": RAW + "def f(c): send(b'[\"value\", null, [\"sync\", [[2, [\"value\"], [739391]], [4, [\"value\"], [739391]], [6, [\"value\"], [739391]]], []]]')\n",
        "an object forged": RAW + "def f(c): send(b'[\"value\", [\"instance\", 1, [\"ref\", 2], [\"__class__\", \"v\"], [1, 739391], null], null]')\n",
    }, about="lent"),
    **against(_SEEN, {
        "a liar": _LIAR + "def f(c): c.put(A())\n",
        "a number that lies": "class I(int):\n    def __eq__(s, o): return True\ndef f(c): c.put(I(5))\n",
        "nothing": "def f(c): pass\n",
        "what it noted, changed": "def f(c):\n    c.put(5)\n    c.seen = [True]\n    type(c).seen = [True]\n",
        "without the object": "def f(c): type(c).put(None, 5)\n",
    }, about="noted"),
    **against(_DATA, {
        "not a class": _OPS + _BASE + "OPS['dataclass'] = lambda *a: 5\n",
        "the class unchanged": _OPS + _BASE + "OPS['dataclass'] = lambda t, *a: t\n",
        "content that is none": _OPS + _BASE + "OPS['content'] = lambda *a: 5\n",
        "content without end": _OPS + _BASE + "OPS['content'] = lambda *a: [['__add__'] * 10**6, [[1]]]\n",
        "names that lie": _OPS + _LIAR + _BASE + "class T(str):\n    def __eq__(s, o): return True\n    def __hash__(s): return hash('__add__')\nOPS['content'] = lambda *a: [[T('x'), T('__class__'), A()], None]\n",
        "fields that lie": _OPS + _LIAR + _BASE + "OPS['content'] = lambda *a: [[], [[A(), 1, 1, 1, 1, int], ['x', A(), A(), A(), A(), A()]]]\n",
        "a patched library": "import dataclasses\ndataclasses.dataclass = lambda **k: lambda c: int\n" + _BASE,
    }, about="data class"),
    **against(_DECORATED, {
        "replaced": "def f(c):\n    class D:\n        def value(s): return 5\n    return D\n",
        "called by it": "def f(c):\n    c.value(c)\n    return c\n",
        "a number": "def f(c): return 5\n",
        "a class that both sides have": "def f(c): return int\n",
    }, about="decorated"),
    **against(_SUPER, {
        "a liar behind it": _LIAR + _BASE + "class Base(Base):\n    def hook(self): return A()\n",
        "forged": _OPS + _BASE + "OPS['super'] = lambda *a: (lambda: 5)\n",
        "nothing that can be called": _OPS + _BASE + "OPS['super'] = lambda *a: 5\n",
        "round and round": _BASE + "class Base(Base):\n    def hook(self): return type(self).hook(self)\n",
    }, about="super"),
    **against("class Case:\n    answer = f(3)\n    want = 739391\nassert Case.answer == Case.want and Case().answer == Case().want", {
        "a descriptor for the answer": "class f:\n    def __init__(s, x): pass\n    def __set_name__(s, owner, name): owner.want = 5\n    def __get__(s, i, o=None): return 5\n",
        "a descriptor that a function makes": "class D:\n    def __set_name__(s, owner, name): owner.want = 5\n    def __get__(s, i, o=None): return 5\ndef f(x): return D()\n",
        "a property": "def f(x): return property(lambda s: s.want)\n",
    }, about="class data"),
    "two classes of one name": Attack("class Base:\n    def run(self): return 'a'\n", ("class C(Base):\n    def hook(self): return 'a'\nassert C().hook() == 'a' and C().run() == 'a'", "class C(Base):\n    def hook(self): return 'b'\nassert C().run() == 'b'")),
    "the first of two classes of one name": Attack("def f(c): return kept.setdefault(type(c).__name__, c).v()\nkept = {}\n", ("class H:\n    def v(self): return 5\nassert f(H()) == 5", "class H:\n    def v(self): return 739391\nassert f(H()) == 739391")),
})  # fmt: skip
