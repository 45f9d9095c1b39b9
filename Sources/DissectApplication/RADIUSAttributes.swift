import Dissect
import PacketCore

/// Attributes (IANA "RADIUS Types").
let radiusAttributes: OptionTable<ValueForm> = [
  1: OptionRow("User-Name", .text), 2: OptionRow("User-Password", .bytes), 3: OptionRow("CHAP-Password", .bytes),
  4: OptionRow("NAS-IP-Address", .ipv4), 5: OptionRow("NAS-Port", .number),
  6: OptionRow("Service-Type", .named(serviceTypes)), 7: OptionRow("Framed-Protocol", .named(framedProtocols)),
  8: OptionRow("Framed-IP-Address", .custom(printSelectableAddress)), 9: OptionRow("Framed-IP-Netmask", .ipv4),
  10: OptionRow("Framed-Routing", .named(framedRoutings)), 11: OptionRow("Filter-Id", .text),
  12: OptionRow("Framed-MTU", .number), 13: OptionRow("Framed-Compression", .named(framedCompressions)),
  14: OptionRow("Login-IP-Host", .custom(printSelectableAddress)),
  15: OptionRow("Login-Service", .named(loginServices)), 16: OptionRow("Login-TCP-Port", .number),
  17: OptionRow("Unassigned", .bytes), 18: OptionRow("Reply-Message", .text), 19: OptionRow("Callback-Number", .text),
  20: OptionRow("Callback-Id", .text), 21: OptionRow("Unassigned", .bytes), 22: OptionRow("Framed-Route", .text),
  23: OptionRow("Framed-IPX-Network", .number), 24: OptionRow("State", .text), 25: OptionRow("Class", .text),
  26: OptionRow("Vendor-Specific", .custom(printVendorSpecific)), 27: OptionRow("Session-Timeout", .duration),
  28: OptionRow("Idle-Timeout", .duration), 29: OptionRow("Termination-Action", .named(terminationActions)),
  30: OptionRow("Called-Station-Id", .text), 31: OptionRow("Calling-Station-Id", .text),
  32: OptionRow("NAS-Identifier", .text), 33: OptionRow("Proxy-State", .text),
  34: OptionRow("Login-LAT-Service", .text), 35: OptionRow("Login-LAT-Node", .text),
  36: OptionRow("Login-LAT-Group", .text), 37: OptionRow("Framed-AppleTalk-Link", .number),
  38: OptionRow("Framed-AppleTalk-Network", .number), 39: OptionRow("Framed-AppleTalk-Zone", .text),
  40: OptionRow("Acct-Status-Type", .named(accountingStatuses)), 41: OptionRow("Acct-Delay-Time", .duration),
  42: OptionRow("Acct-Input-Octets", .number), 43: OptionRow("Acct-Output-Octets", .number),
  44: OptionRow("Acct-Session-Id", .text), 45: OptionRow("Acct-Authentic", .named(accountingSources)),
  46: OptionRow("Acct-Session-Time", .duration), 47: OptionRow("Acct-Input-Packets", .number),
  48: OptionRow("Acct-Output-Packets", .number), 49: OptionRow("Acct-Terminate-Cause", .named(terminateCauses)),
  50: OptionRow("Acct-Multi-Session-Id", .text), 51: OptionRow("Acct-Link-Count", .number),
  52: OptionRow("Acct-Input-Gigawords", .number), 53: OptionRow("Acct-Output-Gigawords", .number),
  54: OptionRow("Unassigned", .bytes), 55: OptionRow("Event-Timestamp", .custom(printEventTime)),
  56: OptionRow("Egress-VLANID", .custom(printVLANIdentifier)),
  57: OptionRow("Ingress-Filters", .named(ingressFilters)),
  58: OptionRow("Egress-VLAN-Name", .custom(printVLANName)), 59: OptionRow("User-Priority-Table", .bytes),
  60: OptionRow("CHAP-Challenge", .text), 61: OptionRow("NAS-Port-Type", .named(portTypes)),
  62: OptionRow("Port-Limit", .number), 63: OptionRow("Login-LAT-Port", .text),
  64: OptionRow(
    "Tunnel-Type",
    .custom { (value, printer) throws(DecodeError) in
      try printTagged(value, tunnelTypes, &printer)
    }),
  65: OptionRow(
    "Tunnel-Medium-Type",
    .custom { (value, printer) throws(DecodeError) in
      try printTagged(value, tunnelMedia, &printer)
    }),
  66: OptionRow("Tunnel-Client-Endpoint", .custom(printTaggedText)),
  67: OptionRow("Tunnel-Server-Endpoint", .custom(printTaggedText)), 68: OptionRow("Acct-Tunnel-Connection", .text),
  69: OptionRow("Tunnel-Password", .custom(printTunnelPassword)),
  70: OptionRow("ARAP-Password", .custom(printARAPPassword)),
  71: OptionRow("ARAP-Features", .custom(printARAPFeatures)),
  72: OptionRow("ARAP-Zone-Access", .named(zoneAccesses)), 73: OptionRow("ARAP-Security", .text),
  74: OptionRow("ARAP-Security-Data", .text), 75: OptionRow("Password-Retry", .number),
  76: OptionRow("Prompt", .named(prompts)), 77: OptionRow("Connect-Info", .text),
  78: OptionRow("Configuration-Token", .text),
  79: OptionRow(
    "EAP-Message",
    .custom { (value, printer) throws(DecodeError) in
      try printEAP(value, carried: value.length, indent: "\n\t\t ", &printer)
    }),
  80: OptionRow("Message-Authenticator", .text), 81: OptionRow("Tunnel-Private-Group-ID", .custom(printTaggedText)),
  82: OptionRow("Tunnel-Assignment-ID", .custom(printTaggedText)),
  83: OptionRow(
    "Tunnel-Preference",
    .custom { (value, printer) throws(DecodeError) in
      try printTagged(value, nil, &printer)
    }),
  84: OptionRow("ARAP-Challenge-Response", .custom(printChallengeResponse)),
  85: OptionRow("Acct-Interim-Interval", .duration), 86: OptionRow("Acct-Tunnel-Packets-Lost", .number),
  87: OptionRow("NAS-Port-Id", .text), 88: OptionRow("Framed-Pool", .text), 89: OptionRow("CUI", .text),
  90: OptionRow("Tunnel-Client-Auth-ID", .custom(printTaggedText)),
  91: OptionRow("Tunnel-Server-Auth-ID", .custom(printTaggedText)), 92: OptionRow("NAS-Filter-Rule", .text),
  93: OptionRow("Unassigned", .bytes), 94: OptionRow("Originating-Line-Info", .bytes),
  95: OptionRow("NAS-IPv6-Address", .ipv6), 96: OptionRow("Framed-Interface-ID", .bytes),
  97: OptionRow("Framed-IPv6-Prefix", .custom(printIPv6Prefix)), 98: OptionRow("Login-IPv6-Host", .ipv6),
  99: OptionRow("Framed-IPv6-Route", .text), 100: OptionRow("Framed-IPv6-Pool", .text),
  101: OptionRow("Error-Cause", .custom(printErrorCause)), 102: OptionRow("EAP-Key-Name", .bytes),
  103: OptionRow("Digest-Response", .text), 104: OptionRow("Digest-Realm", .text),
  105: OptionRow("Digest-Nonce", .text), 106: OptionRow("Digest-Response-Auth", .text),
  107: OptionRow("Digest-Nextnonce", .text), 108: OptionRow("Digest-Method", .text),
  109: OptionRow("Digest-URI", .text),
  110: OptionRow("Digest-Qop", .text), 111: OptionRow("Digest-Algorithm", .text),
  112: OptionRow("Digest-Entity-Body-Hash", .text), 113: OptionRow("Digest-CNonce", .text),
  114: OptionRow("Digest-Nonce-Count", .text), 115: OptionRow("Digest-Username", .text),
  116: OptionRow("Digest-Opaque", .text), 117: OptionRow("Digest-Auth-Param", .text),
  118: OptionRow("Digest-AKA-Auts", .text), 119: OptionRow("Digest-Domain", .text),
  120: OptionRow("Digest-Stale", .text), 121: OptionRow("Digest-HA1", .text), 122: OptionRow("SIP-AOR", .text),
  123: OptionRow("Delegated-IPv6-Prefix", .custom(printIPv6Prefix)),
  124: OptionRow("MIP6-Feature-Vector", .custom(printMobilityFeatures)),
  125: OptionRow("MIP6-Home-Link-Prefix", .custom(printHomeLinkPrefix)),
  126: OptionRow("Operator-Name", .custom(printOperatorName)),
  127: OptionRow("Location-Information", .custom(printLocationInformation)),
  128: OptionRow("Location-Data", .custom(printLocationData)),
  129: OptionRow("Basic-Location-Policy-Rules", .custom(printLocationPolicy)),
]

private let serviceTypes: ValueNames = [
  1: "Login", 2: "Framed", 3: "Callback Login", 4: "Callback Framed", 5: "Outbound", 6: "Administrative",
  7: "NAS Prompt", 8: "Authenticate Only", 9: "Callback NAS Prompt", 10: "Call Check", 11: "Callback Administrative",
  12: "Voice", 13: "Fax", 14: "Modem Relay", 15: "IAPP-Register", 16: "IAPP-AP-Check", 17: "Authorize Only",
  18: "Framed-Management", 19: "Additional-Authorization",
]
private let framedProtocols: ValueNames = [
  1: "PPP", 2: "SLIP", 3: "ARAP", 4: "Gandalf proprietary", 5: "Xylogics IPX/SLIP", 6: "X.75 Synchronous",
  7: "GPRS PDP Context",
]
private let framedRoutings: ValueNames = [0: "None", 1: "Send", 2: "Listen", 3: "Send&Listen"]
private let framedCompressions: ValueNames = [0: "None", 1: "VJ TCP/IP", 2: "IPX", 3: "Stac-LZS"]
private let loginServices: ValueNames = [
  0: "Telnet", 1: "Rlogin", 2: "TCP Clear", 3: "PortMaster(proprietary)", 4: "LAT", 5: "X.25-PAD", 6: "X.25-T3POS",
  7: "Unassigned", 8: "TCP Clear Quiet",
]
private let terminationActions: ValueNames = [0: "Default", 1: "RADIUS-Request"]
private let accountingStatuses: ValueNames = [
  1: "Start", 2: "Stop", 3: "Interim-Update", 4: "Unassigned", 5: "Unassigned", 6: "Unassigned", 7: "Accounting-On",
  8: "Accounting-Off", 9: "Tunnel-Start", 10: "Tunnel-Stop", 11: "Tunnel-Reject", 12: "Tunnel-Link-Start",
  13: "Tunnel-Link-Stop", 14: "Tunnel-Link-Reject", 15: "Failed",
]
private let accountingSources: ValueNames = [1: "RADIUS", 2: "Local", 3: "Remote", 4: "Diameter"]
private let terminateCauses: ValueNames = [
  1: "User Request", 2: "Lost Carrier", 3: "Lost Service", 4: "Idle Timeout", 5: "Session Timeout", 6: "Admin Reset",
  7: "Admin Reboot", 8: "Port Error", 9: "NAS Error", 10: "NAS Request", 11: "NAS Reboot", 12: "Port Unneeded",
  13: "Port Preempted", 14: "Port Suspended", 15: "Service Unavailable", 16: "Callback", 17: "User Error",
  18: "Host Request", 19: "Supplicant Restart", 20: "Reauthentication Failure", 21: "Port Reinitialized",
  22: "Port Administratively Disabled",
]
private let ingressFilters: ValueNames = [1: "Enabled", 2: "Disabled"]
private let portTypes: ValueNames = [
  0: "Async", 1: "Sync", 2: "ISDN Sync", 3: "ISDN Async V.120", 4: "ISDN Async V.110", 5: "Virtual", 6: "PIAFS",
  7: "HDLC Clear Channel", 8: "X.25", 9: "X.75", 10: "G.3 Fax", 11: "SDSL", 12: "ADSL-CAP", 13: "ADSL-DMT",
  14: "ISDN-DSL", 15: "Ethernet", 16: "xDSL", 17: "Cable", 18: "Wireless - Other", 19: "Wireless - IEEE 802.11",
  20: "Token-Ring", 21: "FDDI", 22: "Wireless - CDMA200", 23: "Wireless - UMTS", 24: "Wireless - 1X-EV", 25: "IAPP",
  26: "FTTP", 27: "Wireless - IEEE 802.16", 28: "Wireless - IEEE 802.20", 29: "Wireless - IEEE 802.22", 30: "PPPoA",
  31: "PPPoEoA", 32: "PPPoEoE", 33: "PPPoEoVLAN", 34: "PPPoEoQinQ", 35: "xPON", 36: "Wireless - XGP",
  37: "WiMAX Pre-Release 8 IWK Function", 38: "WIMAX-WIFI-IWK", 39: "WIMAX-SFF",
]
private let tunnelTypes: ValueNames = [
  1: "PPTP", 2: "L2F", 3: "L2TP", 4: "ATMP", 5: "VTP", 6: "AH", 7: "IP-IP", 8: "MIN-IP-IP", 9: "ESP", 10: "GRE",
  11: "DVS", 12: "IP-in-IP Tunneling", 13: "VLAN",
]
private let tunnelMedia: ValueNames = [
  1: "IPv4", 2: "IPv6", 3: "NSAP", 4: "HDLC", 5: "BBN 1822", 6: "802", 7: "E.163", 8: "E.164", 9: "F.69",
  10: "X.121", 11: "IPX", 12: "Appletalk", 13: "Decnet IV", 14: "Banyan Vines", 15: "E.164 with NSAP subaddress",
]
private let zoneAccesses: ValueNames = [
  1: "Only access to dfl zone", 2: "Use zone filter inc.", 3: "Not used", 4: "Use zone filter exc.",
]
private let prompts: ValueNames = [0: "No Echo", 1: "Echo"]
