/// Expressions of the everyday language, with every kind of test that pcap-filter(7) has for Internet packets.
enum EverydayExpressions {
  static let all =
    protocols + hosts + networks + ports + linkLayer + lengths + fields + arithmetic + encapsulations + combinations

  static let protocols = [
    "", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "igrp", "pim", "vrrp", "carp", "ah",
    "esp", "atalk", "aarp", "decnet", "lat", "moprc", "mopdl", "sca", "stp", "ipx", "netbeui", "iso", "esis", "isis",
    "clnp", "l1", "l2", "iih", "lsp", "snp", "csnp", "psnp", "proto 17", "proto \\tcp", "ip proto 2",
    "ip proto \\icmp", "ip6 proto 6", "ip6 proto \\udp", "ip6 proto 44", "proto 0", "ether proto 0x0800",
    "ether proto \\ip6", "ether proto 0x88cc", "ether proto \\stp", "ether proto 0x42", "iso proto \\isis",
  ]

  /// Chains of headers: their programs are long and slow to compile.
  static let chains = [
    "ip protochain 6", "ip6 protochain 6", "protochain \\udp", "ip protochain 51", "ip6 protochain 44",
  ]

  static let hosts = [
    "host 10.1.1.1", "src host 10.1.1.1", "dst host 10.1.1.1", "src or dst host 10.1.1.1", "src and dst host 10.1.1.1",
    "ip host 10.1.1.1", "arp host 10.1.1.1", "rarp host 10.1.1.1", "src 10.1.1.1", "ip src 192.168.5.7",
    "arp src 10.1.1.1",
    "host 2001:db8::1", "src host 2001:db8::1", "dst host fe80::2:3", "ip6 host ff02::1", "host ::1",
    "src and dst host fe80::2:3", "host 10.1", "host 10", "decnet src 10.7", "not host 10.1.1.1",
    "host 10.1.1.1 or 192.168.5.7", "host 10.1.1.1 or 2001:db8::1", "src host 10.1.1.1 and dst host 192.168.5.7",
    "host (10.1.1.1 or 10.0.0.2)", "host not 10.1.1.1",
  ]

  static let networks = [
    "net 10", "net 10.1", "net 10.1.1", "net 10.1.1.1", "net 10.0.0.0/8", "net 192.168.0.0/16", "src net 10.1.0.0/16",
    "dst net 192.168.5.0/24", "net 10.1.1.0/28", "net 10.1.1.1/32", "net 0.0.0.0/0", "net 192.168.0.0 mask 255.255.0.0",
    "net 10.0.0.1 mask 255.0.0.255", "src net 10 and dst net 192.168", "ip net 10", "arp net 10.1", "net 2001:db8::/32",
    "src net fe80::/10", "dst net ff00::/8", "net 2001:db8::1/128", "net ::/0", "ip6 net 2001:db8::/33",
    "net 2001:db8::/65",
    "net 10 or 192.168",
  ]

  static let ports = [
    "port 80", "src port 80", "dst port 80", "src or dst port 80", "src and dst port 80", "tcp port 80", "udp port 53",
    "sctp port 80", "tcp src port 443", "udp dst port 53", "port http", "tcp port ssh", "port domain",
    "udp port domain",
    "portrange 80-443", "portrange 443-80", "portrange 80-80", "src portrange 1000-50000", "dst portrange 0-1023",
    "tcp portrange 20-25", "udp portrange 5000-6100", "portrange 0-65535", "portrange http-https", "portrange 80",
    "src and dst portrange 50-90", "port 0", "port 65535", "not port 22", "port 80 or 443", "port 80 or port 53 or 22",
    "port (80 or 443)", "port not 80", "tcp port 80 or (443 or 8080)", "src port 53 and dst port 53",
    "tcp dst port 80 or 443 or 22",
  ]

  static let linkLayer = [
    "ether host 02:00:00:00:00:01", "ether src 02:00:00:00:00:01", "ether dst 02:00:00:00:00:02",
    "ether src and dst 00:11:22:33:44:55", "ether host aa-bb-cc-dd-ee-ff", "ether dst 0011.2233.4455",
    "ether host ff:ff:ff:ff:ff:ff", "broadcast", "ether broadcast", "multicast", "ether multicast", "ip multicast",
    "ip6 multicast", "ip broadcast", "multicast and not broadcast", "not ether src 02:00:00:00:00:01", "llc", "llc i",
    "llc s", "llc u", "llc ui", "llc xid", "llc sabme", "llc rr", "link[0] & 1 != 0", "ether[12:2] = 0x0806",
    "ether[14] = 0x42", "outbound and ip", "inbound or tcp", "ifindex 2",
  ]

  static let lengths = [
    "less 60", "greater 100", "len > 64", "len <= 64", "len = 60", "len != 60", "length >= 1500", "60 < len",
    "not less 100", "byte 12 = 8", "byte 12 > 7", "byte 0 & 1", "byte 13 | 0", "byte 100 < 5",
  ]

  static let fields = [
    "ip[8] < 5", "ip[0] & 0xf != 5", "ip[6:2] & 0x1fff = 0", "ip[2:2] > 576", "ip[12:4] = 0x0a010101",
    "ip[16:4] & 0xff000000 == 0xc0000000", "ip6[6] = 58", "ip6[40] = 128", "ip6[8:4] = 0x20010db8",
    "tcp[13] & 2 != 0", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] == tcp-syn",
    "tcp[tcpflags] & (tcp-rst|tcp-ack) == (tcp-rst|tcp-ack)", "tcp[0:2] = 443", "tcp[2:2] >= 1024", "tcp[4:4] != 0",
    "udp[4:2] > 100", "udp[8] = 0x78", "icmp[icmptype] = icmp-echo", "icmp[icmptype] != icmp-echo", "icmp[0] = 3",
    "icmp[icmpcode] = 4", "icmp6[icmp6type] = icmp6-neighborsolicit", "icmp6[0] = 128", "igmp[0] = 0x11",
    "arp[6:2] = 1", "arp[24:4] = 0xc0a80507", "sctp[0:2] = 5000", "tcp[100] = 1", "tcp[100] = 1 or tcp",
    "ip[1000] = 0 or ip",
    "not ip[1000] = 0", "tcp[tcp[12]>>2] = 0x64", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x64617461", "ip[ip[0] & 0xf] = 0",
    "ip[len - 1] = 0", "ip[-1] = 1", "tcp[-1] = 1", "ip[0xffffffff] = 0", "ether[ip[0]] = 0", "atalk[0] = 1",
    "lat[0] = 0",
    "tcp[0] = udp[0]", "ip[9] = 6 and tcp[13] = 2", "vrrp[0] = 1", "pim[0] = 32", "ip[0:2] = ip[2:2]",
  ]

  static let arithmetic = [
    "len + 1 > 61", "len - 60 < 10", "len * 2 = 120", "len / 10 = 6", "len % 2 = 0", "len & 1 = 1", "len | 1 = 61",
    "len ^ 60 = 0", "len << 1 > 120", "len >> 4 = 3", "-len = 0xffffffc4", "len - 1 - 1 = 58", "len = 30 + 30",
    "1 + 2 * 3 = ip[9] + 1", "(1 + 2) * 3 = ip[9] + 3", "len & 60 | 3 = 63", "len - 61 > 1000", "0x80000000 > len",
    "ip[8] * 0x1000000 > 0x3fffffff", "ip[8] << 24 >> 24 = 64", "ip[2:2] - ((ip[0] & 0xf) << 2) > 20",
    "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)", "ip[0] / ip[1] = 4",
    "ip[0] % ip[1] = 5", "1 << ip[8] = 0", "0xffffffff >> ip[8] = 0", "len = ip[2:2] + 14", "1 = 1", "1 > 2", "2 != 2",
    "0 = 0 and tcp", "tcp or 1 = 1", "len >= 0", "len < 0", "ip[0] > 255", "ip[0] & 0 = 0", "ip[2:2] & 0xffff0000 = 0",
    "link[0:4] & 0xffffffff == 0", "link[0:4] & 0xffffffff != 0", "len / 0x10 * 0x10 = len",
  ]

  static let encapsulations = [
    "vlan", "vlan 5", "vlan 100", "not vlan", "vlan and tcp", "vlan 5 and host 10.1.1.1", "vlan 100 and vlan 5",
    "vlan and vlan 5 and udp port 53", "vlan or tcp", "not vlan and tcp", "tcp and vlan 5", "mpls", "mpls 1024",
    "mpls 7",
    "mpls 7 and mpls 1024", "mpls and host 10.1.1.1", "mpls and mpls 1024 and tcp port 80", "mpls and ip6",
    "mpls and ip",
    "pppoed", "pppoes", "pppoes 5", "pppoes 6", "pppoes and ip", "pppoes and tcp port 80", "pppoes 5 and ip6 and icmp6",
    "geneve", "geneve 5", "geneve 6", "geneve and ip", "geneve and tcp port 80", "geneve 5 and host 10.1.1.1",
    "geneve and arp", "geneve and vlan", "geneve and vlan 5 and udp", "geneve or ip", "not geneve", "vlan and geneve",
    "geneve and ether host 02:00:00:00:00:01", "geneve and ip6", "geneve and broadcast", "vlan and pppoes and ip",
    "vlan and mpls", "pppoes and mpls",
  ]

  static let combinations = [
    "tcp and port 80", "tcp or udp and port 53", "not tcp and not udp", "not (tcp or udp)", "not not tcp",
    "tcp and not port 80 or udp", "(tcp and not port 80) or udp", "ip and not net 192.168.0.0/16",
    "host 10.1.1.1 and (port 80 or 443)", "src net 10 and tcp[tcpflags] & tcp-syn != 0",
    "icmp or icmp6 or arp", "udp and (port 67 or port 68)", "ip or ip6", "ip and ip6", "tcp and udp",
    "arp or rarp or ip",
    "ether[0] & 1 = 0 and ip[16] >= 224", "tcp and ip[8] > 10 and len > 50 or port 53", "not ip and not ip6",
    "(port 80 and host 10.1.1.1) or (port 53 and host 2001:db8::1)", "port 80 and not host 10.1.1.1",
    "! tcp || udp && ! icmp", "tcp src port 80 or udp dst port 53 or sctp", "greater 60 and less 100 and tcp",
    "icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply", "portrange 5-10 and portrange 20-30",
    "port 80 and port 443", "tcp port 80 or (udp) or 53", "tcp[0:2] = 80 or tcp[2:2] = 80",
    "ip proto 6 and not ip[6:2] & 0x1fff != 0",
    "src host 10.1.1.1 or src net 192.168 or dst port 53", "(ip and tcp) or (ip6 and udp)",
  ]
}
