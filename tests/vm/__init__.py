# SPDX-License-Identifier: MIT
"""Owns the machine with Debian's kernel, real libcamera and picamera2, and a kernel camera."""
