#!/bin/bash
# Remakes the captures in Fixtures/captures: real programs that talk to each other in network namespaces.
#
#   sudo Fixtures/make-captures.sh               all of them
#   sudo Fixtures/make-captures.sh http dns      those alone
#
# It runs in namespaces of its own (mount, UTS, network, PID), so nothing of it reaches the machine or outlives the run.
# Two hosts, left and right, are joined by one cable (a veth pair, checksums computed in software):
#
#   left   02:00:00:00:00:01   192.0.2.1/24   2001:db8::1/64   fe80::1/64
#   right  02:00:00:00:00:02   192.0.2.2/24   2001:db8::2/64   fe80::2/64
#
# Each recipe is a function `capture_<name>` in Fixtures/recipes/*.sh, and writes Fixtures/captures/<name>.pcap. The
# programs that it needs are those of the Debian packages in `packages` below.
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

# Makes the two hosts anew, with nothing running in them.
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

# Lets both hosts know the other's MAC address, so that a capture has no ARP or neighbour discovery in it.
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

# Starts a capture on the left host's end of the cable: record NAME [tcpdump OPTIONS and FILTER], ended by `finish`.
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

# Lets a command fail, where the failure is what is captured; its output goes to the log.
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
