#!/bin/sh
# SPDX-License-Identifier: MIT
# check.sh FOLDER: build the package, and once more from its source package, where folder, umask, time zone, language
# and the user's home differ; the same bytes must come out, and lintian must find no fault with them.
set -eu

cd "$(dirname "$0")/.."
mkdir -p "$1"
folder=$(cd "$1" && pwd)
first=$folder/first
second=$folder/second/place
rm -rf "$folder/second"
mkdir "$folder/second"

sh debian/build.sh "$first"
dpkg-source --no-check --extract "$first"/camwatchd_*.dsc "$second" > "$first/extract.log"
(umask 077 && HOME=/nonexistent TZ=Asia/Kathmandu LC_ALL=C.UTF-8 sh "$second/debian/build.sh" build)

for file in "$first"/camwatchd_*.deb "$first"/camwatchd_*.dsc "$first"/camwatchd_*.tar.xz; do
    cmp "$file" "$second/build/${file##*/}"
    sha256sum "$file"
done
echo "two builds, the same bytes"

lintian --allow-root --fail-on error,warning "$first"/camwatchd_*.changes
echo "lintian found nothing"
