# ARP, ICMP, ICMPv6 and fragments, as the kernels of the two hosts send them.

capture_arp() {
  record arp arp
  quietly left ping -c 1 192.0.2.2
  quietly left ping -c 1 -W 1 192.0.2.77
  quietly left arping -c 1 -D -I cable 192.0.2.2
  quietly left arping -c 1 -U -I cable 192.0.2.1
  finish
}

capture_ping() {
  acquaint
  record ping icmp
  quietly left ping -c 3 -i 0.2 192.0.2.2
  quietly left ping -c 1 -s 1000 -Q 0xb8 -t 7 192.0.2.2
  quietly left ping -c 1 -M do 192.0.2.2
  quietly left ping -c 1 -R 192.0.2.2
  quietly left ping -c 1 -T tsandaddr 192.0.2.2
  finish
}

capture_ping6() {
  record ping6 icmp6
  quietly left ping -c 3 -i 0.2 2001:db8::2
  quietly left ping -c 1 -F 0xbeef -Q 0xb8 2001:db8::2
  quietly left ping -c 1 fe80::2%cable
  quietly left ping -c 1 ff02::1%cable
  quietly left ping -c 1 -W 1 2001:db8::77
  finish
}

capture_fragments() {
  acquaint
  record fragments ip
  quietly left ping -c 2 -i 0.2 -s 4000 192.0.2.2
  quietly left ping -c 1 -s 1473 192.0.2.2
  finish
}

capture_fragments6() {
  acquaint
  record fragments6 ip6
  quietly left ping -c 2 -i 0.2 -s 4000 2001:db8::2
  quietly left ping -c 1 -s 1453 2001:db8::2
  finish
}

# Port, host, network and protocol unreachable, time exceeded, redirect, fragmentation needed.
capture_unreachable() {
  acquaint
  right sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0
  left ip route add 198.51.100.0/24 via 192.0.2.2
  left ip route add 203.0.113.0/24 via 192.0.2.2
  right ip route add unreachable 198.51.100.1
  right ip route add prohibit 198.51.100.2
  right ip link add narrow mtu 1000 type veth peer name narrower
  right ip link set narrow up
  right ip link set narrower up
  right ip route add 203.0.113.0/24 dev narrow
  right ip neighbour replace 203.0.113.1 lladdr 02:00:00:00:00:03 dev narrow
  record unreachable icmp or udp
  quietly left dig +tries=1 +time=1 @192.0.2.2 example.com
  quietly left ping -c 1 -W 1 198.51.100.1
  quietly left ping -c 1 -W 1 198.51.100.2
  quietly left ping -c 1 -W 1 198.51.100.3
  quietly left ping -c 1 -W 1 -t 1 203.0.113.1
  quietly left ping -c 1 -W 1 -M do -s 1200 203.0.113.1
  quietly left socat -u OPEN:/dev/null IP4-SENDTO:192.0.2.2:252
  finish
}

capture_unreachable6() {
  acquaint
  right sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.icmp.ratelimit=0
  left ip route add 2001:db8:1::/48 via 2001:db8::2
  right ip route add unreachable 2001:db8:1::1
  right ip route add prohibit 2001:db8:1::2
  right ip link add narrow mtu 1280 type veth peer name narrower
  right ip link set narrow up
  right ip link set narrower up
  right ip route add 2001:db8:1:2::/64 dev narrow
  right ip neighbour replace 2001:db8:1:2::1 lladdr 02:00:00:00:00:03 dev narrow
  record unreachable6 icmp6 or udp
  quietly left dig +tries=1 +time=1 @2001:db8::2 example.com
  quietly left ping -c 1 -W 1 2001:db8:1::1
  quietly left ping -c 1 -W 1 2001:db8:1::2
  quietly left ping -c 1 -W 1 2001:db8:1::3
  quietly left ping -c 1 -W 1 -t 1 2001:db8:1:2::1
  quietly left ping -c 1 -W 1 -M do -s 1400 2001:db8:1:2::1
  finish
}

# A host joins and leaves groups: IGMP versions 3 and 2, with a querier on the other host's bridge.
capture_igmp() {
  record igmp igmp
  quietly left timeout 1 socat -u UDP4-RECV:5000,ip-add-membership=239.1.2.3:cable OPEN:/dev/null
  left sysctl -qw net.ipv4.conf.cable.force_igmp_version=2
  quietly left timeout 1 socat -u UDP4-RECV:5000,ip-add-membership=239.1.2.4:cable OPEN:/dev/null
  left sysctl -qw net.ipv4.conf.cable.force_igmp_version=0
  bridge_with_querier
  sleep 3
  finish
}

capture_mld() {
  record mld 'icmp6 or (ip6 and ip6[6] = 0)'
  left ip address add 2001:db8::1:2:3/64 dev cable nodad
  sleep 1
  left sysctl -qw net.ipv6.conf.cable.force_mld_version=1
  left ip address add 2001:db8::4:5:6/64 dev cable nodad
  left ip address del 2001:db8::4:5:6/64 dev cable
  sleep 1
  left sysctl -qw net.ipv6.conf.cable.force_mld_version=0
  bridge_with_querier
  sleep 3
  finish
}

bridge_with_querier() {
  right ip link add bridge address 02:00:00:00:00:12 type bridge mcast_snooping 1 mcast_querier 1 \
    mcast_query_response_interval 100 mcast_startup_query_interval 100 mcast_igmp_version 3 mcast_mld_version 2
  right ip link set cable master bridge
  right ip address add 192.0.2.12/24 dev bridge
  right ip address add fe80::12/64 dev bridge nodad
  right ip link set bridge up
}

# The spanning tree protocol, and a topology change when a second port comes up.
capture_stp() {
  right ip link add bridge address 02:00:00:00:00:12 type bridge stp_state 1 hello_time 100 forward_delay 400
  right ip link set cable master bridge
  record stp stp
  right ip link set bridge up
  sleep 10
  finish
}
