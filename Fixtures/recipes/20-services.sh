# Servers and their clients.

web_server() {
  mkdir -p "$work/www"
  printf '<!doctype html>\n<title>It works</title>\n<p>Hello, packet.</p>\n' >"$work/www/index.html"
  touch -d '2024-01-02 03:04:05 UTC' "$work/www/index.html"
  cat >"$work/nginx.conf" <<CONFIG
daemon off; user root; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 16; }
http {
  access_log off; server_tokens off; types { text/html html; }
  server { listen 80; listen [::]:80; root $work/www; location /old { return 301 /index.html; } }
}
CONFIG
  service right nginx -c "$work/nginx.conf"
}

capture_http() {
  acquaint
  web_server
  record http tcp port 80
  quietly left curl -s -A curl http://192.0.2.2/index.html
  quietly left curl -s -A curl http://192.0.2.2/missing
  quietly left curl -s -A curl -I 'http://[2001:db8::2]/'
  finish
}

capture_http_keepalive() {
  acquaint
  web_server
  record http-keepalive tcp port 80
  quietly left curl -s -A curl http://192.0.2.2/old http://192.0.2.2/index.html -X POST -d 'name=value' \
    http://192.0.2.2/form
  finish
}

# The loopback interface of one host, where the kernel does not compute checksums.
capture_loopback() {
  web_server
  record_on right lo loopback
  quietly right curl -s -A curl http://127.0.0.1/index.html
  quietly right ping -c 1 ::1
  finish
}

name_server() {
  service right dnsmasq -k -C /dev/null -h -R -u root -p 53 --log-facility=- --no-daemon --bind-interfaces \
    --local=/example.com/ --auth-ttl=300 --local-ttl=300 \
    --address=/www.example.com/192.0.2.80 --address=/www.example.com/2001:db8::80 \
    --host-record=mail.example.com,192.0.2.25,2001:db8::25 --cname=alias.example.com,mail.example.com \
    --mx-host=example.com,mail.example.com,10 --txt-record=example.com,"v=spf1 mx -all","second string" \
    --txt-record=long.example.com,"$(printf 'x%.0s' {1..250})","$(printf 'y%.0s' {1..250})","$(printf 'z%.0s' {1..250})","$(printf 'w%.0s' {1..250})","$(printf 'v%.0s' {1..250})" \
    --srv-host=_ldap._tcp.example.com,mail.example.com,389,1,2 --caa-record=example.com,0,issue,ca.example.net \
    --naptr-record=sip.example.com,100,10,u,E2U+sip,'!^.*$!sip:info@example.com!' \
    --ptr-record=80.2.0.192.in-addr.arpa,www.example.com
}

capture_dns() {
  acquaint
  name_server
  record dns port 53
  local question
  for question in "www.example.com A" "www.example.com AAAA" "example.com MX" "example.com TXT" "alias.example.com A" \
    "_ldap._tcp.example.com SRV" "example.com CAA" "sip.example.com NAPTR" "80.2.0.192.in-addr.arpa PTR" \
    "missing.example.com A" "example.org A" "www.example.com A +noedns" "example.com MX +dnssec +nsid"; do
    quietly left dig +tries=1 +time=1 +nocookie @192.0.2.2 $question
  done
  quietly left dig +tries=1 +time=1 @2001:db8::2 www.example.com AAAA
  finish
}

capture_dns_tcp() {
  acquaint
  name_server
  record dns-tcp port 53
  quietly left dig +tries=1 +time=1 +nocookie +tcp @192.0.2.2 www.example.com A
  quietly left dig +tries=1 +time=1 +nocookie +bufsize=512 @192.0.2.2 long.example.com TXT
  finish
}

# Multicast DNS: a host announces itself.
capture_mdns() {
  printf '[server]\nhost-name=right\nenable-dbus=no\nallow-interfaces=cable\n[wide-area]\nenable-wide-area=no\n[rlimits]\n' \
    >"$work/avahi.conf"
  record mdns udp port 5353
  service right avahi-daemon --no-rlimits --no-drop-root --no-chroot -f "$work/avahi.conf"
  sleep 3
  finish
}

capture_ssh() {
  acquaint
  ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
  ssh-keygen -q -t ed25519 -N '' -f "$work/user_key"
  service right /usr/sbin/sshd -D -f /dev/null -h "$work/host_key" -o AuthorizedKeysFile="$work/user_key.pub" \
    -o StrictModes=no -o UsePAM=no -o PidFile=none
  record ssh tcp port 22
  quietly left ssh -F /dev/null -i "$work/user_key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    root@192.0.2.2 true
  finish
}

capture_ntp() {
  acquaint
  printf 'local stratum 3\nallow all\nbindcmdaddress /\ncmdport 0\nuser root\npidfile /run/chrony.pid\n' >"$work/chrony.conf"
  service right chronyd -d -x -f "$work/chrony.conf"
  sleep 1
  record ntp udp port 123
  quietly left ntpdig 192.0.2.2
  quietly left ntpdig 2001:db8::2
  quietly left timeout 5 chronyd -Q -t 4 -f /dev/null 'server 192.0.2.2 iburst'
  finish
}

# Discover, offer, request, acknowledge, renew, release; the boot options of a network installation.
capture_dhcp() {
  left ip address flush dev cable
  service right dnsmasq -k -C /dev/null -h -R -u root -p 0 --log-facility=- --no-daemon --bind-interfaces \
    --interface=cable --dhcp-range=192.0.2.100,192.0.2.120,255.255.255.0,1h --dhcp-leasefile="$work/leases" \
    --dhcp-authoritative --domain=example.com --dhcp-option=option:ntp-server,192.0.2.2 \
    --dhcp-option=option:domain-search,example.com,example.net --dhcp-option=option:classless-static-route,198.51.100.0/24,192.0.2.2 \
    --dhcp-boot=boot.img,server,192.0.2.2 --no-ping
  printf 'send host-name "left";\nrequest subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, domain-search, ntp-servers, rfc3442-classless-static-routes;\noption rfc3442-classless-static-routes code 121 = array of unsigned integer 8;\n' >"$work/dhclient.conf"
  printf '#!/bin/sh\n[ -n "$new_ip_address" ] && ip address add $new_ip_address/24 dev cable\nexit 0\n' >"$work/dhclient-script"
  chmod +x "$work/dhclient-script"
  record dhcp udp port 67 or udp port 68
  dhcp_client -4 -1
  dhcp_client -4 -r
  finish
}

dhcp_client() {
  quietly left timeout 20 dhclient -v -cf "$work/dhclient.conf" -sf "$work/dhclient-script" -lf "$work/client.leases" \
    -pf "$work/dhclient.pid" "$@" cable
}

# DHCP for IPv6, with the router advertisements that it needs.
capture_dhcp6() {
  service right dnsmasq -k -C /dev/null -h -R -u root -p 0 --log-facility=- --no-daemon --bind-interfaces \
    --interface=cable --dhcp-range=2001:db8::100,2001:db8::120,64,1h --dhcp-leasefile="$work/leases" \
    --enable-ra --domain=example.com --dhcp-option=option6:dns-server,[2001:db8::2] \
    --dhcp-option=option6:ntp-server,[2001:db8::2] --dhcp-option=option6:domain-search,example.com
  printf 'default-duid "\\000\\003\\000\\001\\002\\000\\000\\000\\000\\001";\nsend fqdn.fqdn "left.example.com.";\nrequest dhcp6.name-servers, dhcp6.domain-search;\n' >"$work/dhclient.conf"
  printf '#!/bin/sh\n[ -n "$new_ip6_address" ] && ip address add $new_ip6_address/64 dev cable nodad\nexit 0\n' >"$work/dhclient-script"
  chmod +x "$work/dhclient-script"
  record dhcp6 udp port 546 or udp port 547
  dhcp_client -6 -1
  dhcp_client -6 -r
  dhcp_client -6 -S -1
  finish
}

capture_router_advertisement() {
  record router-advertisement icmp6
  service right dnsmasq -k -C /dev/null -h -R -u root -p 0 --log-facility=- --no-daemon --bind-interfaces \
    --interface=cable --dhcp-range=2001:db8::,ra-only,64,1h --dhcp-leasefile="$work/leases" \
    --enable-ra --ra-param=cable,mtu:1400,high,10,600 --domain=example.com --dhcp-option=option6:dns-server,[2001:db8::2] \
    --dhcp-option=option6:domain-search,example.com
  left sysctl -qw net.ipv6.conf.cable.router_solicitations=2
  left ip link set cable down
  left ip link set cable up
  sleep 3
  finish
}

capture_tftp() {
  acquaint
  mkdir -p "$work/tftp"
  seq 400 >"$work/tftp/numbers"
  chmod -R a+rX "$work/tftp"
  service right in.tftpd -L -u root -s "$work/tftp"
  record tftp udp
  quietly left tftp -m octet 192.0.2.2 -c get numbers "$work/numbers"
  quietly left tftp -m netascii 192.0.2.2 -c get missing "$work/missing"
  quietly left curl -s -o "$work/numbers" tftp://192.0.2.2/numbers
  finish
}

capture_snmp() {
  acquaint
  cat >"$work/snmpd.conf" <<CONFIG
agentaddress udp:192.0.2.2:161
rocommunity public
sysDescr Example router
sysName right.example.com
sysLocation Rack 7
sysContact admin@example.com
createUser reader SHA "long enough" AES "long enough too"
rouser reader
CONFIG
  service right env SNMP_PERSISTENT_DIR="$work" snmpd -f -Lo -C -c "$work/snmpd.conf" -p "$work/snmpd.pid"
  sleep 1
  record snmp udp port 161 or udp port 162
  export SNMP_PERSISTENT_DIR="$work" MIBS=
  quietly left snmpget -v 1 -c public 192.0.2.2 1.3.6.1.2.1.1.1.0 1.3.6.1.2.1.1.2.0
  quietly left snmpgetnext -v 2c -c public 192.0.2.2 1.3.6.1.2.1.1
  quietly left snmpbulkget -v 2c -c public 192.0.2.2 1.3.6.1.2.1.1
  quietly left snmpset -v 2c -c public 192.0.2.2 1.3.6.1.2.1.1.5.0 s other
  quietly left snmpget -v 1 -c public 192.0.2.2 1.3.6.1.2.1.99.1
  quietly left snmptrap -v 2c -c public 192.0.2.2 4217 1.3.6.1.6.3.1.1.5.3 1.3.6.1.2.1.2.2.1.1.2 i 2
  quietly left snmptrap -v 1 -c public 192.0.2.2 1.3.6.1.4.1.99999 192.0.2.1 2 0 4217
  quietly left snmpget -v 3 -u reader -l authPriv -a SHA -A 'long enough' -x AES -X 'long enough too' 192.0.2.2 1.3.6.1.2.1.1.5.0
  finish
}

capture_syslog() {
  acquaint
  record syslog udp port 514 or icmp
  quietly left logger -n 192.0.2.2 -P 514 -d -p auth.crit -t login --rfc3164 'three failures'
  quietly left logger -n 192.0.2.2 -P 514 -d -p local7.debug -t app --rfc5424=notime,nohost 'a line'
  finish
}

# LLDP with the extensions of IEEE 802.1, of IEEE 802.3 and for media endpoints.
capture_lldp() { neighbours lldp -M 4; }

# The vendors' older protocols, all at once: CDP versions 1 and 2, EDP, FDP, SONMP.
capture_cdp() { neighbours cdp -ccc -ee -ff -ss; }

neighbours() {
  local name=$1
  shift
  service right lldpd -d "$@" -C cable -I cable -S 'Example switch' -u "$work/lldpd.socket"
  record "$name" not arp and not ip and not ip6
  quietly right lldpcli -u "$work/lldpd.socket" configure lldp tx-interval 3
  sleep 4
  finish
}
