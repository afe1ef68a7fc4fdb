# SPDX-License-Identifier: MIT
"""Owns sleeping on a word in shared memory until another process changes it, and the memory fence.

Linux only, by the futex(2) system call, which no library wraps. Waiting needs no right to write: the kernel accepts a
read-only mapping of a file (futex.c, get_futex_key with FUTEX_READ). While a thread waits others of its process run.
"""

import ctypes
import errno
import os
import platform

_WAIT, _WAKE, _PRIVATE = 0, 1, 128  # linux/futex.h
_EVERYBODY = 2**31 - 1
# By machine and size of a pointer: 32-bit programs also run on 64-bit kernels. asm/unistd.h of each.
_NUMBERS = {
    ("x86_64", 8): 202,
    ("aarch64", 8): 98,
    ("riscv64", 8): 98,
    ("ppc64le", 8): 221,
    ("s390x", 8): 238,
}
_NUMBER_32 = 240  # arm and i386, whose time-outs are of 32 bits

_libc = ctypes.CDLL(None, use_errno=True)
_word = ctypes.c_uint32(0)
_word_address = ctypes.addressof(_word)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def _number() -> int:
    pointer = ctypes.sizeof(ctypes.c_void_p)
    return _NUMBERS[platform.machine(), pointer] if pointer == 8 else _NUMBER_32


_futex = _libc.syscall
_futex.argtypes = [
    ctypes.c_long, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.POINTER(_Timespec), ctypes.c_void_p,
    ctypes.c_uint32,
]  # fmt: skip
_futex.restype = ctypes.c_long
_SYS_FUTEX = _number()


def wait(address: int, value: int, seconds: float) -> None:
    """Sleep until woken, at most so long; at once if the word at `address` is not `value` any more.

    May return early for no reason (a signal): look again.
    """
    whole = int(seconds)
    span = _Timespec(whole, int((seconds - whole) * 1e9))
    if _futex(_SYS_FUTEX, address, _WAIT, value, ctypes.byref(span), None, 0) < 0:
        code = ctypes.get_errno()
        if code not in (errno.EAGAIN, errno.ETIMEDOUT, errno.EINTR):
            raise OSError(code, os.strerror(code))


def wake(address: int) -> int:
    """Wake everybody who sleeps on the word at `address`; how many. A fence too."""
    woken: int = _futex(_SYS_FUTEX, address, _WAKE, _EVERYBODY, None, None, 0)
    return woken


def fence() -> None:
    """All loads and stores before it are done before any that follows it, for every processor.

    Python has no such instruction. FUTEX_WAKE begins with a full barrier, upon which its own protocol rests
    (kernel/futex: futex_hb_waiters_pending, smp_mb); nobody sleeps on this word. 0.3 us.
    """
    _futex(_SYS_FUTEX, _word_address, _WAKE | _PRIVATE, 1, None, None, 0)
