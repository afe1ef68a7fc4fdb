# SPDX-License-Identifier: MIT
"""The QEMU machine with Debian's kernel, real libcamera and picamera2, and a real kernel camera (README.md)."""
