"""Values of all kinds, captured output, and mocked input. Each program gets the verdict that one interpreter gives for program and tests."""

# ruff: noqa: E501 - programs are easier to read on one line
from __future__ import annotations

from collections.abc import Callable

import pytest

from mucode_core.types import Verdict

ROWS: list[tuple[str, str, str, str, bool]] = [
    ("def f(x): return []", "assert f(1)", "", "f", False),
    ("class L:\n    def __len__(s): return 0\ndef f(x): return L()", "assert f(1)", "", "f", False),
    ("def f(x): return 1", "assert f(1) is True", "", "f", False),
    ("def f(x): return x>0", "assert f(1) is True and f(0) is False and f(1)==1", "", "f", True),
    ("def f(x): return float(2**53+1)", "assert f(1)==2**53+1", "", "f", False),
    ("def f(x): return 2**200+1", "assert f(1)==2**200+1 and f(1)!=float(2**200)", "", "f", True),
    (
        "import numpy as np\ndef f(x): return np.array([])",
        "import numpy as np\nassert f(1).size==0 and f(1).shape==(0,)",
        "",
        "f",
        True,
    ),
    (
        "import numpy as np\ndef f(x): return np.ones((2,3))",
        "assert np.allclose(f(1),np.ones((2,3))) and f(1).shape==(2,3) and f(1).dtype==np.float64\nassert (f(1)==1).all()",
        "",
        "f",
        True,
    ),
    (
        "import numpy as np\ndef f(x): return np.int64(4)",
        "assert f(1)==4 and isinstance(f(1),np.integer)",
        "",
        "f",
        True,
    ),
    (
        "import math\ndef f(): return math.nan",
        "import math\nassert f()!=f() and [f()]==[math.nan] and f() is math.nan",
        "",
        "f",
        True,
    ),
    ("n=float('nan')\ndef f(): return n", "assert f() is f() and [f()]==[f()]", "", "f", True),
    ("def f(): return float('nan')", "assert [f()]==[f()]", "", "f", False),
    (
        "def f(): return -0.0",
        "import math\nassert math.copysign(1,f())==-1 and f()==0 and str(f())=='-0.0'",
        "",
        "f",
        True,
    ),
    (
        "from collections import defaultdict\ndef f():\n    d=defaultdict(list)\n    d['a'].append(1)\n    return d",
        "d=f()\nassert d=={'a':[1]} and d['q']==[] and d.default_factory is list and type(d).__name__=='defaultdict'",
        "",
        "f",
        True,
    ),
    (
        "from collections import defaultdict\ndef f(): return defaultdict(lambda: 7)",
        "assert f()['q']==7",
        "",
        "f",
        True,
    ),
    (
        "from collections import Counter,OrderedDict,deque\ndef f(): return Counter('aab'),OrderedDict(a=1),deque([1],3)",
        "a,b,c=f()\nassert a.most_common(1)==[('a',2)] and b.popitem()==('a',1) and c.maxlen==3 and a['z']==0",
        "",
        "f",
        True,
    ),
    ("def f(): return range(10**15)", "r=f()\nassert len(r)==10**15 and r[10**14]==10**14 and 5 in r", "", "f", True),
    (
        "def f(n): return {x*7%11 for x in range(n)}|{100,3,55}",
        "assert isinstance(f(8),set) and list(f(8))==list({x*7%11 for x in range(8)}|{100,3,55})",
        "",
        "f",
        True,
    ),
    ("def f(n): return list(range(n))", "x=f(2_500_000)\nassert len(x)==2500000 and x[-1]==2499999", "", "f", True),
    ("def f(n): return ','*n", "assert len(f(3_000_000))==3000000", "", "f", True),
    (
        "def f(n):\n    a=[]\n    for _ in range(n): a=[a]\n    return a",
        "x=f(120)\nd=0\nwhile x:\n    x=x[0];d+=1\nassert d==120",
        "",
        "f",
        True,
    ),
    (
        "def f(n):\n    a=()\n    for _ in range(n): a=(a,)\n    return a",
        "x=f(120)\nd=0\nwhile x:\n    x=x[0];d+=1\nassert d==120",
        "",
        "f",
        True,
    ),
    (
        "def f(n):\n    a={}\n    for _ in range(n): a={'k':a}\n    return a",
        "x=f(500)\nd=0\nwhile x:\n    x=x['k'];d+=1\nassert d==500",
        "",
        "f",
        True,
    ),
    (
        "def f(): print('hi'); print(1,2,sep='-',end='')",
        "import io,contextlib\nb=io.StringIO()\nwith contextlib.redirect_stdout(b):\n    f()\nassert b.getvalue()=='hi\\n1-2'",
        "",
        "f",
        True,
    ),
    (
        "def f(): print('hi')",
        "import io,sys\no=sys.stdout\nsys.stdout=io.StringIO()\nf()\nv=sys.stdout.getvalue()\nsys.stdout=o\nassert v=='hi\\n'",
        "",
        "f",
        True,
    ),
    (
        "def f(): return int(input('?'))+int(input())",
        "from unittest.mock import patch\nwith patch('builtins.input',side_effect=['3','4']):\n    assert f()==7",
        "",
        "f",
        True,
    ),
    (
        "def f(): return input()",
        "from unittest import mock\n@mock.patch('builtins.input',return_value='z')\ndef t(m):\n    assert f()=='z'\n    m.assert_called_once()\nt()",
        "",
        "f",
        True,
    ),
    (
        "import sys\ndef f(): return [l.strip() for l in sys.stdin]",
        "import sys,io\nsys.stdin=io.StringIO('a\\nb\\n')\nassert f()==['a','b']",
        "",
        "f",
        True,
    ),
    (
        "def f(): return input()+input()",
        "import sys,io\nsys.stdin=io.StringIO('a\\nb\\n')\nassert f()=='ab'",
        "",
        "f",
        True,
    ),
    (
        "def f(): print('x')",
        "from unittest.mock import patch\nwith patch('builtins.print') as p:\n    f()\np.assert_called_once_with('x')",
        "",
        "f",
        True,
    ),
    (
        "from datetime import datetime,timezone,timedelta\ndef f(): return datetime(2020,1,1,tzinfo=timezone.utc)",
        "from datetime import *\nassert f()==datetime(2020,1,1,tzinfo=timezone.utc) and f().utcoffset()==timedelta(0)",
        "",
        "f",
        True,
    ),
    ("def f(): return (x for x in [1,2])", "assert list(f())==[1,2]", "", "f", True),
    ("def f(): return map(str,[1,2])", "assert list(f())==['1','2']", "", "f", True),
    ("def f(): return zip([1],[2])", "assert list(f())==[(1,2)] and isinstance(f(),zip)", "", "f", True),
    (
        "def f(d): return d.keys(),d.values(),d.items()",
        "k,v,i=f({'a':1})\nassert list(k)==['a'] and list(v)==[1] and list(i)==[('a',1)] and k=={'a'}",
        "",
        "f",
        True,
    ),
    ("def f(x): return type(x)", "assert f(1) is int and f([]) is list and f('').__name__=='str'", "", "f", True),
    ("def f(): return None", "assert f() is None\nassert f() == None", "", "f", True),
    ("def f(): return NotImplemented", "assert f() is NotImplemented", "", "f", True),
    ("def f(): return ...", "assert f() is ...", "", "f", True),
    ("def f(): return len", "assert f()([1])==1", "", "f", True),
    (
        "def f(): return b'ab',bytearray(b'c'),1j,frozenset([1])",
        "assert f()==(b'ab',bytearray(b'c'),1j,frozenset([1]))",
        "",
        "f",
        True,
    ),
    (
        "from fractions import Fraction\nfrom decimal import Decimal\ndef f(): return Fraction(1,3),Decimal('1.50')",
        "from fractions import Fraction\nfrom decimal import Decimal\na,b=f()\nassert a==Fraction(1,3) and str(b)=='1.50'",
        "",
        "f",
        True,
    ),
    (
        "from types import SimpleNamespace as S\ndef f(): return S(a=1)",
        "from types import SimpleNamespace as S\nassert f()==S(a=1) and f().a==1",
        "",
        "f",
        True,
    ),
    (
        "import numpy as np\ndef f(a): return np.array(['b', 'cde']), np.array([b'x']), np.datetime64('2020-01-01') + np.timedelta64(1, 'D'), np.array(['2020-03', 'NaT'], 'M8[M]')",
        "import numpy as np\nu, s, d, m = f(1)\nassert u.dtype == '<U3' and u.tolist() == ['b', 'cde'] and s.dtype.kind == 'S' and s[0] == b'x'\nassert d == np.datetime64('2020-01-02') and d.dtype == 'M8[D]' and str(m[0]) == '2020-03' and np.isnat(m[1])",
        "",
        "f",
        True,
    ),
    (
        "import numpy as np\ndef f(a): a[0] = 'zz'",
        "import numpy as np\nx = np.array(['abc', 'd'])\nf(x)\nassert x.tolist() == ['zz', 'd'] and x.dtype == '<U3'",
        "",
        "f",
        True,
    ),
    (
        "import numpy as np\ndef f(a): return np.array(['b'])",
        "import numpy as np\nassert f(1).dtype == '<U3'",
        "",
        "f",
        False,
    ),
    (
        "import numpy as np\ndef f(a): return np.int64, np.ndarray, a.dtype, np.dtype('<U4')",
        "import numpy as np\ni, n, d, u = f(np.arange(3.0))\nassert i is np.int64 and n is np.ndarray and d == np.float64 and d is not int and u.itemsize == 16",
        "",
        "f",
        True,
    ),
    (
        "import numpy as np\ndef f(a): return np.linalg.inv(np.zeros((2, 2)))",
        "import numpy as np\ntry: f(1)\nexcept np.linalg.LinAlgError as e: assert str(e) == 'Singular matrix'\nelse: assert False",
        "",
        "f",
        True,
    ),
    (
        "def f(x): return type(x)",
        "import types\nassert f(None) is type(None) and f(...) is type(...) and f(len).__name__ == 'builtin_function_or_method' and f(lambda: 0) is types.FunctionType and f(1) is int",
        "",
        "f",
        True,
    ),
    ("def f(x): return type(None)", "assert f(1) is type(...)", "", "f", False),
]
"""Program, test, setup, entry point, and whether the test passes."""


@pytest.mark.parametrize(("code", "test", "setup", "entry_point", "passes"), ROWS)
def test_values(
    judge_one: Callable[..., Verdict], code: str, test: str, setup: str, entry_point: str, passes: bool
) -> None:
    verdict = judge_one(code, test, setup=setup, entry_point=entry_point)
    assert verdict.passed is passes, verdict.feedback


def test_times_keep_their_zones(judge_one: Callable[..., Verdict]) -> None:
    code = (
        "import datetime, zoneinfo\ndef f(d): return d.astimezone(zoneinfo.ZoneInfo('Asia/Tokyo'))\ndef g(d): return d\n"
        "def h(): return datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5), 'PK'))"
    )
    aware = "d = datetime.datetime(2020, 7, 1, tzinfo=zoneinfo.ZoneInfo('America/New_York'))"
    tests = (
        f"import datetime, zoneinfo\n{aware}\nr = f(d)\nassert r == d and str(r.tzinfo) == 'Asia/Tokyo' and r.tzname() == 'JST'",
        "import datetime\nassert h().tzname() == 'PK' and h().utcoffset() == datetime.timedelta(hours=5)",
        "import datetime\nnow = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)\nassert g(now).tzinfo is datetime.timezone.utc",
    )
    verdict = judge_one(code, *tests)
    assert verdict.passed, verdict.feedback
