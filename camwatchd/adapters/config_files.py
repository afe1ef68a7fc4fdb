# SPDX-License-Identifier: MIT
"""Owns the first stage of the configuration: the files as written, and what is wrong with whole files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

from camwatchd.errors import Problem


@dataclass(frozen=True, slots=True)
class Fragment:
    """One file as written."""

    file: str
    data: dict[str, Any]


def fragments(main: Path, drop_ins: Path, *, needed: bool = False) -> Iterator[Fragment | Problem]:
    """The files in the order in which they are applied. A missing main file leaves the defaults, if none is needed."""
    if not _missing(main):
        yield _fragment(main)
    elif needed:
        hint = "check the path after --config; without that the usual file is read, and may be missing"
        yield Problem(printable(str(main)), "", "", "a file that is there", hint)
    try:
        names = sorted(path.name for path in drop_ins.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        yield _unreadable(drop_ins, error)
        return
    yield from (_fragment(drop_ins / name) for name in names if name.endswith(".toml") and name[0] != ".")


def _missing(path: Path) -> bool:
    """Really not there: neither a broken link nor a directory that may not be searched."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _fragment(path: Path) -> Fragment | Problem:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return Fragment(printable(str(path)), tomli.loads(text))
    except UnicodeDecodeError as error:
        return _undecodable(path, error)
    except OSError as error:
        return _unreadable(path, error)
    except (
        ValueError,
        RecursionError,
    ) as error:  # beyond TOMLDecodeError: too long a number, too deep a list
        return _malformed(path, text, str(error))


def _unreadable(path: Path, error: OSError) -> Problem:
    hint = "the daemon's user must be able to read it; check owner, mode and links"
    return Problem(
        printable(str(path)), "", "", f"a readable file or directory, got: {error.strerror}", hint
    )


def _undecodable(path: Path, error: UnicodeDecodeError) -> Problem:
    before = error.object[: error.start].split(b"\n")
    hint = "save the file as UTF-8"
    return Problem(printable(str(path)), "", "", "UTF-8 text", hint, len(before), len(before[-1]) + 1)


def _malformed(path: Path, text: str, error: str) -> Problem:
    """tomli 2.0 tells the place in its text alone."""
    lines = text.split("\n")
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", error)
    line, column = (int(n or 0) for n in place.groups()) if place else (0, 0)
    if place and not line:
        line, column = len(lines), len(lines[-1]) + 1
    quote = printable(lines[line - 1].strip()[:80]) if line else ""
    what = error[: place.start()] if place else error
    hint = "text needs quotes, true and false none; each table and key may stand only once in a file"
    return Problem(printable(str(path)), "", quote, f"valid TOML, got: {what}", hint, line, column)


def printable(text: str) -> str:
    """The text as it can stand in one line of any output."""
    return text if text.isprintable() else ascii(text)
