# SPDX-License-Identifier: MIT
"""Owns the tie of a child to its supervisor: it dies with it, whatever it is doing."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tied_to(supervisor: int) -> bool:
    """Die with the supervisor. It may be gone already, and then no signal will come: hence the look afterwards."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    return os.getppid() == supervisor
