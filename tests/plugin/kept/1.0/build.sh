#!/usr/bin/env bash
# Built the libraries beside this script, once, on Debian 12 with gcc 12, sdk/abi/released/1.0 and
# the first C++ wrapper. Never build them again: each later hub must load them as they are.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
sdk=../../../../sdk
for one in c cpp; do
  source=$(ls $one/plugin.c*)
  digest=$(sha256sum < $one/manifest.yaml | cut -d' ' -f1)
  case $one in c) compiler=(gcc -std=c11) ;; cpp) compiler=(g++ -std=c++20 -static-libstdc++) ;; esac
  "${compiler[@]}" -Os -fPIC -shared -fvisibility=hidden -ffunction-sections -fdata-sections -I$sdk/include \
    -DRABT_MANIFEST_SHA256="\"$digest\"" "$source" -s -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,-z,now -Wl,-z,relro \
    -Wl,--version-script=$sdk/cmake/plugin.map -o $one/bin/linux-x86_64/plugin.so
done
