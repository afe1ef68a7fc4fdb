# SPDX-License-Identifier: MIT
"""Owns the helper process that reads the configuration for a running daemon: the disk it lies on may hang.

    python -m camwatchd.adapters.reload MAIN_FILE DROP_INS

prints {"settings": {...}} or {"problems": "..."}.
"""

import json
import sys
from pathlib import Path

from camwatchd.adapters.host import READER_COMM


def answer(main: Path, drop_ins: Path) -> dict[str, object]:
    """What the daemon is to be told."""
    # Much code, and its reading may hang too: only now that we have our name.
    from camwatchd.adapters import config
    from camwatchd.core.plain import to_plain
    from camwatchd.errors import ConfigError

    try:
        return {"settings": to_plain(config.load_named(main, drop_ins).settings)}
    except ConfigError as error:
        return {"problems": str(error)}


if __name__ == "__main__":
    # Whoever finds us hanging shall not take us for a worker.
    Path("/proc/self/comm").write_text(READER_COMM)
    json.dump(answer(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout)
