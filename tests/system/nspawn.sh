#!/bin/sh
# SPDX-License-Identifier: MIT
# Boots one container: nspawn.sh CGROUP BOOTTIME-OFFSET MONOTONIC-OFFSET OPTIONS-OF-SYSTEMD-NSPAWN...
# PREPARE in the environment: shell commands that see only what this container sees, such as a mount for it.
#
# Nothing here outlives it: what it mounts is in a mount namespace of its own, what it starts in CGROUP.
set -eu

if [ "$1" != --inside ]; then
    cgroup=$1 boottime=$2 monotonic=$3
    shift 3
    echo $$ > "$cgroup/cgroup.procs"
    # With clocks of its own: each boot begins near 0, as on a machine. Only the time of day is the host's.
    exec unshare --mount --time --boottime="$boottime" --monotonic="$monotonic" sh "$0" --inside "$@"
fi
shift

# nspawn keeps files about its containers here, and would leave some of them on the host.
mkdir -p /run/systemd
mount -t tmpfs tmpfs /run/systemd
# A host that mixes the two versions of control groups would get the container to mix them too: systemd 257 will not.
mount -t cgroup2 cgroup2 /sys/fs/cgroup

eval "${PREPARE:-}"
unset PREPARE

# A test run that is killed must not leave a container behind.
exec setpriv --pdeathsig KILL systemd-nspawn --quiet --register=no --keep-unit --link-journal=no \
    --private-network --resolv-conf=off --timezone=off --console=pipe --notify-ready=yes "$@" --boot
