# SPDX-License-Identifier: MIT
"""The part that does: configuration files, systemd, the journal, processes and the host."""
