#!/bin/sh
# First install of Gatehouse on a box, without any network: sh install.sh BUNDLE.ghb RELEASE-KEY.pem
# Take this script and the key from where you trust them (not out of the bundle), and have the fingerprint on paper.
# It verifies and unpacks, nothing else; there is no way to skip the check. Root may be set for images: ROOT=/mnt sh install.sh …
set -eu
umask 022
[ $# = 2 ] || { echo "usage: sh install.sh BUNDLE.ghb RELEASE-KEY.pem" >&2; exit 2; }
bundle=$1 key=$2 root=${ROOT:-}
say() { printf '%s\n' "$*" >&2; }
stop() { say "Nothing was installed. $*"; exit 1; }
[ "$(id -u)" = 0 ] || stop "Run it as root. 请以 root 运行。"
for tool in openssl sha256sum tar sed; do command -v "$tool" >/dev/null || stop "$tool is missing. 缺少 $tool。"; done
work=$(mktemp -d "${root:-}/var/tmp/gatehouse.XXXXXX")
trap 'rm -rf "$work"' EXIT

# 1. the key: its fingerprint is compared with the one on paper, by a person or by FINGERPRINT=…
openssl pkey -pubin -in "$key" -outform DER -out "$work/key.der" 2>/dev/null || stop "$key is no public key. 不是公钥。"
print=$(sha256sum <"$work/key.der" | cut -d' ' -f1)
say "Fingerprint of the key 公钥指纹:" "$(printf '%s' "$print" | sed 's/......../& /g')"
if [ -n "${FINGERPRINT:-}" ]; then typed=$FINGERPRINT; else
    say "Type the last sixteen characters of the fingerprint on your paper: 请输入书面指纹的最后十六位:"
    read -r typed
fi
typed=$(printf '%s' "$typed" | tr -d ' ' | tr 'A-F' 'a-f')
[ ${#typed} -ge 16 ] || stop "Sixteen characters at least. 至少十六位。"
case $print in *"$typed") ;; *) stop "The key is not the one on your paper. 公钥与书面指纹不符。" ;; esac

# 2. the signature over the manifest, before anything of it is read
tar -xf "$bundle" -C "$work" manifest.json manifest.sig
openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/manifest.json" -sigfile "$work/manifest.sig" \
    >"$work/said" 2>&1 || {
    say "Digest of the manifest 清单摘要: $(sha256sum <"$work/manifest.json")"
    stop "Not signed by this key, or this OpenSSL cannot verify Ed25519. 签名不符，或本机 OpenSSL 不支持 Ed25519。"
}

# 3. every file for this machine is the one that was signed
machine=$(uname -m)
sed -n 's/^{"sha256":"\([0-9a-f]*\)","size":[0-9]*,"path":"\([^"]*\)"}.*/\1  \2/p' "$work/manifest.json" |
    grep -E "  (app|tree|system|wheels/any|wheels/$machine|python/$machine)/" >"$work/sums"
grep -q "  wheels/$machine/" "$work/sums" || stop "The bundle is not for $machine. 安装包不适用于 $machine。"
cut -c67- "$work/sums" | tar -xf "$bundle" -C "$work" -T -
(cd "$work" && sha256sum --quiet --strict -c sums) || stop "The bundle is damaged. 安装包已损坏。"

# 4. the verified code installs itself by the same steps as every update, from a scratch folder that goes away
python=python3.11
if [ -f "$work/python/$machine/runtime.tar" ]; then
    mkdir "$work/runtime" && tar -xf "$work/python/$machine/runtime.tar" -C "$work/runtime"
    libs=$work/runtime/lib/$machine-linux-gnu:$work/runtime/usr/lib/$machine-linux-gnu
    python="$(find "$work/runtime" -name 'ld-linux*.so.*' | head -n 1) --library-path $libs $work/runtime/usr/bin/python3.11"
fi
$python -c 'import sys, zipfile; [zipfile.ZipFile(n).extractall(sys.argv[1]) for n in sys.argv[2:]]' \
    "$work/code" "$work"/app/*.whl "$work"/wheels/*/*.whl || stop "Python 3.11 is needed. 需要 Python 3.11。"
install -d -m 755 "$root/etc/gatehouse/trust" && install -m 644 "$key" "$root/etc/gatehouse/trust/release.pem"
PYTHONPATH=$work/code $python -P -m gateway.cli.main update install "$bundle" --root "${root:-/}"
say "Installed 已安装. Next 下一步: docs/field/guide.md"
