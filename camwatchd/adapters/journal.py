# SPDX-License-Identifier: MIT
"""Owns the journal's native protocol: one datagram an entry, every fact a field that journalctl can search.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
"""

import errno
import os
import re
import socket
import struct
from collections.abc import Mapping

from camwatchd.adapters.entry import Entry, as_text, cut

SOCKET = "/run/systemd/journal/socket"
VALUE_LIMIT = 4096  # bytes of one field
TIGHT_LIMIT = 200  # ... when the datagram as a whole was too large
_FIELD_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")  # the journal drops any other field without a word


def is_ours(environ: Mapping[str, str], fd: int) -> bool:
    """Whether `fd` is still the stream that systemd gave us; systemd.exec(5) asks to check."""
    try:
        status = os.fstat(fd)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def datagram(entry: Entry, limit: int = VALUE_LIMIT) -> bytes:
    """The entry as the journal takes it."""
    facts = {name.upper(): as_text(value) for name, value in entry.facts.items() if value is not None}
    fields = {name: text for name, text in facts.items() if _FIELD_NAME.fullmatch(name)}
    fields |= {
        "MESSAGE": entry.sentence(),
        "PRIORITY": str(entry.priority),
        "SYSLOG_IDENTIFIER": "camwatchd",
        "EVENT": entry.event,
    }
    if entry.suppressed:
        fields["SUPPRESSED"] = str(entry.suppressed)
    if entry.delayed:
        fields["DELAYED"] = as_text(entry.delayed)
    return b"".join(_field(name, text, limit) for name, text in fields.items())


def _field(name: str, text: str, limit: int) -> bytes:
    value = cut(text, limit)
    if b"\n" not in value:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


class Journal:
    """Writes entries to the journal. Its descriptor lives as long as the process."""

    def __init__(self, address: str = SOCKET) -> None:
        self._address = address
        self._fd = -1

    def write(self, entry: Entry) -> bool:
        """False: the journal was busy or away, and the entry is lost."""
        try:
            return self._send(datagram(entry))
        except OSError as error:
            return error.errno == errno.EMSGSIZE and self._write_less(entry)

    def _write_less(self, entry: Entry) -> bool:
        try:
            return self._send(datagram(entry, TIGHT_LIMIT))
        except OSError:
            return False

    def _send(self, data: bytes) -> bool:
        if self._fd < 0:
            self._fd = _connect(self._address)
        try:
            os.write(self._fd, data)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EMSGSIZE, errno.ENOBUFS):
                self.close()  # journald came back with a new socket: connect afresh next time
            raise
        return True

    def close(self) -> None:
        """Hang up; the next entry connects again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def _connect(address: str) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.connect(address)
        return line.detach()
