# SPDX-License-Identifier: MIT
"""Owns the way into `camwatchctl`: Ctrl-C ends it without a traceback while its modules are still imported, too."""

import signal


def main() -> int:
    """The command; its exit status."""
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else a shell has it ignored
    if ours:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from camwatchd.cli import main as command

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return command()
