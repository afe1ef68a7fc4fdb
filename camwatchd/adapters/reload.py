# SPDX-License-Identifier: MIT
"""Owns the helper process that reads the configuration for a running daemon: the disk it lies on may hang.

    python -m camwatchd.adapters.reload MAIN_FILE DROP_INS

prints {"settings": {...}} or {"problems": "..."}.
"""

import json
import sys
from pathlib import Path

from camwatchd.adapters import config
from camwatchd.core.plain import to_plain
from camwatchd.errors import ConfigError


def answer(main: Path, drop_ins: Path) -> dict[str, object]:
    """What the daemon is to be told."""
    try:
        return {"settings": to_plain(config.load(main, drop_ins).settings)}
    except ConfigError as error:
        return {"problems": str(error)}


if __name__ == "__main__":
    json.dump(answer(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout)
