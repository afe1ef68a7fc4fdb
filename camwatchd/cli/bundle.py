# SPDX-License-Identifier: MIT
"""Owns the archive for a bug report as a file: what looks like a secret is taken out, and what is in it is listed."""

import errno
import io
import ipaddress
import os
import re
import secrets
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from camwatchd.cli import placing

_TAKEN_OUT = "(taken out)"
# What would let somebody in, or says whose machine it is. The configuration has no place for either: it may have been
# written into one all the same, or into a log.
_WORDS = r"passw(?:or)?d|passphrase|psk|secret|token|(?:api|private)_?key|credential"
# What may be one; USB paths, versions with a revision and times of day are none.
_ADDRESS = re.compile(
    r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)|(?<![\w:.])[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:]*(?!\w)"
)
_SECRETS = (
    (rf"(?i)(\b\w*(?:{_WORDS})\w*[\"']?\s*[=:]\s*[\"']?)[^\s\"',}}]+", rf"\1{_TAKEN_OUT}"),
    (r"(\w+://)[^/\s:@]+:[^/\s@]+@", rf"\1{_TAKEN_OUT}@"),
    (r"\b(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b", _TAKEN_OUT),
    (r"(?i)(\bserial ?number: )\S+", rf"\1{_TAKEN_OUT}"),
    (r"(?i)(\bbearer )\S+", rf"\1{_TAKEN_OUT}"),
    (r"(?s)-----BEGIN [A-Z ]*KEY-----.*?-----END [A-Z ]*KEY-----", _TAKEN_OUT),
)

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)  # FAT, of which USB sticks are, has none

_README = """\
What camwatchd knows of one incident, made by: camwatchctl incident ID --bundle FILE

{contents}

{pictures}
Taken out, wherever else it stood: what is assigned to a word like password, psk, secret, token, api_key or credential;
bearer tokens and private keys; user and password of an address; IP and MAC addresses; serial numbers that the kernel
tells; comments of the configuration; the name of the machine in the journal. The environment of no process is in it.
Times are the machine's own.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the archive; or why it is `missing`."""

    name: str
    about: str
    text: str = ""
    missing: str = ""
    data: bytes = b""  # instead of text: as it is

    @property
    def is_picture(self) -> bool:
        """Whether it shows what a camera saw."""
        return bool(self.data) and self.name.endswith(".jpg")


def without_secrets(text: str) -> str:
    """The text without what looks like one."""
    for pattern, instead in _SECRETS:
        text = re.sub(pattern, instead, text)
    return _ADDRESS.sub(_unless_harmless, text)


def _unless_harmless(found: re.Match[str]) -> str:
    """The loopback says nothing, and a C++ name is no address, though one may read like it."""
    text = found[0] if found[0].endswith("::") else found[0].removesuffix(":")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return found[0]
    tells = any(map(str.isdigit, text)) and not (address.is_loopback or address.is_unspecified)
    return f"{_TAKEN_OUT}{found[0].removeprefix(text)}" if tells else found[0]


def check(place: str, *, force: bool = False) -> None:
    """OSError: nothing may be written there; FileExistsError: `force` does not say that what is there may go."""
    if place == "-":
        return
    if not Path(place).name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), place)
    if not force and os.path.lexists(place):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place)
    placing.check(Path(place))


def write(place: str, folder: str, parts: Sequence[Part], *, force: bool = False) -> int:
    """The archive with this folder in it, whole or not at all, or to standard output; its size."""
    if place == "-":
        with tarfile.open(fileobj=sys.stdout.buffer, mode="w|gz") as archive:
            _fill(archive, folder, parts, 0.0)
        return 0
    target = Path(place)
    check(place, force=force)
    # Under a name that nobody can foresee: others may write into this folder, too.
    aside = target.with_name(f".{secrets.token_hex(8)}.new")
    try:
        size = _write(aside, folder, parts)
        _place(aside, target, force=force)
    finally:
        aside.unlink(missing_ok=True)
    return size


def _place(aside: Path, target: Path, *, force: bool) -> None:
    """Under its own name. A link, unlike a renaming, replaces nothing that has come meanwhile."""
    if not force:
        try:
            os.link(aside, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            return
    placing.place(aside, target)


def _write(place: Path, folder: str, parts: Sequence[Part]) -> int:
    """Log lines are in it: for nobody else before its maker has looked at it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(place, flags, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            _fill(archive, folder, parts, os.fstat(file.fileno()).st_mtime)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _fill(archive: tarfile.TarFile, folder: str, parts: Sequence[Part], mtime: float) -> None:
    contents = "\n".join(
        f"{part.name:20}{part.missing and 'MISSING: '}{part.missing or part.about}" for part in parts
    )
    pictures = "A picture, as was asked for." if any(part.is_picture for part in parts) else "No pictures."
    if raw := [part.name for part in parts if part.data and not part.is_picture]:
        pictures += f" {', '.join(raw)} is as it was found, words of logs and all."
    # Its own words are no secrets, though they tell of them.
    text = _README.format(contents=without_secrets(contents), pictures=pictures)
    readme = Part("README.txt", "", data=text.encode("utf-8", "replace"))
    for part in (readme, *(part for part in parts if not part.missing)):
        data = part.data or without_secrets(part.text).encode("utf-8", "replace")
        info = tarfile.TarInfo(f"{folder}/{part.name}")
        info.size, info.mtime, info.mode = len(data), mtime, 0o644
        archive.addfile(info, io.BytesIO(data))
