#!/usr/bin/env bash
# The SDK's tests with the oldest rustc that Cargo.toml promises, Debian 12's own: unpacked, as it cannot be installed beside
# the newer one that Debian has for browsers.
#   oldest.sh FOLDER        where it is unpacked and built, once
set -euo pipefail
sdk=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1" && cd "$1"
if [[ ! -e unpacked ]]; then
  apt-get --quiet download rustc libstd-rust-1.63 libstd-rust-dev libllvm14
  for package in *.deb; do dpkg --extract "$package" root; done
  touch unpacked
fi
export LD_LIBRARY_PATH=$PWD/root/usr/lib/x86_64-linux-gnu CARGO_MANIFEST_DIR=$sdk
rust() { root/usr/bin/rustc --edition 2021 --out-dir . -D warnings "$@"; }
root/usr/bin/rustc --version | grep '^rustc 1\.63\.'
rust --crate-name ruststream_plugin --crate-type rlib "$sdk/src/lib.rs"
rust --crate-name sdk --test "$sdk/src/lib.rs"
./sdk
for each in "$sdk"/tests/*.rs; do
  rust --test "$each" --extern ruststream_plugin=libruststream_plugin.rlib
  "./$(basename "$each" .rs)"
done
