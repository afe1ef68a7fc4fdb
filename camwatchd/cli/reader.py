# SPDX-License-Identifier: MIT
"""Owns what to do when whoever reads our output leaves, as in `camwatchctl faults | head`."""

import errno
import os
import signal
import sys

# What writing to a full or broken disk or terminal may end with.
UNWRITTEN = frozenset({errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EBADF})
STATUS = 128 + signal.SIGPIPE  # what a shell makes of a program that this signal ended


def left() -> int:
    """After a BrokenPipeError: keep Python from complaining once more when it flushes at exit; the exit status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return STATUS
