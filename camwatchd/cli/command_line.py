# SPDX-License-Identifier: MIT
"""Owns what is said of a wrong command line: the usage of the verb that was meant, and what was probably meant."""

import argparse
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from camwatchd.errors import ExitStatus

UNKNOWN = 3  # to monitoring systems 2 would be a camera in need
_CHOICE = re.compile(r"invalid choice: '?([^' ]+)'? \(choose from (.+)\)")


class UsageError(SystemExit):
    """The command line is wrong: what of it, and for whose parser."""

    def __init__(self, parser: argparse.ArgumentParser, message: str) -> None:
        super().__init__(int(ExitStatus.EX_USAGE))
        self.parser, self.message = parser, message

    @property
    def hint(self) -> str:
        """What was probably meant, and where to look."""
        near = _near(self.message, self.parser)
        return f"{f'did you mean {near}? ' if near else ''}see: {self.parser.prog} --help"


class Parser(argparse.ArgumentParser):
    """Leaves it to its caller to say what is wrong."""

    def error(self, message: str) -> NoReturn:
        """argparse has found a mistake."""
        raise UsageError(self, message)

    def _print_message(self, message: str, file: Any = None) -> None:
        """argparse keeps still about an output that takes nothing."""
        if file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def lacks_verb(argv: Sequence[str]) -> bool:
    """Whether behind the command's own options there is nothing, or an option: that of the status is meant."""
    words = iter(argv)
    for word in words:
        name, given, _ = word.partition("=")
        if not _means(name, "--socket"):
            return (
                word.startswith("-") and word not in ("-h", "--") and not _means(word, "--help", "--version")
            )
        if not given:
            next(words, "")
    return True


def _means(word: str, *options: str) -> bool:
    """Options may be abbreviated."""
    return len(word) > 2 and any(option.startswith(word) for option in options)


def behind(verb: str, argv: Sequence[str]) -> str:
    """What is wrong where a verb comes behind its options."""
    rest = list(argv)
    rest.remove(verb)
    return f"options come behind their verb: {shlex.join(['camwatchctl', verb, *rest])}"


def near(word: str, known: Iterable[str]) -> str:
    """Which of these was probably meant; empty: none is like it."""
    return next(iter(get_close_matches(word, list(known), 1)), "")


def _near(message: str, parser: argparse.ArgumentParser) -> str:
    if found := _CHOICE.search(message):
        return near(found[1], re.findall(r"[\w.-]+", found[2]))
    words = message.removeprefix("unrecognized arguments: ").split()
    options = [name for action in parser._actions for name in action.option_strings]  # noqa: SLF001  # no other way
    return near(words[0].partition("=")[0], options) if words and words[0].startswith("-") else ""


def said(error: UsageError, argv: Sequence[str]) -> int:
    """Tell the human, and a monitoring system in its own words; the exit status."""
    sys.stdout.flush()
    error.parser.print_usage(sys.stderr)
    sys.stderr.write(f"{error.parser.prog}: error: {error.message}\n  hint: {error.hint}\n")
    if "health" not in argv or "--nagios" not in argv:
        return int(ExitStatus.EX_USAGE)
    sys.stdout.write(f"CAMWATCHD UNKNOWN - wrong arguments: {' '.join(error.message.split())}\n")
    return UNKNOWN
