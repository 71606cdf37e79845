#!/bin/sh
# Builds for release, checks, puts the report into the package and signs it.
#   ./sign.sh KEY        KEY: a secret key of `rabt plugin keys generate` or of minisign
set -eu
key=$1
cmake --preset release
cmake --build --preset release
ctest --preset release
package=$(cat build/release/@ID@.package) # CMake says where
rabt plugin check --examples check --write-report "$package"
rabt plugin sign --key "$key" "$package"
