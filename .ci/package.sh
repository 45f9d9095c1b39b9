#!/bin/bash
# Builds the Debian package, installs it in a temporary copy of this system, and checks what it does there.
#
#   .ci/package.sh [PROGRAM]     PROGRAM is an existing release build
#
# lintian must find nothing. The rest needs root, because the copy is an overlay in a mount namespace; otherwise it is skipped.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export HOMEPAGE=${HOMEPAGE:-https://example.org/apus}
package=$(.debian/build ${1:+--binary "$1"} --output "$work")
echo "built $(basename "$package"), $(($(stat -c %s "$package") / 1024)) KiB"
root=()
[[ $(id -u) == 0 ]] && root=(--allow-root)
[[ $(dpkg-deb --field "$package" Homepage) == "$HOMEPAGE" ]] || {
  echo 'package: no homepage' >&2
  exit 1
}
# libpcap is loaded at run time, so dpkg-shlibdeps(1) does not find it.
[[ $(dpkg-deb --field "$package" Depends) == *libpcap0.8* ]] || {
  echo 'package: it does not depend on libpcap' >&2
  exit 1
}
lintian --fail-on error,warning "${root[@]}" "$package"

if [[ $(id -u) != 0 ]] || ! unshare --mount --pid --fork true 2> /dev/null; then
  echo 'not installed: that needs root and mount namespaces'
  exit 0
fi

mkdir "$work/tree"
cat > "$work/check" << 'END'
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes LC_ALL=C.UTF-8
package=$1 capture=$2

fail() {
  echo "package: $*" >&2
  exit 1
}
# Every file except those of dpkg and debconf themselves.
files() {
  find /etc /opt /srv /usr /var \( -path /var/lib/dpkg -o -path /var/cache -o -path /var/log -o -path /var/lib/man-db \) -prune \
    -o -print | sort
}
unprivileged() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
capabilities() { getcap /usr/bin/apus | cut -d ' ' -f 2; }
choose() {
  echo "apus apus/capabilities boolean $1" | debconf-set-selections
  dpkg-reconfigure apus
}

dpkg --purge apus > /dev/null 2>&1 || true
files > /tmp/before
dpkg -i "$package" > /tmp/log || { cat /tmp/log; fail 'it cannot be installed'; }

apus --version | grep -q "^apus version $(dpkg-query -W -f '${Version}' apus)$" || fail 'another version'
[ "$(apus --count -r "$capture" tcp 2> /dev/null)" = '30 packets' ] || fail 'it does not read captures'
apus -D | grep '^1\.' > /dev/null || fail 'it lists no interfaces'
man -w apus > /dev/null || fail 'no manual'
cd /usr/share/doc/apus
for document in README.md CaptureFiles.md LiveCapture.md PrivilegeAndSecurity.md ExaminingFilters.md DifferencesFromTcpdump.md Changelog.md; do
  [ -s "$document" ] || fail "no $document"
done
! grep -l 'swift build\|Sources/' *.md || fail 'parts for developers'
for link in $(grep -oh ']([^)]*)' *.md | tr -d '])(' | grep -v ://); do [ -e "$link" ] || fail "a link to $link, which is not there"; done
cd /
bash -c '. /usr/share/bash-completion/completions/apus && complete -p apus' > /dev/null || fail 'no completions'
[ "$(/usr/lib/*/wireshark/extcap/apus --extcap-dlts --extcap-interface apus-lo)" = \
  'dlt {number=1}{name=EN10MB}{display=Ethernet}' ] || fail 'Wireshark will not find it'
! command -v tshark > /dev/null || tshark -D 2> /dev/null | grep -q ' apus-lo (apus: lo)$' || fail 'tshark does not find it'

[ -z "$(capabilities)" ] || fail 'capabilities without request'
! unprivileged apus -i lo -a duration:1 -w /dev/null 2> /tmp/log || fail 'everybody can capture'
grep -q 'CAP_NET_RAW is missing' /tmp/log || fail 'it does not say what is missing'
choose true
[ "$(capabilities)" = cap_net_admin,cap_net_raw=eip ] || fail "capabilities: $(capabilities)"
unprivileged apus -i lo -a duration:1 -w /dev/null 2> /tmp/log || { cat /tmp/log; fail 'the capabilities do not suffice'; }
dpkg -i "$package" > /dev/null
[ -n "$(capabilities)" ] || fail 'the choice is lost when it is installed again'
choose false
[ -z "$(capabilities)" ] || fail 'capabilities stay'

dpkg --remove apus > /dev/null
[ ! -e /usr/bin/apus ] || fail 'the program stays'
dpkg --purge apus > /dev/null 2>&1
files > /tmp/after
diff /tmp/before /tmp/after || fail 'these files stay'
[ -z "$(debconf-show apus)" ] || fail 'the choice stays'
! dpkg-query -W apus 2> /dev/null || fail 'dpkg still knows it'
echo 'installed, used, removed, purged: nothing is left'
END

# The mounts belong to the namespace and disappear with it.
unshare --mount --pid --fork --propagation private bash -euo pipefail -c '
  mount -t tmpfs none "$1"/tree
  mkdir "$1"/tree/{upper,work,root}
  mount -t overlay none -o "lowerdir=/,upperdir=$1/tree/upper,workdir=$1/tree/work" "$1"/tree/root
  root=$1/tree/root
  mount -t proc none "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs none "$root/tmp"
  cp "$2" "$root/tmp/apus.deb"; cp "$3" "$root/tmp/capture"; cp "$1/check" "$root/tmp/check"; chmod 644 "$root"/tmp/*
  chroot "$root" bash /tmp/check /tmp/apus.deb /tmp/capture
' check "$work" "$package" Fixtures/captures/http.pcap
