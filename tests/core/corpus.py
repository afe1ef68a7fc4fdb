# SPDX-License-Identifier: MIT
# ruff: noqa: E501  # the words are quoted whole
"""Owns the words of real cameras that fail, letter by letter, each with its source and the fault it names.

F1 to F29 are the rows of the failure survey that the fault table was made after; rows that are kernel messages
or no words at all never reach a worker's stderr. p, r, l, k: issues of raspberrypi/picamera2, rpicam-apps,
raspberrypi/libcamera, kbingham/libcamera. "!" marks what is a fault at once; None says nothing about a fault.
"""

NOT_OURS = {
    "F3": "rpicam-apps' own words", "F4": "silence; kernel log", "F5": "task in state D", "F6": "kernel log",
    "F10": "silence", "F13": "kernel log", "F23": "kernel log", "F24": "kernel log", "F25": "kernel log",
    "F27": "frame metadata", "F28": "picture content", "F29": "vcgencmd",
}  # fmt: skip

_HEAD = "[0:04:11.187898530] [1541] "

# fmt: off
LINES: tuple[tuple[str, str, str | None], ...] = (
    ("F1",  _HEAD + " WARN V4L2 v4l2_videodevice.cpp:2096 /dev/video0[17:cap]: Dequeue timer of 1000000.00us has expired!", "frontend-timeout"),
    ("F1",  _HEAD + " WARN V4L2 v4l2_videodevice.cpp:2007 /dev/video4[16:cap]: Dequeue timer of 2050000.00us has expired!", "frontend-timeout"),
    ("F2",  _HEAD + "ERROR RPI pipeline_base.cpp:1367 Camera frontend has timed out!", "frontend-timeout!"),
    ("F2",  _HEAD + "ERROR RPI pipeline_base.cpp:1368 Please check that your camera sensor connector is attached securely.", "frontend-timeout"),
    ("F2",  _HEAD + "ERROR RPI pipeline_base.cpp:1369 Alternatively, try another cable and/or sensor.", "frontend-timeout"),
    ("F7",  _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1787 /dev/video0[17:cap]: Failed to queue buffer 3: Resource temporarily unavailable", "buffer-queue"),
    ("F7",  _HEAD + "ERROR RPISTREAM rpi_stream.cpp:267 Failed to queue buffer for Unicam Image", "buffer-queue"),
    ("F8",  _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1998 /dev/video0[17:cap]: Failed to start streaming: Connection timed out", "sensor-io"),
    ("F8",  _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1998 /dev/video0[17:cap]: Failed to start streaming: Input/output error", "sensor-io"),
    ("F8",  _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1998 /dev/video0[17:cap]: Failed to start streaming: Remote I/O error", "sensor-io"),
    ("F8",  _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1998 /dev/video0[17:cap]: Failed to start streaming: Broken pipe", "init-failed"),
    ("F9",  _HEAD + "ERROR V4L2 v4l2_device.cpp:418 'imx219 10-0010': Unable to set control 0x00980911: Input-/Outputerror", "sensor-io"),
    ("F9",  _HEAD + "ERROR V4L2 v4l2_device.cpp:411 'imx477 10-001a': Unable to set controls: Input/output error", "sensor-io"),
    ("F9",  _HEAD + "ERROR V4L2 v4l2_device.cpp:411 'dw9807 10-000c': Unable to set controls: Remote I/O error", "sensor-io"),
    ("F9",  _HEAD + "ERROR RPI pipeline_base.cpp:1266 V4L2 DelayedControl set failed", "sensor-io"),
    ("F12", "Camera(s) not found (Do not forget to disable legacy camera with raspi-config).", None),
    ("F14", "Camera __init__ sequence did not complete.", None),
    ("F15", _HEAD + " INFO Camera camera.cpp:1028 Pipeline handler in use by another process", "busy"),
    ("F16", _HEAD + "ERROR Camera camera.cpp:702 Camera in Running state trying acquire() requiring state Available", "init-failed"),
    ("F17", _HEAD + "ERROR V4L2 v4l2_device.cpp:411 'imx219 10-0010': Unable to set controls: Device or resource busy", "busy"),
    ("F17", _HEAD + " WARN RPI vc4.cpp:391 Mismatch between Unicam and CamHelper for embedded data usage!", None),
    ("F18", _HEAD + "ERROR DmaBufAllocator dma_buf_allocator.cpp:173 dma-heap allocation failure for rpicam-apps0", "no-memory"),
    ("F18", "dmaHeap allocation failure for rpicam-apps0", "no-memory"),
    ("F18", _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1322 /dev/video0[17:cap]: Unable to request 1 buffers: Cannot allocate memory", "no-memory"),
    ("F18", _HEAD + "ERROR RPI pipeline_base.cpp:679 Failed to allocate buffers", "no-memory"),
    ("F18", "OSError: [Errno 12] Cannot allocate memory", "no-memory"),
    ("F19", _HEAD + "ERROR DmaBufAllocator dma_buf_allocator.cpp:119 Could not open any dma-buf provider", "permission"),
    ("F19", _HEAD + "ERROR RPI vc4.cpp:219 Failed to register camera imx477 10-001a: -12", "permission"),
    ("F20", _HEAD + "ERROR RPI vc4.cpp:707 Failed to set format on ISP Output1: -22", "configuration"),
    ("F21", "Exception during process_requests()", "event-loop-dead!"),
    ("F21", "Exception in thread Thread-2 (thread_func):", "event-loop-dead"),
    ("F21", "Exception in thread Thread-1 (listen):", "event-loop-dead!"),
    ("F22", _HEAD + "FATAL Camera camera.cpp:1486 Trying to complete a request when stopped", "worker-crashed"),
    ("F22", _HEAD + "ERROR Camera camera.cpp:600 Removing camera while still in use", None),
    ("F26", "ValueError: numpy.dtype size changed, may indicate binary incompatibility", "missing-package"),
    ("F26", "ModuleNotFoundError: No module named 'libcamera'", "missing-package"),
    # Not in the survey: the same calls with other reasons, from the sources named in the classifier's tables.
    ("l",   _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1787 /dev/video0[13:cap]: Failed to queue buffer 0: No such device", "device-gone!"),
    ("l",   _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1850 /dev/video0[13:cap]: Failed to dequeue buffer: No such device", "device-gone!"),
    ("l",   _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:2035 /dev/video0[13:cap]: Failed to stop streaming: No such device", "device-gone"),
    ("l",   _HEAD + "ERROR RPI pisp.cpp:948 Failed to register camera imx708_wide: -121", "sensor-io"),
    ("l",   _HEAD + "ERROR MediaDevice media_object.cpp:420 Device node /dev/video0 can't be accessed: Permission denied", "permission"),
    ("l",   _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1950 /dev/video0[13:cap]: Dequeued buffer (614399 bytes) too small for plane lengths 614400", "broken-picture"),
    ("l",   _HEAD + "ERROR V4L2 v4l2_videodevice.cpp:1097 /dev/video0[13:cap]: Unable to set format: Connection timed out", "sensor-io"),
    ("l",   _HEAD + "DEBUG V4L2 v4l2_videodevice.cpp:1787 Failed to queue buffer 0: No such device", None),
    ("l",   _HEAD + " INFO Camera camera_manager.cpp:313 libcamera v0.3.0+65-6ddd79b5", None),
    ("l",   _HEAD + " INFO RPI pisp.cpp:1154 Registered camera /base/axi/pcie@120000/rp1/i2c@88000/imx296@1a to CFE device /dev/media2", None),
    ("",    "encoder: buffer overflow, dropping frame", "buffer-overflow"),
    ("",    "codec: Buffer Underrun", "buffer-underflow"),
    ("",    "Traceback (most recent call last):", None),
    ("",    "", None),
)

INIT = "RuntimeError('Camera __init__ sequence did not complete.')"

EXCEPTIONS: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
    ("F8",  ("RuntimeError('Failed to start camera: Connection timed out')",), "sensor-io"),
    ("F8",  ("RuntimeError('Failed to start camera: Input/output error')",), "sensor-io"),
    ("F8",  ("RuntimeError('Failed to start camera: Remote I/O error')",), "sensor-io"),
    ("F8",  ("RuntimeError: Camera did not start properly.",), "init-failed"),
    ("F11", ("IndexError('list index out of range')",), "not-found"),
    ("F11", ("IndexError: list index out of range",), "not-found"),
    ("F11", ("""RuntimeError('No camera number 0 found - use "rpicam-hello --list-cameras" to check connected cameras')""",), "not-found"),
    ("F12", (INIT, "RuntimeError('Failed to initialize camera')", "RuntimeError('Camera(s) not found (Do not forget to disable legacy camera with raspi-config).')"), "not-found"),
    ("F14", (INIT,), "init-failed"),
    ("F14", (INIT, """AttributeError("'NoneType' object has no attribute 'at'")"""), "init-failed"),
    ("F15", (INIT, "RuntimeError('Failed to acquire camera: Device or resource busy')"), "busy"),
    ("F15", (INIT, "RuntimeError: camera.acquire() returned unexpected code: -16"), "busy"),
    ("F15", (INIT, "RuntimeError: camera.acquire() returned unexpected code: -22"), "init-failed"),
    ("F18", ("OSError(12, 'Cannot allocate memory')",), "no-memory"),
    ("F18", ("OSError: [Errno 12] Cannot allocate memory",), "no-memory"),
    ("F18", ("RuntimeError('Failed to start camera: Cannot allocate memory')",), "no-memory"),
    ("F18", ("RuntimeError('Failed to allocate buffers.')",), "no-memory"),
    ("F18", ("RuntimeError('failed to allocate capture buffers for stream 0')",), "no-memory"),
    ("F19", (INIT, "RuntimeError('Could not open any dmaHeap device')"), "permission"),
    ("F19", ("PermissionError(13, 'Permission denied')",), "permission"),
    ("F20", ("""RuntimeError("Invalid camera configuration: {'use_case': 'video'}")""",), "configuration"),
    ("F20", ("""RuntimeError("Configuration failed: {'use_case': 'video'}")""",), "configuration"),
    ("F20", ("RuntimeError('Failed to configure camera: Invalid argument')",), "configuration"),
    ("F20", ("RuntimeError('Control Brightnes is not advertised by libcamera')",), "configuration"),
    ("F20", ("RuntimeError('width and height should be even')",), "configuration"),
    ("F26", ("ValueError('numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88')",), "missing-package"),
    ("F26", ("""ModuleNotFoundError("No module named 'libcamera'")""",), "missing-package"),
    ("F26", ("ImportError('/usr/lib/python3/dist-packages/libcamera/_libcamera.so: undefined symbol: _ZN9libcamera')",), "missing-package"),
    # A wrapper tells less than its cause, and a wrong state of the camera is no matter of permissions.
    ("l",   (INIT, "RuntimeError('Initialization failed.')", "RuntimeError('Camera grab failed.')"), "init-failed"),
    ("l",   ("RuntimeError('Failed to queue request: No such device')",), "device-gone"),
    ("l",   ("RuntimeError('Failed to start camera: No such device')",), "device-gone"),
    ("l",   ("RuntimeError('Failed to start camera: Permission denied')",), "init-failed"),
    ("l",   ("RuntimeError('Failed to queue request: Permission denied')",), "buffer-queue"),
    ("l",   ("RuntimeError('Failed to start camera: Broken pipe')",), "init-failed"),
    ("",    ("ZeroDivisionError('division by zero')",), None),
    ("",    ("TimeoutError()",), None),
    ("",    (), None),
)
# fmt: on
