# SPDX-License-Identifier: MIT
# ruff: noqa: E501  # a row stays on one line
"""Owns what the kernel's own lines say about cameras: on which bus, of which device, and which fault they explain.

None of them is a fault by itself: the kernel says the same of a camera that failed and of a mouse that was
unplugged. A line that names a fault is a clue; the others are evidence only. Sources: issue threads of
raspberrypi/linux (x), picamera2 (p), rpicam-apps (r), libcamera (l), firmware (w), and the drivers' source files.
"""

import re
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from camwatchd.core.usb import is_place


class Bus(StrEnum):
    """What a camera is connected to, or a kernel line is about."""

    USB = "usb"
    CSI = "csi"
    ANY = "any"  # not known, or both


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a line says. `who`: the USB device ("1-1.3"), the sensor ("imx708") or the end of the address of the
    sensor's bus ("88000"), where it names one.

    `fault` is empty where it explains none; `lasting`: nothing in this boot will undo it.
    """

    bus: Bus
    fault: str = ""
    who: str = ""
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class KernelLine:
    """A line about cameras, and when the kernel wrote it (monotonic seconds)."""

    at: float
    text: str
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; an empty bus: nothing to do with cameras, whatever rows below say."""

    pattern: re.Pattern[str]
    bus: str
    fault: str
    lasting: bool


def _rows(*table: tuple[str, str, str, str]) -> tuple[Row, ...]:
    return tuple(
        Row(re.compile(regex), bus, fault.rstrip("~"), fault.endswith("~")) for regex, bus, fault, _ in table
    )


_USB = r"^(?:usb|uvcvideo) (?P<who>\d+-[\d.]+)(?::\d+\.\d+)?: "
_PROBE = (
    r"^uvcvideo(?:: probe of)? (?P<who>\d+-[\d.]+):\d+\.\d+(?:: probe with driver \S+)? failed with error "
)
_PORT = r"^usb (?P<hub>usb\d+|\d+-[\d.]+)-port(?P<port>\d+): "  # a hub's: "usb1-port2" is where 1-2 is plugged in
_UVC = r"^(?:(?:usb|uvcvideo) (?P<who>\d+-[\d.]+)(?::\d+\.\d+)?|uvcvideo): "  # before 5.12 without a device
# Digits follow the maker's letters, or else a disk's "scsi" and the serial port "sc16is752" were sensors too.
_SENSOR = r"(?:(?:imx|ov|og|ar0|gc|hm|mira|os0|ox0|vd|sc\d\d)\d\w*|s5k\w+|arducam[\w-]*|tevs)"
# ... or the motor of some lens.
_CHIP = rf"^(?:(?P<who>{_SENSOR})|(?:dw98|ak73|ad58)\d\d\w*) \d+-00[0-9a-f]{{2}}: "
_CSI = r"^(?:unicam|rp1-cfe|bcm2835-unicam)\b[^:]*: (?:\S+: )?"
_FIRMWARE = r"^(?:bcm2835[_-](?:mmal[_-]vchiq|codec|isp|v4l2)|vc_sm_cma\w*|vchiq)\b"

_POWER = r"(?i)under-?voltage detected|^(hwmon hwmon\d+: )?Voltage normalised"

# The first row that fits counts. "~" marks what lasts for the whole boot.
# fmt: off
TABLE = _rows(
    (_UVC + r"Failed to query \(\w+\) UVC control .*: -32 ",            "",    "",              "uvc_video.c: a control that the camera lacks, crowsnest#87"),
    (_UVC + r"Failed to (query|set) .*: -(71|110) ",                    "usb", "sensor-io",     "uvc_video.c: no answer to a control request, x#618"),
    (_UVC + r"Failed to (query|set) .*: -19 ",                          "usb", "device-gone",   "uvc_video.c"),
    (_UVC + r"Failed to (query|set|submit|resubmit) ",                  "usb", "",              "uvc_video.c"),
    (_UVC + r"Non-zero status \(-\d+\) in ",                            "usb", "",              "uvc_video.c, uvc_status.c, x#199"),
    (_UVC + r"No fast enough alt setting",                              "usb", "configuration", "uvc_video.c"),
    (_USB + r"(Not|not) enough bandwidth",                              "usb", "configuration", "xhci.c, message.c"),
    (_PROBE + r"-(71|110)$",                                            "usb", "sensor-io",     "base/dd.c"),
    (_PROBE,                                                            "usb", "",              "base/dd.c"),
    (_UVC + r"Found UVC ",                                              "usb", "",              "uvc_driver.c: the camera is back"),
    (_USB + r"USB disconnect, device number",                           "usb", "device-gone",   "hub.c"),
    (_USB + r"reset [\w+-]+ USB device",                                "usb", "",              "hub.c"),
    (_USB + r"(device descriptor read|device not accepting|can't (set config|read config)|unable to (get|read) |device firmware changed|Device not responding|cannot reset)", "usb", "", "hub.c"),
    (_PORT,                                                             "usb", "",              "hub.c: enumeration, over-current, EMI"),
    (r"^hub (?:(?P<who>\d+-[1-9][\d.]*)|\d+-0):\S+ .*(failed|disabled|over-current|[Cc]annot|unable)", "usb", "", "hub.c: the same of a hub"),
    (r"^xhci[_-]hcd .*(assume dead|HC died)|^dwc_otg.*: HC died",       "usb", "device-gone",   "xhci-ring.c, x#5753: all that is plugged in is gone"),
    (r"^xhci[_-]hcd .*(not responding|ERROR|Host System Error)",        "usb", "",              "xhci-ring.c"),

    (_CHIP + r"(error -\w+: )?(failed to (read chip id|find sensor)|chip id mismatch|probe with driver \S+ failed)", "csi", "sensor-io~", "imx708.c, imx219.c: it is probed once a boot, l#298 r#902"),
    (rf"^(?P<who>{_SENSOR}): probe of \d+-00[0-9a-f]{{2}} failed",       "csi", "sensor-io~",    "base/dd.c until 6.7, r#400"),
    (rf"^i2c i2c-\d+: Failed to register i2c client (?P<who>{_SENSOR}) ", "csi", "",            "i2c-core-base.c: the overlay is loaded twice"),
    (_CHIP + r".*([Ff]ailed|[Ee]rror\b|timed out|timeout)",             "csi", "sensor-io",     "drivers/media/i2c, p#668 x#7613"),
    (r"^rp2040-gpio-bridge .*(failed|could not)",                       "csi", "sensor-io",     "the AI camera's own controller, x#7613"),
    (r"^i2c-bcm2835 (fe|3f|20)205000\.i2c: .*(timed out|timeout)",      "csi", "sensor-io",     "i2c-bcm2835.c: i2c0, which has both connectors of Pi 0 to 4"),
    (r"^i2c_designware 1f000(?P<who>8[08]000)\.i2c: .*(timed out|timeout)", "csi", "sensor-io", "i2c-designware-master.c, x#5784: one connector of a Pi 5"),
    (r"^i2c[_-](bcm2835|designware|brcmstb)\S* .*(timed out|timeout)",  "csi", "",              "the header's bus, or a screen's"),
    (_CSI + r"stream on failed in subdev",                              "csi", "sensor-io",     "unicam.c, rp1_cfe/cfe.c, x#6982 x#7398"),
    (_CSI + r".*([Ff]ailed|[Ee]rror|not enabled|[Tt]imeout|timed out)", "csi", "",              "unicam.c, rp1_cfe/cfe.c"),
    (_FIRMWARE + r".*(timed out|[Tt]imeout|[Ff]ailed|failed to create|throw away|refcount)", "csi", "", "the firmware does not answer, x#5360 x#4606 p#1090"),

    (r"\bcma\b.*alloc failed",                                          "any", "no-memory",     "mm/cma.c, x#2966 r#912"),
    (r"^(python3|camwatchd)\S*: page allocation failure",               "any", "no-memory",     "mm/page_alloc.c, of a process like our worker"),
    (r"page allocation failure",                                        "any", "",              "mm/page_alloc.c: what another process lacked, a camera need not"),
    (r"^(Out of memory|Memory cgroup out of memory): Killed process|oom_reaper: reaped", "any", "", "mm/oom_kill.c"),
    (r"^INFO: task .* blocked for more than",                           "any", "",              "kernel/hung_task.c, p#1275 p#1090"),
    (r"^WARNING: .*(drivers/media/|videobuf2|v4l2)|__vb2_queue_cancel|vb2_wait_for_all_buffers", "any", "", "x#6982 r#849 p#1275"),
    (r"^(Internal error: Oops|Unable to handle kernel|BUG: )",          "any", "",              "x#7398"),
    (r"\]: segfault at .*(libcamera|libpisp|python)",                   "any", "",              "arch/x86/mm/fault.c, arch/arm64/kernel/traps.c"),
    (_POWER,                                                            "any", "",               "raspberrypi-hwmon.c, x#1754 w#681"),
)
# fmt: on

# Each line of the table has one of these, as `journalctl --grep` takes them: what the reader sifts the log with.
WORDS = (
    r"^(usb|hub|uvcvideo)\b(?! \S+: (new |product:|manufacturer:|serialnumber:))|\bxhci|\bdwc_otg|\bi2c|\brp2040|^unicam|^rp1-cfe|^bcm2835|^vc_sm_cma|^vchiq|\bcma\b"
    r"|(probe of| )\d+-00[0-9a-f]{2}\b|page allocation|out of memory|oom_reaper|blocked for more|drivers/media"
    r"|videobuf2|v4l2|vb2_|^internal error|^unable to handle|^bug:|segfault|under-?voltage|voltage normali[sz]ed"
)

# libcamera's names of cameras: of USB "<controller>-1.3:1.0-046d:0825", with the ports but without the number of the
# bus (uvcvideo.cpp, generateId); of CSI the sensor's node, "/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a".
_USB_CAMERA = re.compile(r"-(?:\d+-)?(\d+(?:\.\d+)*):\d+\.\d+-[0-9a-f]{4}:[0-9a-f]{4}$")
_CSI_CAMERA = re.compile(rf"(?:^|/)(?:i2c@([0-9a-f]+)/)?({_SENSOR})(?:@[0-9a-f]+)?$")


def of_kernel(text: str) -> Meaning | None:
    """What a line of the kernel says about cameras, if it does."""
    for row in TABLE:
        if match := row.pattern.search(text):
            who = _who(match.groupdict())
            return Meaning(Bus(row.bus), row.fault, who, row.lasting) if row.bus else None
    return None


def is_of_power(text: str) -> bool:
    """Whether it says that the supply is weak, or is so no longer."""
    return re.search(_POWER, text) is not None


def _who(groups: dict[str, str | None]) -> str:
    """As the kernel calls a device that is plugged into this port, where a line is about a hub's."""
    hub, port = groups.get("hub"), groups.get("port")
    if hub and port:
        return f"{hub[3:]}-{port}" if hub.startswith("usb") else f"{hub}.{port}"
    return groups.get("who") or ""


def concerns(meaning: Meaning, camera: str, place: str = "") -> bool:
    """Whether it may be about this camera, by its place on USB, its id or its model, as far as one is known."""
    if meaning.bus is Bus.ANY:
        return True
    if is_place(place):
        return meaning.bus is Bus.USB and _behind(meaning, meaning.who, place)
    if usb := _USB_CAMERA.search(camera):  # on which bus is not known
        return meaning.bus is Bus.USB and _behind(meaning, meaning.who.partition("-")[2], usb[1])
    if csi := _CSI_CAMERA.search(camera):
        bus, sensor = csi.groups()
        own = sensor.startswith(meaning.who) or meaning.who == bus or (not bus and meaning.who.isdigit())
        return meaning.bus is Bus.CSI and own
    return True


def _behind(meaning: Meaning, who: str, place: str) -> bool:
    """A hub's trouble is evidence for what is plugged into it; of a fault each device has a line of its own."""
    return who in ("", place) or (not meaning.fault and place.startswith(f"{who}."))


class Memory:
    """The last lines, and of each sensor the last one that lasts: no flood of others may push that out."""

    _WHOS = 8  # sensors that are remembered so

    def __init__(self, limit: int) -> None:
        self._recent: deque[KernelLine] = deque(maxlen=limit)
        self._lasting: dict[str, KernelLine] = {}

    def add(self, line: KernelLine) -> None:
        """Of the kernel, later than those before."""
        self._recent.append(line)
        if line.meaning.lasting:
            self._lasting.pop(line.meaning.who, None)
            self._lasting[line.meaning.who] = line
            if len(self._lasting) > self._WHOS:
                del self._lasting[next(iter(self._lasting))]

    def lines(self) -> list[KernelLine]:
        """What is remembered, oldest first."""
        return [line for line in self._lasting.values() if line not in self._recent] + list(self._recent)
