# SPDX-License-Identifier: MIT
"""Owns the wiring of the daemon: arguments and configuration in, adapters built, the supervisor run.

Signal handlers are in place before the slow imports, and a failing import ends with a status that systemd does
not restart: starting again would not mend it.
"""

import argparse
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from camwatchd import CONFIG_FILE, __version__
from camwatchd.errors import ConfigError, ExitStatus, die
from camwatchd.loop import Signals

if TYPE_CHECKING:
    from camwatchd.supervisor import Supervisor

_STDERR = 2


def main(argv: list[str] | None = None) -> int:
    """The command `camwatchd`."""
    options = arguments().parse_args(argv)
    config = Path(options.config), Path(options.conf_dir)
    if options.check_config or options.print_config:
        from camwatchd.adapters import config_cli

        return (config_cli.check if options.check_config else config_cli.show)(*config)
    signals = Signals([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    if _is_to_be_rebooted(options):
        return ExitStatus.EX_TEMPFAIL
    try:
        supervisor = _build(options, signals)
    except ConfigError as error:
        die(error.message, error.hint, ExitStatus.EX_CONFIG)
    except Exception:  # whatever an import or the wiring raises: the same would happen again
        traceback.print_exc()
        return ExitStatus.EX_CONFIG
    return _run(supervisor)


def arguments() -> argparse.ArgumentParser:
    """The command line; `man camwatchd` says the same."""
    parser = argparse.ArgumentParser(prog="camwatchd", description="Supervises and recovers cameras.")
    parser.add_argument("--config", default=CONFIG_FILE, metavar="FILE", help="%(default)s")
    parser.add_argument(
        "--conf-dir", default="/etc/camwatchd/conf.d", metavar="DIR", help="drop-ins: %(default)s"
    )
    parser.add_argument("--check-config", action="store_true", help="say what is wrong with it and leave")
    parser.add_argument(
        "--print-config", action="store_true", help="print the values in force and their origin"
    )
    parser.add_argument(
        "--log-format", choices=["auto", "text", "json", "journal"], help="over [daemon] log_format"
    )
    parser.add_argument(
        "--log-level", choices=["debug", "info", "warning", "error"], help="over [daemon] log_level"
    )
    parser.add_argument(
        "--runtime-dir", metavar="DIR", help="default: $RUNTIME_DIRECTORY, else a new folder"
    )
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help="of the ledger; default: $STATE_DIRECTORY, else the runtime folder",
    )
    parser.add_argument("--version", action="version", version=f"camwatchd {__version__}")
    return parser


def _build(options: argparse.Namespace, signals: Signals) -> "Supervisor":
    from camwatchd.adapters import config, log, notify
    from camwatchd.supervisor import Supervisor
    from camwatchd.world import World

    # libcamera before 0.7 colours its lines even in a pipe.
    environ = {"LIBCAMERA_LOG_NO_COLOR": "1", **os.environ}
    notifier = notify.from_environment(environ)
    settings = config.load_named(Path(options.config), Path(options.conf_dir)).settings
    level = options.log_level or settings.daemon.log_level
    events = log.build(options.log_format or settings.daemon.log_format, level, _STDERR, environ)
    runtime_dir = _runtime_dir(options)
    world = World(
        notifier=notifier,
        log=events,
        log_level_is=(lambda _: None) if options.log_level else events.level_is,
        signals=signals,
        environ=environ,
        runtime_dir=runtime_dir,
        state_dir=options.state_dir or _first_of("STATE_DIRECTORY") or runtime_dir,
        config=(options.config, options.conf_dir),
    )
    return Supervisor(settings, world)


def _runtime_dir(options: argparse.Namespace) -> str:
    if named := options.runtime_dir or _first_of("RUNTIME_DIRECTORY"):
        return str(named)
    import tempfile

    return tempfile.mkdtemp(prefix="camwatchd-")


def _first_of(variable: str) -> str:
    """systemd separates several directories by colons."""
    return os.environ.get(variable, "").partition(":")[0]


def _is_to_be_rebooted(options: argparse.Namespace) -> bool:
    """A reboot was decided in this boot: leave before anything else can fail, until systemd's start limit is hit."""
    from camwatchd.adapters import rundir

    folder = options.runtime_dir or _first_of("RUNTIME_DIRECTORY")
    intent = rundir.load(folder, rundir.boot_id()).intent if folder else ""
    if intent:
        sys.stderr.write(
            f"camwatchd: {intent}: leaving with status 75 until systemd's start limit reboots\n"
        )
    return bool(intent)


def _run(supervisor: "Supervisor") -> int:
    try:
        return supervisor.run()
    except Exception:
        # Damage in ourselves: the workers die with us, and systemd starts us afresh, counting.
        supervisor.world.log.critical("daemon.failed", message=traceback.format_exc())
        return ExitStatus.EX_TEMPFAIL
    finally:
        supervisor.world.log.end()


if __name__ == "__main__":
    sys.exit(main())
