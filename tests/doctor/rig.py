# SPDX-License-Identifier: MIT
"""Owns the test's Raspberry Pi: a folder with what the doctor looks at, healthy until a test breaks something."""

import functools
import os
import socket
import threading
from pathlib import Path

from camwatchd import __version__
from camwatchd.control.protocol import Ping, Pong, Reason, Refused, decode_request, encode_answer
from camwatchd.doctor.place import Place

KERNEL = "6.12.47+rpt-rpi-2712"
MACHINE = "0123456789abcdef0123456789abcdef"
CSI_ID = "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a"
USB_ID = "/base/axi/pcie@120000/rp1/usb@300000-1.2:1.0-046d:0825"
UNIT = {
    "LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active", "SubState": "running",
    "Result": "success", "NRestarts": "0", "MainPID": "700", "NeedDaemonReload": "no", "DropInPaths": "",
    "StartLimitIntervalUSec": "1h 25min", "StartLimitBurst": "4", "StartLimitAction": "reboot",
    "FailureAction": "none", "SuccessAction": "none", "WatchdogUSec": "1min", "TimeoutStartUSec": "1min",
    "TimeoutStopUSec": "15s", "TimeoutAbortUSec": "10s", "RestartUSec": "15s", "Type": "notify",
    "NotifyAccess": "main", "Restart": "on-abnormal", "KillMode": "mixed", "SendSIGKILL": "yes",
    "OOMPolicy": "continue", "User": "camwatchd", "SupplementaryGroups": "video systemd-journal",
}  # fmt: skip
MANAGER = {"ServiceWatchdogs": "yes", "RuntimeWatchdogUSec": "1min", "RebootWatchdogUSec": "2min"}

_STANZA = (
    "Package: {}\nStatus: install ok installed\nPriority: optional\nVersion: {}\nDescription: some\n more\n"
)
_PACKAGES = {
    "libcamera0.6": "0.6.0+rpt1", "python3-libcamera": "0.6.0+rpt1", "python3-numpy": "1:2.2.4", "systemd": "257.9",
}  # fmt: skip
_FILES = {
    "etc/passwd": f"root:x:0:0:root:/root:/bin/sh\ncamwatchd:x:{os.getuid()}:990::/:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nvideo:x:44:camwatchd\nsystemd-journal:x:999:\ncamwatchd:x:990:pi\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
    "etc/machine-id": f"{MACHINE}\n",
    "proc/sys/kernel/osrelease": f"{KERNEL}\n",
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/meminfo": "MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\nCmaTotal: 65536 kB\nCmaFree: 60000 kB\n",
    "proc/locks": "",
    "proc/self/mountinfo": "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n",
    "proc/700/statm": "9000 6000 3000 1 0 4000 0\n",
    "proc/700/comm": "camwatchd\n",
    "proc/700/cmdline": "/usr/bin/python3\0/usr/bin/camwatchd\0",
    "sys/fs/cgroup/system.slice/camwatchd.service/cgroup.procs": "700\n",
    "sys/fs/cgroup/system.slice/camwatchd.service/memory.events": "low 0\noom_kill 0\n",
    "sys/class/thermal/thermal_zone0/temp": "51200\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
    "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "0\n",
    "sys/class/watchdog/watchdog0/identity": "Broadcom BCM2835 Watchdog timer\n",
    "sys/bus/media/devices/media0/model": "rp1-cfe\n",
    "usr/lib/python3/dist-packages/numpy-2.2.4.dist-info/METADATA": "",
    "usr/lib/python3/dist-packages/picamera2-0.3.31.egg-info/PKG-INFO": "",
    "usr/lib/systemd/system-generators/camwatchd-guard": "",
    f"lib/modules/{KERNEL}/modules.dep": "",
    f"var/log/journal/{MACHINE}/system.journal": "",
    "var/lib/camwatchd/guard": "",
    "var/lib/dpkg/status": "\n".join(_STANZA.format(*pair) for pair in _PACKAGES.items()),
    "dev/watchdog0": "",
}


def put(root: Path, name: str, text: str) -> Path:
    """A file with the folders above it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def healthy(root: Path) -> Place:
    """A Pi 5 with a camera on CSI and one on USB, where everything is as it should be; the daemon says who it is."""
    for name, text in _FILES.items():
        put(root, name, text)
    for name in ("video0", "video1", "media0", "v4l-subdev0", "dma_heap/linux,cma"):
        put(root, f"dev/{name}", "").chmod(0o660)
    put(root, "usr/lib/camwatchd/guard", "#!/bin/sh\n").chmod(0o755)
    put(root, "etc/camwatchd/config.toml", f'[camera.cam0]\nid = "{CSI_ID}"\n')
    (root / "var/lib/camwatchd/state").mkdir(mode=0o750)
    systemctl(root)
    csi_sensor(root)
    usb_camera(root)
    return Place(root=root, socket=answering(), path=f"{root}/bin:/usr/bin:/bin")


@functools.cache
def answering() -> str:
    """The socket of somebody who only says who he is, as long as the tests run."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    door.bind(f"\0camwatchd-test-{os.getpid()}")  # abstract: it leaves no file behind
    door.listen()
    threading.Thread(target=_answer, args=(door,), daemon=True).start()
    return str(door.getsockname().decode())


def _answer(door: socket.socket) -> None:
    while True:
        with door.accept()[0] as guest:
            while datagram := guest.recv(4096):
                serial, request = decode_request(datagram)
                pong = isinstance(request, Ping)
                answer = Pong(__version__, 700) if pong else Refused(Reason.INTERNAL, "a mere test")
                guest.send(encode_answer(serial, answer))


def systemctl(root: Path, **changes: str) -> None:
    """What systemd says, from now on."""
    unit = "\n".join(f"{name}={value}" for name, value in (UNIT | changes).items())
    manager = "\n".join(f"{name}={changes.get(name, value)}" for name, value in MANAGER.items())
    heads = f"#!/bin/sh\ncase $* in *camwatchd.service) cat <<'E'\n{unit}\nE\n"
    script = f"{heads};; *) cat <<'E'\n{manager}\nE\n;; esac\n"
    put(root, "bin/systemctl", script).chmod(0o755)


def csi_sensor(root: Path, name: str = "imx708_wide", at: str = "10-001a", *, probed: bool = True) -> None:
    """A sensor with a lens beside it, as the kernel shows them."""
    node = f"sys/firmware/devicetree/base/axi/pcie@120000/rp1/i2c@88000/{name.partition('_')[0]}@1a"
    (root / node / "port").mkdir(parents=True)
    device = f"sys/devices/rp1/i2c-10/{at}"
    put(root, f"{device}/name", name.partition("_")[0])
    link(root, f"{device}/of_node", node)
    link(root, f"sys/bus/i2c/devices/{at}", device)
    link(root, f"{device}/subsystem", "sys/bus/i2c")
    if probed:
        link(root, f"{device}/driver", "sys/bus/i2c")
        put(root, "sys/class/video4linux/v4l-subdev0/name", f"{name} {at}\n")
        link(root, "sys/class/video4linux/v4l-subdev0/device", device)
    lens = "sys/devices/rp1/i2c-10/10-000c"
    put(root, f"{lens}/name", "dw9807")
    link(root, f"{lens}/subsystem", "sys/bus/i2c")
    put(root, "sys/class/video4linux/v4l-subdev1/name", "dw9807 10-000c\n")
    link(root, "sys/class/video4linux/v4l-subdev1/device", lens)


def usb_camera(root: Path) -> None:
    """One with two nodes, pictures and metadata, behind a hub."""
    controller = "sys/devices/rp1/usb@300000"
    node = "sys/firmware/devicetree/base/axi/pcie@120000/rp1/usb@300000"
    (root / node).mkdir(parents=True)
    device = f"{controller}/usb3/3-1/3-1.2"
    for name, text in {"idVendor": "046d", "idProduct": "0825", "product": "HD Webcam C270"}.items():
        put(root, f"{device}/{name}", f"{text}\n")
    link(root, f"{controller}/of_node", node)
    (root / "sys/bus/usb").mkdir(parents=True)
    (root / device / "3-1.2:1.0").mkdir()
    link(root, f"{device}/3-1.2:1.0/subsystem", "sys/bus/usb")
    for number in (0, 1):
        put(root, f"sys/class/video4linux/video{number}/name", "HD Webcam C270: HD Webcam C270\n")
        link(root, f"sys/class/video4linux/video{number}/device", f"{device}/3-1.2:1.0")


def link(root: Path, name: str, target: str) -> None:
    """A link within the tree."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(root / target)
