"""Test the tests: change one place in a function at a time, and see whether a test fails.

    python tests/mutation.py --mutants 150 --seed 1 tests/core tests/shared_limiter

Each test runs once and notes which functions it calls. Each mutant is a forked process in which the changed function
takes the place of the right one. The tests that call it run until one fails, at most for `--seconds`; the mutant counts
as killed if that test passes in another fork without the change. Caches are emptied before each test: what an earlier
test left there could hide a change. Needs `os.fork`.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import gc
import mmap
import os
import random
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Final, NamedTuple

import pytest
from _pytest.runner import runtestprotocol

_ROOT: Final = Path(__file__).resolve().parent.parent
_PLACES: Final = ("asyncdbaas/_core/*.py", "asyncdbaas/ratelimit/*.py", "asyncdbaas/session.py")
_PAIRS: Final[dict[type[ast.AST], type[ast.AST]]] = {
    ast.Lt: ast.LtE,
    ast.Gt: ast.GtE,
    ast.Eq: ast.NotEq,
    ast.Is: ast.IsNot,
    ast.In: ast.NotIn,
    ast.Add: ast.Sub,
    ast.Mult: ast.Div,
    ast.And: ast.Or,
}
_OTHER: Final = _PAIRS | {second: first for first, second in _PAIRS.items()}
# Seconds for one test, above ten times those that it took: tests of processes are slow on a busy machine.
_ALLOWANCE: Final = 20

_Function = tuple[str, str]
"""The path of a file, and the qualified name of a function in it."""
_Changed = Sequence[tuple[FunctionType, CodeType]]


class _Mutant(NamedTuple):
    path: str
    outer: str
    """The outermost function around the change, whose code is replaced."""
    inner: str
    """The function that has to run to notice it."""
    node: int
    """Place of the node in `ast.walk`."""
    change: int
    """Which of the changes of this node."""
    shown: str


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """Yield what to change in a node: a field and its new value. Text and names stay as they are."""
    match node:
        case ast.Compare(ops=operators):
            for index, operator in enumerate(operators):
                yield "ops", [*operators[:index], _OTHER[type(operator)](), *operators[index + 1 :]]
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) | ast.BoolOp(op=operator) if type(operator) in _OTHER:
            yield "op", _OTHER[type(operator)]()
        case ast.Constant(value=int() | float() as number):
            yield "value", not number if isinstance(number, bool) else number + 1
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "operand", ast.UnaryOp(ast.Not(), operand)
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if not isinstance(test, (ast.Constant, ast.Compare, ast.UnaryOp)):  # these change themselves
                yield "test", ast.UnaryOp(ast.Not(), test)
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Return(value=ast.expr()) | ast.Assign() | ast.AnnAssign():
            if node.value is not None and not isinstance(node.value, ast.Constant):
                yield "value", ast.BoolOp(ast.And(), [ast.Constant(None), node.value])  # None, with the same free names
        case _:
            pass


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs with a node: no defaults, annotations, decorators or formatted text."""
    match node:
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            yield from body
        case ast.Lambda(body=result) | ast.AnnAssign(value=ast.expr() as result):
            yield result
        case ast.AnnAssign() | ast.JoinedStr():
            pass
        case _:
            yield from ast.iter_child_nodes(node)


def _mutants(path: Path) -> Iterator[_Mutant]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    places = {id(node): index for index, node in enumerate(ast.walk(tree))}

    def visit(node: ast.AST, scope: str, outer: str) -> Iterator[_Mutant]:
        for index, (field, value) in enumerate(_changes(node) if outer else ()):
            changed = copy.copy(node)
            setattr(changed, field, value)
            shown = f"{path.name}:{getattr(node, 'lineno', '')} {scope}: {_line(node)} -> {_line(changed)}"
            yield _Mutant(str(path), outer, scope, places[id(node)], index, shown)
        for part in _parts(node):
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                name = getattr(part, "name", "<lambda>")
                inner = f"{scope}.<locals>.{name}" if outer else f"{scope}.{name}" if scope else name
                begins = isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) and not outer
                yield from visit(part, inner, inner if begins else outer)
            else:
                yield from visit(part, scope, outer)

    return visit(tree, "", "")


def _line(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).splitlines()[0][:90]


def _mutated(mutant: _Mutant, current: CodeType) -> CodeType | None:
    """Return the changed code of a function, or None if it cannot take the place of the current one."""
    tree = ast.parse(Path(mutant.path).read_text(encoding="utf-8"))
    node = list(ast.walk(tree))[mutant.node]
    setattr(node, *list(_changes(node))[mutant.change])
    codes = [compile(ast.fix_missing_locations(tree), mutant.path, "exec", dont_inherit=True)]
    for code in codes:  # it grows
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    places = {(code.co_qualname, code.co_firstlineno): code for code in codes}
    code = places[current.co_qualname, current.co_firstlineno]
    return code if code.co_freevars == current.co_freevars else None


def _empty_caches() -> None:
    for name, module in list(sys.modules.items()):
        for value in list(vars(module).values()) if name.startswith("asyncdbaas") else ():
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


class Mutation:
    """The plugin of pytest that runs mutants in place of tests."""

    def __init__(self, mutants: int, seed: int, only: str, seconds: int) -> None:
        self._count, self._random, self._only, self._budget = mutants, random.Random(seed), only, seconds
        self._items: list[pytest.Item] = []
        self._seconds: dict[int, float] = {}
        """How long each test took that passed, by its number."""
        self._tests: defaultdict[_Function, list[int]] = defaultdict(list)
        self._killers: defaultdict[_Function, set[int]] = defaultdict(set)
        self._running = mmap.mmap(-1, 8)
        """The number of the test that a forked process runs."""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = session.items
        files = {str(path) for place in _PLACES for path in _ROOT.glob(place)}
        for number in range(len(self._items)):
            self._trace(number, files)
        possible = [mutant for path in sorted(files) for mutant in _mutants(Path(path)) if self._only in mutant.shown]
        _tell(f"{len(self._seconds)} of {len(self._items)} tests pass; {len(possible)} mutants are possible")
        results: Counter[str] = Counter()
        for mutant in self._random.sample(possible, min(self._count, len(possible))):
            result = self._judge(mutant)
            results[result] += 1
            if result != "killed":
                _tell(f"{result}: {mutant.shown}")
        _tell(f"{dict(results)}")
        return True

    def _trace(self, number: int, files: set[str]) -> None:
        called: set[_Function] = set()

        def note(frame: FrameType, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename in files:
                called.add((frame.f_code.co_filename, frame.f_code.co_qualname))

        _empty_caches()
        began = time.perf_counter()
        for module in (threading, sys):
            module.setprofile(note)
        try:
            reports = runtestprotocol(self._items[number], nextitem=None, log=False)
        finally:
            for module in (threading, sys):
                module.setprofile(None)
        if all(report.passed for report in reports):
            self._seconds[number] = time.perf_counter() - began
            for function in called:
                self._tests[function].append(number)

    def _judge(self, mutant: _Mutant) -> str:
        function = (mutant.path, mutant.inner)
        killers = self._killers[function]
        tests = sorted(self._tests[function], key=lambda number: (number not in killers, self._seconds[number]))
        place = (mutant.path, mutant.outer)
        targets = [each for each in gc.get_objects() if isinstance(each, FunctionType) and _place(each) == place]
        changed = [(target, code) for target in targets if (code := _mutated(mutant, target.__code__))]
        if not tests or not changed or len(changed) < len(targets):
            return "not run" if not tests else "not made"
        outcome, killer = self._run(tests, changed)
        if outcome != "survived":
            if self._run([killer], ())[0] != "survived":
                return f"unreliable test {self._items[killer].nodeid}"
            killers.add(killer)
        return outcome

    def _run(self, tests: Sequence[int], changed: _Changed) -> tuple[str, int]:
        """Run tests in a fork with changed functions, until one fails; return the outcome and the last test."""
        child = os.fork()
        if not child:
            status = 1
            try:
                os.setpgid(0, 0)
                silence = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silence, 1)
                os.dup2(silence, 2)
                for target, code in changed:
                    target.__code__ = code
                status = self._fails(tests)
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with suppress(ProcessLookupError):  # servers that a test has started
            os.killpg(child, signal.SIGKILL)
        outcome = {0: "survived", -signal.SIGALRM: "timed out"}.get(status, "killed")
        return outcome, int.from_bytes(self._running[:], "little")

    def _fails(self, tests: Sequence[int]) -> bool:
        ends = time.monotonic() + self._budget
        for number in tests:
            self._running[:] = number.to_bytes(8, "little")
            _empty_caches()
            signal.alarm(_ALLOWANCE + int(10 * self._seconds[number]))
            if any(report.failed for report in runtestprotocol(self._items[number], nextitem=None, log=False)):
                return True
            if time.monotonic() > ends:
                break
        return False


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- a command; a fork must not print it again


def _place(function: FunctionType) -> _Function:
    return function.__code__.co_filename, function.__code__.co_qualname


def main() -> None:
    """Run the tests, then a sample of the mutants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="+", help="files or folders of tests")
    parser.add_argument("--mutants", type=int, default=150, help="how many to draw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a part of the lines that name the mutants")
    parser.add_argument("--seconds", type=int, default=60, help="most seconds for the tests of one mutant")
    given = parser.parse_args()
    mutation = Mutation(given.mutants, given.seed, given.only, given.seconds)
    sys.exit(
        pytest.main(["-q", "-s", "-n0", "--tb=native", "-p", "no:cacheprovider", *given.tests], plugins=[mutation])
    )


if __name__ == "__main__":
    main()
