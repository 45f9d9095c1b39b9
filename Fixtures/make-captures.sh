#!/bin/bash
# Creates the captures in Fixtures/captures anew, from real programs that talk to each other in network namespaces.
#
#   sudo Fixtures/make-captures.sh               all captures
#   sudo Fixtures/make-captures.sh http dns      only these
#
# It runs in its own namespaces (mount, UTS, network, PID), so that it does not affect the machine and leaves no processes behind.
# Two hosts, left and right, are joined by one cable (a veth pair, checksums computed in software):
#
#   left   02:00:00:00:00:01   192.0.2.1/24   2001:db8::1/64   fe80::1/64
#   right  02:00:00:00:00:02   192.0.2.2/24   2001:db8::2/64   fe80::2/64
#
# Each recipe is a function `capture_<name>` in Fixtures/recipes/*.sh, and writes Fixtures/captures/<name>.pcap. The
# programs that the recipes need are in the Debian packages listed in `packages` below.
set -euo pipefail

packages="tcpdump tshark iproute2 ethtool iputils-ping iputils-arping curl nginx-light dnsmasq bind9-dnsutils \
openssh-server openssh-client chrony ntpsec-ntpdig isc-dhcp-client tftp-hpa tftpd-hpa snmp snmpd lldpd socat \
bird2 keepalived avahi-daemon libusrsctp-dev"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ ${1:-} == --packages ]]; then
  echo $packages
  exit
fi
if [[ -z ${APUS_CAPTURE_NAMESPACE:-} ]]; then
  export APUS_CAPTURE_NAMESPACE=1
  exec unshare --mount --uts --net --pid --fork --kill-child --mount-proc "$here/make-captures.sh" "$@"
fi

PATH=$PATH:/usr/sbin:/sbin
captures=$here/captures
mkdir -p "$captures"
hostname apus
mount -t tmpfs run /run
mkdir -p /run/sshd /run/dbus /run/chrony
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

left() { ip netns exec left "$@"; }
right() { ip netns exec right "$@"; }

# Creates the two hosts anew, with no programs running in them.
hosts() {
  stop_services
  ip netns del left 2>/dev/null || true
  ip netns del right 2>/dev/null || true
  ip netns add left
  ip netns add right
  ip link add cable netns left address 02:00:00:00:00:01 type veth peer name cable netns right address 02:00:00:00:00:02
  local side number
  for side in left right; do
    [[ $side == left ]] && number=1 || number=2
    $side sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
      net.ipv6.conf.cable.addr_gen_mode=1 net.ipv6.conf.cable.router_solicitations=0
    $side ip link set lo up
    $side ethtool -K cable tx off rx off tso off gso off gro off >/dev/null 2>&1
    $side ip link set cable up
    $side ip address add 192.0.2.$number/24 dev cable
    $side ip address add 2001:db8::$number/64 dev cable nodad
    $side ip address add fe80::$number/64 dev cable nodad
  done
  sleep 0.2
}

# Tells each host the other's MAC address, so that captures contain no ARP or neighbour discovery.
acquaint() {
  left ip neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev cable
  left ip neighbour replace 2001:db8::2 lladdr 02:00:00:00:00:02 dev cable
  right ip neighbour replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev cable
  right ip neighbour replace 2001:db8::1 lladdr 02:00:00:00:00:01 dev cable
}

# Runs a program in the background until the next `hosts`: service left|right PROGRAM ARGUMENTS…
services=()
service() {
  local side=$1
  shift
  ip netns exec "$side" "$@" >>"$work/services.log" 2>&1 </dev/null &
  services+=($!)
  sleep 0.5
}

stop_services() {
  local pid
  for pid in "${services[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${services[@]}"; do wait "$pid" 2>/dev/null || true; done
  services=()
}

# Starts a capture on the left host's end of the cable, which `finish` ends: record NAME [tcpdump OPTIONS and FILTER].
record() { record_on left cable "$@"; }

# The same on any interface of a host: record_on left|right INTERFACE NAME [tcpdump OPTIONS and FILTER].
record_on() {
  local side=$1 interface=$2 name=$3
  shift 3
  : >"$work/tcpdump.log"
  ip netns exec "$side" tcpdump -Z root -n -U --immediate-mode -i "$interface" -w "$work/$name.pcap" "$@" \
    2>"$work/tcpdump.log" &
  recorder=$!
  recorded=$name
  local turn
  for turn in {1..50}; do
    grep -q 'listening on' "$work/tcpdump.log" && return
    sleep 0.1
  done
  cat "$work/tcpdump.log" >&2
  return 1
}

finish() {
  sleep 0.4
  kill -INT $recorder
  wait $recorder || true
  cp "$work/$recorded.pcap" "$captures/$recorded.pcap"
}

# Runs a command that may fail, since some captures show failures; its output goes to the log.
quietly() { "$@" >>"$work/commands.log" 2>&1 </dev/null || true; }

for recipe in "$here"/recipes/*.sh; do source "$recipe"; done

names=("$@")
if [[ $# == 0 ]]; then
  mapfile -t names < <(grep -ho '^capture_[a-z0-9_]*' "$here"/recipes/*.sh | sed 's/^capture_//; s/_/-/g')
fi
for name in "${names[@]}"; do
  hosts
  "capture_${name//-/_}"
  stop_services
  printf '%-24s %6d octets\n' "$name" "$(stat -c %s "$captures/$name".pcap*)"
done
