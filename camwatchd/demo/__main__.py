# SPDX-License-Identifier: MIT
"""Owns the command `python -m camwatchd.demo`.

Exit status: 0 each of the faults was cured by the rung that is there for it, 1 not each, 130 interrupted.
"""

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from camwatchd.loop import Signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatchd.demo.acts import Act


def main() -> int:
    """The command; its exit status."""
    # Before the slower imports: from here on Ctrl-C is heard wherever it comes.
    signals = Signals([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    from camwatchd.demo.acts import ACTS, SETTINGS

    return play(ACTS, SETTINGS, signals)


def play(acts: "Sequence[Act]", settings: str, signals: Signals) -> int:
    """Play the acts, and end the daemon whatever happens."""
    from camwatchd.adapters.console import wants_colours
    from camwatchd.cli import reader
    from camwatchd.demo.acts import configuration
    from camwatchd.demo.performance import Performance
    from camwatchd.demo.stage import Stage

    colours = wants_colours(sys.stdout.fileno(), os.environ)
    with tempfile.TemporaryDirectory(prefix="camwatchd-demo-") as folder:
        stage = Stage(Path(folder), configuration(settings, acts), os.environ)
        try:
            return Performance(stage, acts, signals, colours=colours).run()
        except BrokenPipeError:
            return reader.left()
        finally:
            stage.close()


if __name__ == "__main__":
    sys.exit(main())
