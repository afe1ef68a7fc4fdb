# SPDX-License-Identifier: MIT
"""The shape of the code, read from its syntax: who may import whom, what may not be called, how long things are."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What is pure: no clock, no randomness, no input or output. `signal` for the names of signals only.
_PURE = {
    "collections", "collections.abc", "dataclasses", "enum", "functools", "itertools", "json", "math", "re",
    "signal", "statistics", "types", "typing",
}  # fmt: skip

# Who may import whom: a layer sees itself and what stands to its right. Worker and supervisor are processes of
# their own and share only the core. The first prefix that fits names the layer of a module.
_LAYERS = {
    "camwatchd.core": ("core", ()),
    "camwatchd.errors": ("core", ()),
    "camwatchd.ports": ("ports", ("core",)),
    "camwatchd.adapters": ("adapters", ("ports", "core")),
    "camwatchd.cameras": ("cameras", ("ports", "core")),
    "camwatchd.frames": ("frames", ("cameras", "ports", "core")),
    "camwatchd.control": ("control", ("adapters", "ports", "core")),
    "camwatchd.client": ("client", ("frames", "control", "core")),
    "camwatchd.examples": ("examples", ("client",)),
    "camwatchd.worker": ("worker", ("frames", "adapters", "cameras", "ports", "core")),
    "camwatchd.recorder": ("recorder", ("adapters", "ports", "core")),
    "camwatchd.doctor": ("doctor", ("supervisor", "control", "adapters", "ports", "core")),
    "camwatchd.__main__": ("top", ("supervisor", "control", "adapters", "cameras", "ports", "core")),
    "camwatchd.cli": (
        "top",
        ("doctor", "client", "supervisor", "control", "adapters", "cameras", "ports", "core"),
    ),
    "camwatchd.demo": ("top", ("supervisor", "control", "adapters", "cameras", "ports", "core")),
    "camwatchd.": ("supervisor", ("control", "frames", "adapters", "ports", "core")),
    "camwatchd": ("core", ()),  # the version, and where the configuration is
}
# Signs inform. Who may know of them: themselves, and who hands them on to humans or keeps them.
_SIGNS = {"camwatchd.core.signs", "camwatchd.core.circumstances", "camwatchd.core.days", "camwatchd.outlook"}
_MAY_KNOW_SIGNS = (*_SIGNS, "camwatchd.post", "camwatchd.cli.", "camwatchd.doctor.")
_ACTS = {"escalation", "ladder", "attempts", "climbing", "lastrungs", "budget", "lease", "orders", "state"}
_HEAVY = {"numpy", "picamera2", "libcamera"}
_MAY_BE_HEAVY = (
    "camwatchd.adapters.picture",
    "camwatchd.cameras.",
    "camwatchd.client.",
    "camwatchd.frames.",
    "camwatchd.worker",
)

_WALL_CLOCK = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
# The time of day in log lines, on the terminal of whoever asks, and in what is told of a frame.
# For display; and for the time window of [reboot], which is of the clock by its nature.
_MAY_TELL_THE_TIME = {
    "camwatchd.adapters.console",
    "camwatchd.adapters.log",
    "camwatchd.adapters.machine",
    "camwatchd.cli.when",
    "camwatchd.examples.motion",
    "camwatchd.examples.recorder",
    "camwatchd.frames.publisher",
}
_MAY_SWALLOW = {"camwatchd.cameras.mishaps"}  # a simulated call that hangs below Python hears no exception


@dataclass(frozen=True, slots=True)
class Module:
    """One file of ours."""

    name: str
    path: Path
    source: str
    tree: ast.Module

    def imports(self) -> set[str]:
        """Every module it imports, wherever in the file."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {self._target(node, alias.name) for alias in node.names}
        return found

    def functions(self) -> Iterator[ast.FunctionDef]:
        """Functions and methods, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef))

    def _target(self, node: ast.ImportFrom, name: str) -> str:
        module = node.module or ""
        submodule = ROOT.joinpath(*module.split("."), name)
        return f"{module}.{name}" if submodule.with_suffix(".py").exists() or submodule.is_dir() else module


@cache
def _read(folder: str) -> list[Module]:
    modules = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        source = path.read_text()
        modules.append(Module(name, path, source, ast.parse(source)))
    return modules


# Read by the first test that asks, not on import: every worker of xdist imports this file, and one runs it.
def ours() -> list[Module]:
    """The package."""
    return _read("camwatchd")


def our_tests() -> list[Module]:
    """Its tests."""
    return _read("tests")


def _layer(module: str) -> tuple[str, tuple[str, ...]]:
    fits = (layer for prefix, layer in _LAYERS.items() if f"{module}.".startswith(prefix))
    return _LAYERS[module] if module in _LAYERS else next(fits)


def test_the_core_is_pure() -> None:
    """The core imports itself and what has no clock, no input, no output and no randomness; nothing else."""
    core = [module for module in ours() if module.name.startswith("camwatchd.core")]
    strangers = {
        f"{module.name} imports {name}"
        for module in core
        for name in module.imports()
        if not name.startswith("camwatchd.core") and name not in _PURE
    }

    assert len(core) > 10
    assert strangers == set()


# What does without an import: files, terminals, and code that no reader of the syntax sees.
_IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "compile", "__import__", "breakpoint"}


def _names(module: Module) -> Iterator[str]:
    """The names that a module uses, whether it calls them or hands them on."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def test_the_core_does_nothing() -> None:
    """No file is opened in the core, nothing printed, asked for or run: what needs no import is forbidden too."""
    wrong = {
        f"{module.name} uses {name}"
        for module in ours()
        for name in _names(module)
        if module.name.startswith("camwatchd.core") and name in _IMPURE_CALLS
    }

    assert wrong == set()


def test_imports_run_one_way() -> None:
    """Everything depends on the core, and the core on nothing; worker and supervisor know nothing of each other."""
    wrong = [
        f"{module.name} imports {name}"
        for module in ours()
        for name in sorted(module.imports())
        if name.startswith("camwatchd") and not _may_import(module.name, name)
    ]

    assert wrong == []


def _may_import(module: str, name: str) -> bool:
    own, below = _layer(module)
    return _layer(name)[0] in (own, *below)


def test_nothing_that_decides_knows_of_signs() -> None:
    """They inform, and never act: whatever decides or does imports nothing of them, and they nothing of it."""
    curious = {
        f"{module.name} imports {name}"
        for module in ours()
        for name in module.imports() & _SIGNS
        if not module.name.startswith(_MAY_KNOW_SIGNS)
    }
    acting = {
        f"{module.name} imports {name}"
        for module in ours()
        if module.name in _SIGNS
        for name in module.imports() & {f"camwatchd.core.{decides}" for decides in _ACTS}
    }

    assert curious | acting == set()


def test_a_post_tells_its_outlook_and_asks_it_for_the_time_only() -> None:
    """What the outlook gives back is dropped, but for when it wants to be called: no event or branch comes of it."""
    (post,) = (module for module in ours() if module.name == "camwatchd.post")
    dropped = {
        id(node.value.func)
        for node in ast.walk(post.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    }
    uses = [
        node
        for node in ast.walk(post.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node).startswith("self.outlook.")
    ]
    asked = {ast.unparse(node) for node in uses if id(node) not in dropped}

    assert len(uses) > 5
    assert asked == {"self.outlook.deadline"}


def test_only_workers_import_camera_libraries() -> None:
    """numpy, picamera2 and libcamera are named in no module of the supervisor's process."""
    wrong = [
        f"{module.name} imports {name}"
        for module in ours()
        for name in module.imports()
        if name.partition(".")[0] in _HEAVY and not module.name.startswith(_MAY_BE_HEAVY)
    ]

    assert wrong == []


@pytest.mark.parametrize(
    "module", ["supervisor", "__main__", "adapters.log", "adapters.notify", "cli", "demo"]
)
def test_the_supervisors_process_loads_no_camera_library(module: str) -> None:
    """A fresh interpreter that has imported it holds neither numpy nor picamera2 nor libcamera."""
    code = f"import camwatchd.{module}, sys; print(*set({sorted(_HEAVY)}) & sys.modules.keys())"

    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert output.strip() == ""


def test_only_the_log_reads_the_wall_clock() -> None:
    """A Pi has no battery clock: only what a human reads comes from the time of day."""
    wrong = [
        f"{module.name}:{node.lineno}: {ast.unparse(node)}"
        for module in ours()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in _WALL_CLOCK
        if module.name not in _MAY_TELL_THE_TIME
    ]
    direct = [
        f"{module.name}:{node.lineno}: {ast.unparse(node)}"
        for module in ours()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"  # would hide which clock is read
    ]

    assert wrong + direct == []


def test_no_exception_is_swallowed_unseen() -> None:
    """Nothing catches every exception only to go on as if nothing had been."""
    wrong = [
        f"{module.name}: {ast.unparse(node)}"
        for module in ours() + our_tests()
        for node in ast.walk(module.tree)
        if (_swallows(node) or _suppresses(node)) and module.name not in _MAY_SWALLOW
    ]

    assert wrong == []


def _swallows(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    everything = node.type is None or _names_everything(node.type)
    return everything and all(_does_nothing(statement) for statement in node.body)


def _suppresses(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("suppress"):
        return False
    return any(_names_everything(argument) for argument in node.args)


def _names_everything(node: ast.expr) -> bool:
    return ast.unparse(node) in ("Exception", "BaseException")


def _does_nothing(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or isinstance(node, ast.Pass | ast.Continue)


def test_every_file_says_its_licence_and_what_it_owns() -> None:
    """The first line is the licence, and a docstring follows; only an empty file needs neither."""
    wrong = [
        module.name
        for module in ours() + our_tests()
        if module.source and ".guest." not in module.name  # parts of another machine
        if not module.source.startswith(("# SPDX-License-Identifier: MIT\n", "#!"))
        or not ast.get_docstring(module.tree)
    ]

    assert wrong == []
    assert [module.name for module in ours() if not module.source] == []


def test_every_test_states_its_rule() -> None:
    """Each test function has a docstring: the rule that it proves."""
    tests = [(module, f) for module in our_tests() for f in module.functions() if f.name.startswith("test_")]
    silent = [f"{module.name}.{f.name}" for module, f in tests if not ast.get_docstring(f)]

    assert len(tests) > 100
    assert silent == []


def _length(function: ast.FunctionDef) -> int:
    """Lines of the body without its docstring; 0 for a Protocol's method, which has nothing else."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    body = [statement for statement in body if not _does_nothing(statement)]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_are_short() -> None:
    """Half of all functions have at most 8 lines, nine of ten less than 30."""
    lengths = [length for module in ours() for f in module.functions() if (length := _length(f))]

    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=10)[-1] < 30


def test_files_are_short() -> None:
    """A file has at most 500 lines."""
    long = {m.name: lines for m in ours() + our_tests() if (lines := len(m.source.splitlines())) > 500}

    assert long == {}
