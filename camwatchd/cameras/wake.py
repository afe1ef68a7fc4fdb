# SPDX-License-Identifier: MIT
"""Owns the descriptor by which another thread wakes a worker that sleeps in select()."""

import os


class Wake:
    """An eventfd that is readable from `set` until `clear`; closing twice is harmless."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """The descriptor for select(); -1 once closed."""
        return self._fd

    def set(self) -> None:
        """Make the descriptor readable; callable from any thread."""
        os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Make the descriptor unreadable."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            return  # it was not set

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
