# SPDX-License-Identifier: MIT
"""Owns the guest's root file system: Debian trixie with its libcamera, and picamera2 from PyPI."""

import os
import shutil
import subprocess
from pathlib import Path

from . import cache

SUITE = "trixie"
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "linux-image-amd64", "busybox-static"),
    # Everything that the package depends on: it is installed without an archive at hand.
    *("passwd", "python3", "python3-numpy", "python3-structlog", "python3-sdnotify", "python3-tomli"),
    *("python3-libcamera", "libcamera-tools"),
    # What picamera2 needs and Debian has; python3-av would bring a hundred more packages.
    *("python3-jsonschema", "python3-libarchive-c", "python3-piexif", "python3-pil", "python3-prctl"),
    *("python3-tqdm",),
    # To run the contract of the camera backends in the guest.
    *("python3-pytest",),
    # A reader of frames that speaks no Python.
    *("ffmpeg",),
    # To install the rest; PiDNG has to be compiled.
    *("python3-pip", "python3-setuptools", "python3-wheel", "gcc", "libc6-dev", "python3-dev"),
)
WHEELS = ("picamera2==0.3.38", "av==19.0.2", "openexr==3.5.3", "simplejpeg==1.9.0", "videodev2==0.0.4")
SOURCES = ("PiDNG==4.0.9",)

_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_RESOLVER = Path("/etc/resolv.conf")


def root() -> Path:
    """The finished tree; nobody writes into it any more."""
    return cache.built("root", cache.key(Path(__file__)), _build) / "tree"


def _build(folder: Path) -> None:
    tree = folder / "tree"
    with cache.progress(f"Debian {SUITE} with {len(PACKAGES)} packages"):
        _bootstrap(tree)
    with cache.progress("picamera2 from PyPI"):
        _install_picamera2(tree)


def _bootstrap(tree: Path) -> None:
    options = [
        "--variant=apt",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Languages "none"',
        # The machine's own clock may be off; what is checked is the signature.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
    ]
    _run(["mmdebstrap", "--quiet", *options, SUITE, str(tree), mirror()])


def mirror() -> str:
    """Where this machine gets Debian itself from, so that no mirror has to be named here."""
    release = Path("/etc/os-release").read_text()
    codename = next(line.partition("=")[2] for line in release.splitlines() if "VERSION_CODENAME=" in line)
    filters = ["Created-By: Packages", f"Release: {codename}", "Component: main"]
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", *filters])
    if not targets:
        raise RuntimeError(f"apt has no source for {codename} main; the image is built from the same mirror")
    return targets.splitlines()[0]


def _install_picamera2(tree: Path) -> None:
    """For the system's own Python; without dependencies, since Debian's packages are not to be replaced."""
    install = ["pip", "install", "--quiet", "--root-user-action=ignore", "--break-system-packages"]
    install += ["--no-cache-dir", "--no-deps", "--no-warn-script-location"]
    borrowed = _lend_network(tree)
    try:
        _run_inside(tree, [*install, "--only-binary=:all:", *WHEELS])
        _run_inside(tree, [*install, "--no-build-isolation", *SOURCES])
    finally:
        for file in borrowed:
            file.unlink(missing_ok=True)


def _lend_network(tree: Path) -> list[Path]:
    """The host's resolver and certificates, for the time of the downloads only."""
    borrowed = []
    for source in (_RESOLVER, _CA_BUNDLE):
        target = tree / source.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy(source, target)
        borrowed.append(target)
    return borrowed


def _run_inside(tree: Path, command: list[str]) -> None:
    passed_on = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    passed_on |= {name: os.environ[name] for name in ("PIP_INDEX_URL",) if name in os.environ}
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "PIP_CERT": str(_CA_BUNDLE),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **passed_on,
    }
    _run(["chroot", str(tree), *command], environment)


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """The output; a failure shows all that the command said."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout.strip()
