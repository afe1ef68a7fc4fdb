# SPDX-License-Identifier: MIT
"""Tests that no content of a configuration file, however odd, ends in anything but settings or problems."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from camwatchd.adapters.config import Loaded, load
from camwatchd.adapters.config_tables import tables
from camwatchd.adapters.config_text import effective, example
from camwatchd.adapters.config_toml import dotted, literal
from camwatchd.core.settings import CameraSettings, ScriptedFault, Settings
from camwatchd.errors import ConfigError, Problem

SETTINGS = Settings(cameras=(CameraSettings(backend="simulated", fault=(ScriptedFault(),)),))
KEYS = [
    (dotted(table.path), name, table.listed)
    for table in tables(SETTINGS)
    if table.path
    for name in table.section.keys
]

no_deadline = settings(deadline=None)  # each example writes and reads a file

TEXT = st.text(max_size=12)
SCALARS = (
    st.booleans() | st.integers() | st.integers(-1, 100) | st.floats() | TEXT
    | st.sampled_from(["auto", "simulated", "retry", "restart-stream", "recover", "stall", "3", "true"])
    | st.datetimes().map(lambda moment: moment.replace(fold=0)) | st.dates()
    | st.times().map(lambda time: time.replace(fold=0))
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
WORDS = TEXT | st.sampled_from(
    [name for _, name, _ in KEYS] + ["camera", "ladder", "cam0", "retry", "restart-worker"]
)
DOCUMENTS = st.dictionaries(
    WORDS,
    st.recursive(VALUES, lambda inner: st.dictionaries(WORDS, inner, max_size=3), max_leaves=8),
    max_size=3,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def _attempt(root: Path, content: str | bytes) -> Loaded | tuple[Problem, ...]:
    (root / "config.toml").write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        return load(root / "config.toml", root / "conf.d")
    except ConfigError as error:
        return error.problems


def _document(table: str, name: str, listed: bool, value: Any) -> str:
    """A file that sets one key; a script needs a simulated camera around it."""
    simulated = 'camera.cam0.backend = "simulated"\n' if "fault" in f"{table}.{name}" else ""
    inner = (
        f"{table} = [{{ {name} = {literal(value)} }}]" if listed else f"{table}.{name} = {literal(value)}"
    )
    return f"{simulated}{inner}\n"


@given(value=VALUES)
def test_literals_are_toml(value: Any) -> None:
    """Every value is spelt so that TOML reads the same value back."""
    back = tomli.loads(f"value = {literal(value)}")["value"]

    assert repr(back) == repr(value)


@no_deadline
@given(key=st.sampled_from(KEYS), value=VALUES)
def test_any_value_at_any_key(root: Path, key: tuple[str, str, bool], value: Any) -> None:
    """Any value at any key either holds and is told with its file, or is a problem with file and key."""
    table, name, listed = key
    result = _attempt(root, _document(*key, value))

    file = str(root / "config.toml")
    if isinstance(result, Loaded):
        assert result.settings == _load_again(root, result).settings
        assert file in result.origins.values() or not value
    else:
        where = f"{table}[0].{name}" if listed else f"{table}.{name}"
        assert {problem.file for problem in result} == {file}
        assert all(problem.key.startswith(where) for problem in result)


def _load_again(root: Path, loaded: Loaded) -> Loaded:
    (root / "again.toml").write_text(effective(loaded))
    return load(root / "again.toml", root / "conf.d")


@no_deadline
@given(document=DOCUMENTS)
def test_any_document(root: Path, document: dict[str, Any]) -> None:
    """Any tables and keys either load, and print and load again, or are problems with a hint."""
    result = _attempt(
        root, "".join(f"{dotted((name,))} = {literal(value)}\n" for name, value in document.items())
    )

    if isinstance(result, Loaded):
        assert result.settings == _load_again(root, result).settings
    else:
        assert all(problem.key and problem.expected and problem.hint for problem in result)


@no_deadline
@given(content=st.binary(max_size=40) | TEXT.map(str.encode))
def test_any_bytes(root: Path, content: bytes) -> None:
    """A file of any bytes loads or is a problem that names it."""
    result = _attempt(root, content)

    assert isinstance(result, Loaded) or {problem.file for problem in result} == {str(root / "config.toml")}


SHIPPED = re.sub(r"(?m)^#(?=\w+ = |\[)", "", re.sub(r"(?m)^# .*\n|^#\n", "", example()))
LINES = [line for line in SHIPPED.splitlines() if line]
EDITS = st.tuples(
    st.integers(0, len(LINES)), st.integers(0, 4), st.sampled_from([*LINES, "]", '"', "="]) | TEXT
)


@no_deadline
@given(st.lists(EDITS, max_size=3))
def test_any_slip_in_the_shipped_file(root: Path, edits: list[tuple[int, int, str]]) -> None:
    """The shipped file, all keys on, with lines lost, doubled, moved or spoilt, loads or says what is wrong."""
    lines = LINES[:]
    for at, lost, instead in edits:
        lines[at : at + lost] = [instead]
    result = _attempt(root, "\n".join(lines) + "\n")

    if isinstance(result, Loaded):
        assert result.settings == _load_again(root, result).settings
    else:
        assert all(problem.expected and problem.hint for problem in result)
        assert all(line.isprintable() for problem in result for line in str(problem).splitlines())


@no_deadline
@given(st.floats(allow_nan=True, allow_infinity=True))
def test_numbers_stay_finite(root: Path, value: float) -> None:
    """No setting is ever NaN or infinite: deadlines are computed from them."""
    result = _attempt(root, f"[camera.cam0.checks]\nfrozen_after = {literal(value)}\n")

    assert not isinstance(result, Loaded) or math.isfinite(result.settings.cameras[0].checks.frozen_after)
