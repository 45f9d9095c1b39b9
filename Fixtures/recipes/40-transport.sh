# TCP with errors and losses, multipath TCP, SCTP.

# Connections that are refused or reset, retransmissions, urgent data, a full window, explicit congestion notification: recipes/tcp.py.
capture_tcp() {
  acquaint
  left sysctl -qw net.ipv4.tcp_ecn=1
  right sysctl -qw net.ipv4.tcp_ecn=1
  service right python3 "$here/recipes/tcp.py" serve
  record tcp tcp
  quietly left python3 "$here/recipes/tcp.py" urgent
  quietly left python3 "$here/recipes/tcp.py" reset
  quietly left python3 "$here/recipes/tcp.py" refused
  quietly left python3 "$here/recipes/tcp.py" window
  (
    sleep 0.5
    right ip route add blackhole 192.0.2.1/32
    sleep 1
    right ip route del blackhole 192.0.2.1/32
  ) &
  local blackhole=$!
  quietly left python3 "$here/recipes/tcp.py" slow
  wait $blackhole
  sleep 2
  finish
}

capture_mptcp() {
  acquaint
  local side
  for side in left right; do
    $side sysctl -qw net.mptcp.enabled=1
    $side ip mptcp limits set subflows 2 add_addr_accepted 2
  done
  left ip address add 192.0.2.11/24 dev cable
  left ip mptcp endpoint add 192.0.2.11 dev cable subflow
  right ip address add 192.0.2.22/24 dev cable
  right ip mptcp endpoint add 192.0.2.22 dev cable signal
  service right python3 "$here/recipes/tcp.py" serve multipath
  record mptcp tcp
  quietly left python3 "$here/recipes/tcp.py" slow multipath
  finish
}

# SCTP from a user-space implementation, since few kernels support it: recipes/sctp.c.
capture_sctp() {
  acquaint
  cc -o "$work/sctp" "$here/recipes/sctp.c" -lusrsctp
  service right "$work/sctp" serve 192.0.2.2
  record sctp ip proto 132
  quietly left timeout 5 "$work/sctp" 192.0.2.1 192.0.2.2
  finish
}
