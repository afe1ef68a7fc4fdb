# SPDX-License-Identifier: MIT
"""Owns the life of a worker process: tied to its supervisor, imports done, a camera ordered, an exit status given.

    python -m camwatchd.worker --link FD --supervisor PID --backend NAME [--standby] [--background]

Nothing slow is imported before the process is tied to its supervisor.
"""

import argparse
import faulthandler
import os
import resource
import select
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING

from camwatchd.adapters.lifeline import tied_to
from camwatchd.core.exits import WorkerExit

if TYPE_CHECKING:
    from camwatchd.core.messages import Open
    from camwatchd.worker_imports import Fingerprint
    from camwatchd.worker_link import Link

_NICE = 10
_STALE_CHECK = 60.0  # seconds between looks at the files of a standby; a few hundred stat calls


def main(argv: list[str]) -> WorkerExit:
    """The whole life of the worker."""
    options = _arguments().parse_args(argv)
    if not tied_to(options.supervisor):
        return WorkerExit.ORPHANED
    faulthandler.enable()  # SIGABRT, SIGSEGV ...: the Python stacks of all threads go to stderr
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the supervisor decides
    return _serve(options)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="camwatchd.worker", allow_abbrev=False)
    parser.add_argument("--link", type=int, required=True, metavar="FD")
    parser.add_argument("--supervisor", type=int, required=True, metavar="PID")
    parser.add_argument("--backend", required=True)
    parser.add_argument("--standby", action="store_true")
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--stale-check", type=float, default=_STALE_CHECK, help=argparse.SUPPRESS)
    return parser


def _serve(options: argparse.Namespace) -> WorkerExit:
    from camwatchd.worker_link import Link

    link = Link(socket.socket(fileno=options.link))
    usual = _step_back() if options.background else None
    try:
        from camwatchd import worker_imports

        imported = worker_imports.import_backend(options.backend)
    except Exception:  # numpy raises ValueError for a wrong ABI, shared libraries OSError ...
        traceback.print_exc()
        return WorkerExit.IMPORT_FAILED
    files = worker_imports.fingerprint() if options.standby else {}
    wakeup = _wake_on_sigterm()
    link.send(imported)
    order = _wait_for_open(link, wakeup, files, options.stale_check if options.standby else None)
    if usual is not None:
        _step_forward(usual)
    return order if isinstance(order, WorkerExit) else _capture(order, link, wakeup)


def _capture(order: "Open", link: "Link", wakeup: int) -> WorkerExit:
    from camwatchd.cameras.base import create
    from camwatchd.worker_calls import CallFailedError, guarded
    from camwatchd.worker_loop import CaptureLoop

    try:
        camera = guarded("create", lambda: create(order.camera, order.runtime_dir))
    except CallFailedError as failed:
        link.send(failed.report)
        return WorkerExit.CAMERA_FAILED
    if hasattr(camera, "link_fd"):  # only the simulated camera: its script can make a worker talk nonsense
        camera.link_fd = link.fileno()
    if order.drill:
        from camwatchd.worker_drill import Pretending

        camera = Pretending(camera, order.drill)
    return CaptureLoop(camera=camera, order=order, link=link, wakeup=wakeup).run()


def _step_back() -> int | None:
    """Leave the processor to running cameras and to udev for the imports, if there is a way back; gives that."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    # The limit is 20 minus the best nice value that may be taken, see getrlimit(2).
    limit = resource.getrlimit(resource.RLIMIT_NICE)[0]
    if limit != resource.RLIM_INFINITY and limit < 20 - usual:
        return None
    os.nice(_NICE)
    return usual


def _step_forward(usual: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, usual)
    except OSError as error:  # a sandbox may refuse what the limit allows
        sys.stderr.write(f"camwatchd.worker: captures at nice {_NICE}: {error}\n")


def _wake_on_sigterm() -> int:
    """A descriptor that SIGTERM makes readable. Until now SIGTERM just killed: there was nothing to put in order.

    An exception out of a signal handler would strike anywhere, in the middle of a call into the camera too.
    """
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    return reading


def _wait_for_open(
    link: "Link", wakeup: int, files: "Fingerprint", stale_check: float | None
) -> "Open | WorkerExit":
    from camwatchd import worker_imports
    from camwatchd.core.messages import Open, Stop
    from camwatchd.worker_link import refuse

    poll = select.poll()
    poll.register(link.fileno(), select.POLLIN)
    poll.register(wakeup, select.POLLIN)
    while True:
        ready = [fd for fd, _ in poll.poll(stale_check * 1000 if stale_check else None)]
        if wakeup in ready:
            return WorkerExit.CLEAN
        if not ready and (path := worker_imports.changed(files)):
            sys.stderr.write(f"camwatchd.worker: {path} changed on disk\n")
            return WorkerExit.STALE
        match link.receive():
            case Open() | WorkerExit() as answer:
                return answer
            case Stop():
                return WorkerExit.CLEAN
            case None:
                continue
            case order:
                return refuse(f"{type(order).__name__} before Open")


def run() -> None:
    """The entry point: whatever happens ends in an exit status of ours.

    Leaving by os._exit: destructors of a camera stack that failed once may hang or crash at interpreter exit,
    and then nobody would know why the worker ended. What had to be closed has been closed.
    """
    try:
        status = int(main(sys.argv[1:]))
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else WorkerExit.BUG
    except BaseException:
        traceback.print_exc()
        status = WorkerExit.BUG
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
