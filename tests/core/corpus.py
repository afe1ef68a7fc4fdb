# SPDX-License-Identifier: MIT
"""Owns the reading of the corpus: the words of real cameras that fail, and what each of them says."""

import re
from dataclasses import dataclass
from pathlib import Path

# Rows of the survey that have no words at all.
WORDLESS = {"F10": "silence", "F27": "frame metadata", "F28": "picture content"}
INIT = "RuntimeError('Camera __init__ sequence did not complete.')"

_HEAD = "[0:04:11.187898530] [1541] "
_LEVEL = re.compile(r"(DEBUG|INFO|WARN|ERROR|FATAL) \w+ \S+:\d+ ")


@dataclass(frozen=True)
class Quote:
    """Words, where they come from, and what they say: a fault, "-" for nothing; of the kernel "bus who fault"."""

    source: str
    says: str
    text: str

    def __str__(self) -> str:
        return f"{self.source}: {self.text[:60]}"


def _read() -> dict[str, list[Quote]]:
    sections: dict[str, list[Quote]] = {}
    lines = Path(__file__).with_suffix(".txt").read_text().splitlines()
    for line in (line for line in lines if line and not line.startswith("#")):
        if line.startswith("["):
            quotes = sections.setdefault(line.strip("[]"), [])
        else:
            quotes.append(Quote(*re.split(r"\s{2,}", line, maxsplit=2)))
    return sections


_CORPUS = _read()
STDERR, EXCEPTIONS, EXITS, KERNEL = (_CORPUS[name] for name in ("stderr", "exceptions", "exits", "kernel"))


def as_written(quote: Quote) -> str:
    """A line of stderr as it arrives: libcamera's own begin with the time and its thread."""
    match = _LEVEL.match(quote.text)
    return f"{_HEAD}{' ' * (5 - len(match[1]))}{quote.text}" if match else quote.text


def coloured(line: str) -> str:
    """The same as libcamera writes it to a terminal, and before 0.7 into a pipe as well."""
    return line.replace("ERROR ", "\x1b[1;31mERROR \x1b[1;37m").replace(": ", "\x1b[32m: \x1b[0m")


def chain(quote: Quote) -> tuple[str, ...]:
    """An exception and its causes."""
    return tuple(quote.text.split(" <- "))
