# SPDX-License-Identifier: MIT
"""Owns the archive for a bug report as a file: what looks like a secret is taken out, and what is in it is listed."""

import io
import os
import re
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_TAKEN_OUT = "(taken out)"
# What would let somebody in, or says whose machine it is. The configuration has no place for either: it may have been
# written into one all the same, or into a log.
_WORDS = r"passw(?:or)?d|secret|token|api_?key|credential"
_SECRETS = (
    (rf"(?i)(\b\w*(?:{_WORDS})\w*[\"']?\s*[=:]\s*[\"']?)[^\s\"',}}]+", rf"\1{_TAKEN_OUT}"),
    (r"(\w+://)[^/\s:@]+:[^/\s@]+@", rf"\1{_TAKEN_OUT}@"),
    (r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b", _TAKEN_OUT),
    (r"(?i)(\bserial ?number: )\S+", rf"\1{_TAKEN_OUT}"),
)

_README = """\
What camwatchd knows of one incident, made by: camwatchctl incident ID --bundle FILE

{contents}

No pictures. Taken out, wherever it stood: what is assigned to a word like password, secret, token, api_key or
credential; user and password of an address; MAC addresses; serial numbers that the kernel tells; comments of the
configuration; the name of the machine in the journal. Times are the machine's own.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive; or why it is `missing`."""

    name: str
    about: str
    text: str = ""
    missing: str = ""


def without_secrets(text: str) -> str:
    """The text without what looks like one."""
    for pattern, instead in _SECRETS:
        text = re.sub(pattern, instead, text)
    return text


def write(place: str, folder: str, parts: Sequence[Part]) -> int:
    """The archive with this folder in it, at a place where nothing is yet, or to standard output; its size."""
    if place == "-":
        with tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz") as archive:
            _fill(archive, folder, parts, 0.0)
        return 0
    # Log lines are in it: for nobody else before its maker has looked at it.
    file = os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
    try:
        with file:
            return _write(file, folder, parts)
    except OSError:
        Path(place).unlink()
        raise


def _write(file: BinaryIO, folder: str, parts: Sequence[Part]) -> int:
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        _fill(archive, folder, parts, os.fstat(file.fileno()).st_mtime)
    return file.tell()


def _fill(archive: tarfile.TarFile, folder: str, parts: Sequence[Part], mtime: float) -> None:
    contents = "\n".join(
        f"{part.name:20}{part.missing and 'MISSING: '}{part.missing or part.about}" for part in parts
    )
    readme = Part("README.txt", "", _README.format(contents=contents))
    for part in (readme, *(part for part in parts if not part.missing)):
        data = without_secrets(part.text).encode("utf-8", "replace")
        info = tarfile.TarInfo(f"{folder}/{part.name}")
        info.size, info.mtime, info.mode = len(data), mtime, 0o644
        archive.addfile(info, io.BytesIO(data))
