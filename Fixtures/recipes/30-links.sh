# Link types, tunnels and file formats.

capture_cooked() {
  acquaint
  web_server
  record_on left any cooked -y LINUX_SLL2 tcp port 80 or icmp or arp
  quietly left curl -s -A curl http://192.0.2.2/index.html
  quietly left ping -c 1 127.0.0.1
  left ip neighbour flush dev cable
  quietly left ping -c 1 192.0.2.2
  finish
}

capture_cooked1() {
  acquaint
  web_server
  record_on left any cooked1 -y LINUX_SLL tcp port 80 or icmp6 or arp
  quietly left curl -s -A curl 'http://[2001:db8::2]/index.html'
  quietly left ping -c 1 ::1
  quietly left ping -c 1 192.0.2.77
  finish
}

# A point-to-point device without a link-layer header; socat tunnels its packets over the cable to the other host.
capture_raw() {
  acquaint
  service right socat UDP4-DATAGRAM:192.0.2.1:5001,bind=192.0.2.2:5000 TUN:198.51.100.2/24,tun-name=tunnel,iff-no-pi,iff-up
  service left socat UDP4-DATAGRAM:192.0.2.2:5000,bind=192.0.2.1:5001 TUN:198.51.100.1/24,tun-name=tunnel,iff-no-pi,iff-up
  left ip address add 2001:db8:1::1/64 dev tunnel
  right ip address add 2001:db8:1::2/64 dev tunnel
  name_server
  record_on left tunnel raw 'icmp or port 53 or (icmp6 and (ip6[40] = 128 or ip6[40] = 129))'
  quietly left ping -c 2 -i 0.2 198.51.100.2
  quietly left ping -c 2 -i 0.2 2001:db8:1::2
  quietly left dig +tries=1 +time=1 +nocookie @198.51.100.2 www.example.com A
  finish
}

capture_vxlan() {
  acquaint
  local side number
  for side in left right; do
    [[ $side == left ]] && number=1 || number=2
    $side ip link add overlay address 02:00:00:00:01:0$number type vxlan id 4217 remote 192.0.2.$((3 - number)) dstport 4789 dev cable
    $side sysctl -qw net.ipv6.conf.overlay.disable_ipv6=1
    $side ip link set overlay up
    $side ip address add 198.51.100.$number/24 dev overlay
  done
  record vxlan udp port 4789
  quietly left ping -c 2 -i 0.2 198.51.100.2
  finish
}

# The first `count` packets of another capture, such as `ping` or `http`, behind other headers; recipes/rewrite.py defines the changes.
rewritten() {
  local name=$1 source=$2 count=$3
  shift 3
  editcap -F pcap -r "$captures/$source.pcap" "$work/part.pcap" 1-"$count"
  python3 "$here/recipes/rewrite.py" "$work/part.pcap" "$captures/$name.pcap" "$@"
}

capture_vlan() { rewritten vlan http 10 vlan:5; }
capture_vlan_ping6() { rewritten vlan-ping6 ping6 8 vlan:5:6; }
capture_qinq() { rewritten qinq ping 6 vlan:7:3 service-vlan:100; }
capture_gre() { rewritten gre ping 6 without-ethernet gre ipv4 ethernet; }
capture_gre_key() { rewritten gre-key ping6 6 gre:4217 ipv4 ethernet; }
capture_geneve() { rewritten geneve ping 6 geneve:4217 udp:6081 ipv6 ethernet; }
capture_mpls() { rewritten mpls ping 6 without-ethernet mpls:16:1 mpls:17:0 ethernet; }
capture_pppoe() { rewritten pppoe http 10 without-ethernet pppoe:1 ethernet; }
capture_ipip() { rewritten ipip ping 6 without-ethernet ipv4 ethernet; }
capture_null() { rewritten null http 10 without-ethernet null; }
capture_null_big_endian() { rewritten null-big-endian ping6 8 without-ethernet null big-endian; }
capture_loop() { rewritten loop ping6 8 without-ethernet loop; }
capture_ipv4() { rewritten ipv4 http 10 without-ethernet link:228; }
capture_ipv6() { rewritten ipv6 ping6 8 without-ethernet link:229; }
capture_raw_bsd() { rewritten raw-bsd http 10 without-ethernet link:12; }
capture_big_endian() { rewritten big-endian http 10 big-endian; }

# The other host answers quickly, and the capture has nanosecond timestamps.
capture_nanosecond() {
  acquaint
  record nanosecond --time-stamp-precision=nano icmp
  quietly left ping -c 3 -i 0.2 192.0.2.2
  finish
}

# Only the first 60 bytes of each packet.
capture_snaplen() {
  acquaint
  web_server
  record snaplen -s 60 tcp port 80
  quietly left curl -s -A curl http://192.0.2.2/index.html
  finish
}

# Replaces the kernel release that pcapng writers put into a file with another one of the same length.
without_kernel_release() {
  python3 - "$1" <<'SCRIPT'
import os, sys
release = os.uname().release.encode()
data = open(sys.argv[1], "rb").read()
open(sys.argv[1], "wb").write(data.replace(release, b"6.1.0".ljust(len(release), b"-")))
SCRIPT
}

# pcapng with two interfaces of different link types: the cable of `left`, and its loopback as cooked packets.
capture_interfaces() {
  acquaint
  record interfaces icmp
  local second="$work/second.pcap"
  ip netns exec left tcpdump -Z root -n -U --immediate-mode -i any -y LINUX_SLL2 -w "$second" 'icmp and net 127' 2>/dev/null &
  local other=$!
  sleep 1
  quietly left ping -c 2 -i 0.3 192.0.2.2
  quietly left ping -c 2 -i 0.3 127.0.0.1
  finish
  kill -INT $other
  wait $other || true
  rm "$captures/interfaces.pcap"
  mergecap -F pcapng -w "$captures/interfaces.pcapng" "$work/interfaces.pcap" "$second"
  without_kernel_release "$captures/interfaces.pcapng"
}

# pcapng as dumpcap writes it: names, filters, statistics, a comment.
capture_dumpcap() {
  acquaint
  ip netns exec left dumpcap -q -n -i cable -f icmp -a duration:2 -w "$work/dumpcap.pcapng" --capture-comment 'two pings' 2>/dev/null &
  local other=$!
  sleep 1
  quietly left ping -c 2 -i 0.2 192.0.2.2
  wait $other
  cp "$work/dumpcap.pcapng" "$captures/dumpcap.pcapng"
  without_kernel_release "$captures/dumpcap.pcapng"
}
