#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh FOLDER [VERSION]: the source and binary package of the working tree, as they come, put into FOLDER.
# It is built from a copy within FOLDER, so that nothing is left behind in the tree. With VERSION the package,
# and the program in it, say that they are another version: something to upgrade to.
set -eu

# Debian's own tools and Python, not those of a developer's home.
PATH=/usr/sbin:/usr/bin:/sbin:/bin

sources="LICENSE Makefile README.md camwatchd debian etc pyproject.toml systemd tests"
version=${2-}

cd "$(dirname "$0")/.."
mkdir -p "$1"
folder=$(cd "$1" && pwd)
work=$(mktemp --directory "$folder/.building.XXXXXX")
trap 'rm -rf "$work"' EXIT
copy=$work/source
mkdir --mode=0755 "$copy"
# The copy is the same whatever umask the tree was made with, and whenever.
# shellcheck disable=SC2086 # several names
tar --create --exclude=__pycache__ --exclude='*.egg-info' --mode=u+rw,go=rX \
    --mtime="@$(dpkg-parsechangelog --show-field Timestamp)" $sources |
    tar --extract --no-same-owner --warning=no-timestamp --preserve-permissions --directory="$copy"

if [ -n "$version" ]; then
    old=$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
    sed -i "1s/($old)/($version)/" "$copy/debian/changelog"
    sed -i "/^_*version_* = /s/\"$old\"/\"$version\"/" "$copy/pyproject.toml" "$copy/camwatchd/__init__.py"
fi

log=$folder/build.log
if ! (cd "$copy" && dpkg-buildpackage --unsigned-source --unsigned-changes) > "$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "the package could not be built; the whole log: $log" >&2
    exit 1
fi
rm -rf "$copy" "$folder"/camwatchd_*
mv "$work"/camwatchd_* "$folder"
ls "$folder"/camwatchd_*.deb
