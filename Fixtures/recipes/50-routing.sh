# Routing daemons.

# Runs BIRD on both hosts: routers CONFIGURATION, where NUMBER and PEER become the last byte of a host's own and its peer's address.
routers() {
  local side number
  for side in right left; do
    [[ $side == left ]] && number=1 || number=2
    {
      printf 'router id 192.0.2.NUMBER;\nprotocol device {}\nprotocol static four { ipv4; route 198.51.100.0/24 unreachable; }\nprotocol static six { ipv6; route 2001:db8:NUMBER::/48 unreachable; }\n'
      cat
    } <<<"$1" | sed "s/NUMBER/$number/g; s/PEER/$((3 - number))/g" >"$work/$side.conf"
    service $side bird -f -c "$work/$side.conf" -s "$work/$side.socket" -P "$work/$side.pid"
  done
}

capture_bgp() {
  acquaint
  record bgp tcp port 179
  routers 'protocol bgp { local 192.0.2.NUMBER as 6451NUMBER; neighbor 192.0.2.PEER as 6451PEER; connect delay time 1; hold time 6; keepalive time 2;
    ipv4 { import all; export filter { bgp_community.add((64510, 7)); bgp_large_community.add((64510, 1, 2)); accept; }; };
    ipv6 { import all; export all; }; }'
  sleep 5
  stop_services
  finish
}

capture_ospf() {
  record ospf ip proto 89
  routers 'protocol ospf v2 { ipv4 { import all; export all; }; area 0 { interface "cable" { hello 1; dead 4; wait 2; type broadcast; }; }; }'
  sleep 7
  finish
}

capture_ospf6() {
  record ospf6 ip6 proto 89
  routers 'protocol ospf v3 { ipv6 { import all; export all; }; area 0 { interface "cable" { hello 1; dead 4; wait 2; type broadcast; }; }; }'
  sleep 7
  finish
}

capture_rip() {
  record rip udp port 520 or udp port 521
  routers 'protocol rip { ipv4 { import all; export all; }; interface "cable" { update time 2; authentication plaintext; password "secret"; }; }
protocol rip ng { ipv6 { import all; export all; }; interface "cable" { update time 2; }; }'
  sleep 4
  finish
}

capture_bfd() {
  acquaint
  record bfd udp port 3784
  routers 'protocol bfd { interface "cable" { interval 500 ms; }; neighbor 192.0.2.PEER; }'
  sleep 3
  finish
}

capture_babel() {
  record babel udp port 6696
  routers 'protocol babel { ipv4 { import all; export all; }; ipv6 { import all; export all; }; interface "cable" { hello interval 1s; update interval 2s; }; }'
  sleep 4
  finish
}

capture_vrrp() {
  local version
  record vrrp ip proto 112 or arp
  printf 'global_defs { vrrp_version 2 }\nvrrp_instance a { interface cable\n virtual_router_id 51\n priority 100\n advert_int 1\n authentication {\n auth_type PASS\n auth_pass secret\n }\n virtual_ipaddress {\n 192.0.2.100\n }\n}\nvrrp_instance b {\n interface cable\n virtual_router_id 52\n version 3\n priority 200\n advert_int 0.5\n virtual_ipaddress {\n 192.0.2.101\n 192.0.2.102\n }\n}\n' >"$work/keepalived.conf"
  service right keepalived -n -l -D -f "$work/keepalived.conf" -p "$work/a.pid" -r "$work/b.pid"
  sleep 6
  finish
}
