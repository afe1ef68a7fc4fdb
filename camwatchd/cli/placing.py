# SPDX-License-Identifier: MIT
"""Owns the last step of writing a file: a finished one takes its name, never that of a device or a pipe."""

import errno
import os
import stat
from pathlib import Path


def check(target: Path) -> None:
    """OSError: what has this name, or where a link of this name leads, is no regular file."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not stat.S_ISREG(mode):
        # Renaming over it would put a file in its place: for root even in that of /dev/null.
        raise OSError(errno.EINVAL, "it is no regular file", str(target))


def place(finished: Path, target: Path) -> None:
    """In one step: whoever looks meanwhile sees the old one or the new one, whole. OSError: see `check`."""
    check(target)
    finished.replace(target)
