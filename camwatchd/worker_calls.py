# SPDX-License-Identifier: MIT
"""Owns calls into the camera: each announced before it can block, with a stack dump if it hangs."""

import faulthandler
from collections.abc import Callable, Iterator
from typing import TypeVar

from camwatchd.cameras.base import CameraError
from camwatchd.core.liveness import CALL_BOUNDS
from camwatchd.core.messages import EVIDENCE_LIMIT, CameraFailed, Entering, Report

T = TypeVar("T")

# Exceptions; with EVIDENCE_LIMIT characters each they fit a datagram however JSON escapes them.
CHAIN_LIMIT = 4


class CallFailedError(Exception):
    """A call into the camera raised; `report` says which and why."""

    def __init__(self, call: str, error: Exception) -> None:
        super().__init__(call)
        self.report = camera_failed(call, error)


def guarded(call: str, function: Callable[[], T]) -> T:
    """A call that does not block; whatever it raises becomes a CallFailedError."""
    try:
        return function()
    except Exception as error:
        # The frames of the traceback hold requests and buffers of the camera; the words are enough.
        raise CallFailedError(call, error) from None


def announced(
    call: str,
    function: Callable[[], T],
    tell: Callable[[Report], None],
    bound: float | None = None,
) -> T:
    """A call that may block: the supervisor is told which, so that it can name what hangs.

    If it takes longer than its bound, its Python stack goes to stderr, written by a thread of C that answers for
    nothing else (libcamera's binding holds the GIL, so no thread of Python could). What ends it is the ladder, by the
    time-outs of its rungs, which are longer.
    """
    bound = CALL_BOUNDS[call] if bound is None else bound
    tell(Entering(call, bound))
    faulthandler.dump_traceback_later(bound, exit=False)
    try:
        return guarded(call, function)
    finally:
        faulthandler.cancel_dump_traceback_later()


def camera_failed(call: str, error: Exception) -> CameraFailed:
    """The report about an exception and its causes; where there are many, the last is the root and stays."""
    chain = list(_causes(error))
    kept = chain if len(chain) <= CHAIN_LIMIT else [*chain[: CHAIN_LIMIT - 1], chain[-1]]
    fault = next((link.fault for link in chain if isinstance(link, CameraError) and link.fault), "")
    return CameraFailed(call, tuple(repr(link)[:EVIDENCE_LIMIT] for link in kept), fault)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:  # a chain may bite its own tail
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
