# SPDX-License-Identifier: MIT
"""Owns the root file systems: a small Debian with systemd, and beside it the packages that camwatchd may pull in."""

import subprocess
from pathlib import Path

from tests.vm.cache import key
from tests.vm.root import mirror

from . import cache

RELEASES = ("bookworm", "trixie")

# libpam-systemd brings logind, for inhibitors. Python is there already: its unpacking would be most of the time.
_PACKAGES = ("systemd", "systemd-sysv", "dbus", "libpam-systemd", "python3")
# Not installed, but to be had without a network: what camwatchd depends on, and what tests need.
_OFFERED = (
    "python3-numpy",
    "python3-sdnotify",
    "python3-structlog",
    "python3-tomli",
    "passwd",
    "libfaketime",
)
_REPOSITORY = "srv/packages"

_MACHINE_ID = f"{key('machine-id'):0<32}"
# nspawn names the boot by a mount over the kernel's name of it. systemd gives a service with a sandbox a fresh /proc,
# where the machine's own boot shows, the same for all; and what nspawn has mounted cannot be mounted there once more.
_ID_FILE = "/proc/sys/kernel/random/boot_id"
_BOOT_ID = f"""
[Unit]
DefaultDependencies=no
Before=sysinit.target systemd-journald.service
[Service]
Type=oneshot
StandardOutput=null
RemainAfterExit=yes
ExecStart=sh -c 'cp $0 /run/boot-id; while umount $0; do :; done 2> /dev/null; mount --bind /run/boot-id $0' {_ID_FILE}
"""
_SAME_BOOT_ID = f"""
[Unit]
Requires=boot-id.service
After=boot-id.service
[Service]
BindReadOnlyPaths=/run/boot-id:{_ID_FILE}
"""
_FILES = {
    "etc/machine-id": f"{_MACHINE_ID}\n",
    "etc/hostname": "pi\n",
    "etc/hosts": "127.0.0.1 localhost pi\n",
    "etc/apt/sources.list": f"deb [trusted=yes] file:/{_REPOSITORY} ./\n",
    # A test reads it after the reboot; no limit, since tests make in a minute what others make in a day.
    "etc/systemd/journald.conf.d/test.conf": "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\n",
    "etc/systemd/system/boot-id.service": _BOOT_ID,
    "etc/systemd/system/camwatchd.service.d/boot-id.conf": _SAME_BOOT_ID,
}  # fmt: skip
# They would wake up in the middle of a test, or wait for devices that no container has.
_MASKED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer"),
    *("fstrim.timer", "systemd-tmpfiles-clean.timer", "getty.target", "console-getty.service"),
)


def base(release: str) -> Path:
    """The tree without camwatchd; nobody writes into it any more."""
    inputs = key(release, Path(__file__))
    return cache.built(f"base-{release}", inputs, lambda folder: _build(release, folder / "tree")) / "tree"


def _build(release: str, tree: Path) -> None:
    archives = f'"$1/{_REPOSITORY}"'
    fetch = f'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -q -y --no-install-recommends --download-only \
        -o Dir::Cache::archives={archives} install {" ".join(_OFFERED)} > /dev/null'
    options = [
        "--variant=apt",
        f"--include={','.join(_PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        # The machine's own clock may be off; what is checked is the signature.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        f"--customize-hook=mkdir -p {archives}/partial",
        f"--customize-hook={fetch}",
    ]
    _run(["mmdebstrap", "--quiet", *options, release, str(tree), mirror()])
    for name, text in _FILES.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
    for name in _MASKED:
        (tree / "etc/systemd/system" / name).symlink_to("/dev/null")
    # The follower of the journal is there before the first boot.
    (tree / "var/log/journal" / _MACHINE_ID).mkdir(parents=True)


def offer(tree: Path, package: Path) -> None:
    """Put a package into the tree's repository: apt inside finds it after its next update."""
    folder = tree / _REPOSITORY
    (folder / package.name).write_bytes(package.read_bytes())
    (folder / "Packages").write_text("".join(_stanza(file) for file in sorted(folder.glob("*.deb"))))


def _stanza(file: Path) -> str:
    control = _run(["dpkg-deb", "--field", str(file)]).strip()
    digest = _run(["sha256sum", str(file)]).split()[0]
    return f"{control}\nFilename: ./{file.name}\nSize: {file.stat().st_size}\nSHA256: {digest}\n\n"


def _run(command: list[str]) -> str:
    """The output; a failure shows all that the command said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout
