import Dissect
import PacketCore

/// How the value of a DHCP option is written.
enum DHCPValue: Sendable {
  /// IPv4 addresses; pairs of IPv4 addresses, in parentheses.
  case addresses, addressPairs
  /// Text in quotation marks.
  case text
  /// Numbers: 32 bits unsigned, 32 bits signed, 16 bits, 8 bits.
  case long, signedLong, short, byte
  /// One 32-bit number.
  case oneLong
  /// `Y` and `N`.
  case boolean
  /// Depending on the length of the value: numbers, or bytes separated by dots.
  case unknown
  /// By a function of its own.
  case custom
}

/// Options of DHCP (IANA "BOOTP Vendor Extensions and DHCP Options").
enum DHCPOption {
  static let pad: UInt8 = 0
  static let netBIOSNodeType: UInt8 = 46
  static let overload: UInt8 = 52
  static let messageType: UInt8 = 53
  static let parameterRequest: UInt8 = 55
  static let clientID: UInt8 = 61
  static let userClass: UInt8 = 77
  static let clientName: UInt8 = 81
  static let agentInformation: UInt8 = 82
  static let classlessRoute: UInt8 = 121
  static let redirect: UInt8 = 143
  static let classlessRouteMicrosoft: UInt8 = 249
  static let end: UInt8 = 255

  static let table: OptionTable<DHCPValue> = [
    0: OptionRow("PAD", .custom), 1: OptionRow("Subnet-Mask", .addresses), 2: OptionRow("Time-Zone", .signedLong),
    3: OptionRow("Default-Gateway", .addresses), 4: OptionRow("Time-Server", .addresses),
    5: OptionRow("IEN-Name-Server", .addresses), 6: OptionRow("Domain-Name-Server", .addresses),
    7: OptionRow("LOG", .addresses), 8: OptionRow("CS", .addresses), 9: OptionRow("LPR-Server", .addresses),
    10: OptionRow("IM", .addresses), 11: OptionRow("RL", .addresses), 12: OptionRow("Hostname", .text),
    13: OptionRow("BS", .short), 14: OptionRow("DP", .text), 15: OptionRow("Domain-Name", .text),
    16: OptionRow("SS", .addresses), 17: OptionRow("RP", .text), 18: OptionRow("EP", .text),
    19: OptionRow("IPF", .boolean), 20: OptionRow("SRT", .boolean), 21: OptionRow("PF", .addressPairs),
    22: OptionRow("RSZ", .short), 23: OptionRow("TTL", .byte), 24: OptionRow("MTU-Timeout", .long),
    25: OptionRow("MTU-Table", .short), 26: OptionRow("MTU", .short), 27: OptionRow("LSN", .boolean),
    28: OptionRow("BR", .addresses), 29: OptionRow("MD", .boolean), 30: OptionRow("MS", .boolean),
    31: OptionRow("Router-Discovery", .boolean), 32: OptionRow("RSA", .addresses),
    33: OptionRow("Static-Route", .addressPairs), 34: OptionRow("UT", .boolean), 35: OptionRow("AT", .long),
    36: OptionRow("IE", .boolean), 37: OptionRow("TT", .byte), 38: OptionRow("KI", .long),
    39: OptionRow("KG", .boolean), 40: OptionRow("YD", .text), 41: OptionRow("YS", .addresses),
    42: OptionRow("NTP", .addresses), 43: OptionRow("Vendor-Option", .byte),
    44: OptionRow("Netbios-Name-Server", .addresses), 45: OptionRow("WDD", .addresses),
    46: OptionRow("Netbios-Node", .custom), 47: OptionRow("Netbios-Scope", .text), 48: OptionRow("XFS", .addresses),
    49: OptionRow("XDM", .addresses), 50: OptionRow("Requested-IP", .addresses), 51: OptionRow("Lease-Time", .long),
    52: OptionRow("OO", .custom), 53: OptionRow("DHCP-Message", .custom), 54: OptionRow("Server-ID", .addresses),
    55: OptionRow("Parameter-Request", .custom), 56: OptionRow("MSG", .text), 57: OptionRow("MSZ", .short),
    58: OptionRow("RN", .long), 59: OptionRow("RB", .long), 60: OptionRow("Vendor-Class", .text),
    61: OptionRow("Client-ID", .custom), 64: OptionRow("N+D", .short), 65: OptionRow("N+S", .addresses),
    66: OptionRow("TFTP", .text), 67: OptionRow("BF", .text), 68: OptionRow("MH", .addresses),
    69: OptionRow("SMTP", .addresses), 70: OptionRow("POP3", .addresses), 71: OptionRow("NNTP", .addresses),
    72: OptionRow("WWW", .addresses), 73: OptionRow("FG", .addresses), 74: OptionRow("IRC", .addresses),
    75: OptionRow("STS", .addresses), 76: OptionRow("STDA", .addresses), 77: OptionRow("User-Class", .custom),
    78: OptionRow("SLP-DA", .byte), 79: OptionRow("SLP-SCOPE", .byte), 80: OptionRow("SLP-NA", .text),
    81: OptionRow("FQDN", .custom), 82: OptionRow("Agent-Information", .custom), 83: OptionRow("ARMT", .byte),
    88: OptionRow("TZSTR", .text), 89: OptionRow("FQDNS", .byte), 90: OptionRow("AUTH", .byte),
    91: OptionRow("Last-Transaction-Time", .signedLong), 92: OptionRow("Associated-IP", .addresses),
    93: OptionRow("ARCH", .short), 94: OptionRow("NDI", .byte), 95: OptionRow("LDAP", .text),
    97: OptionRow("GUID", .byte), 98: OptionRow("UAP", .text), 100: OptionRow("POSIX-TZ", .text),
    101: OptionRow("TZ-Name", .text), 108: OptionRow("IPv6-Only-Preferred", .oneLong), 112: OptionRow("NI", .addresses),
    113: OptionRow("NITAG", .text), 114: OptionRow("URL", .text), 116: OptionRow("Auto-Configure", .boolean),
    117: OptionRow("NSSEARCH", .short), 118: OptionRow("SUBNET", .addresses),
    121: OptionRow("Classless-Static-Route", .custom), 143: OptionRow("SZTP-Redirect", .custom),
    150: OptionRow("TFTP-Server-Address", .addresses), 161: OptionRow("MUD-URL", .text),
    249: OptionRow("Classless-Static-Route-Microsoft", .custom), 255: OptionRow("END", .custom),
  ]

  static let messages: ValueNames = [
    1: "Discover", 2: "Offer", 3: "Request", 4: "Decline", 5: "ACK", 6: "NACK", 7: "Release", 8: "Inform",
    10: "LeaseQuery", 11: "LeaseUnassigned", 12: "LeaseUnknown", 13: "LeaseActive",
  ]
  static let nodeTypes: ValueNames = [1: "b-node", 2: "p-node", 4: "m-node", 8: "h-node"]
  static let overloads: ValueNames = [1: "file", 2: "sname", 3: "file+sname"]
  static let hardwareTypes: ValueNames = [
    1: "ether", 6: "ieee802", 7: "arcnet", 15: "frelay", 23: "strip", 24: "ieee1394",
  ]
  static let nameFlags: FlagNames = [0x01: "S", 0x02: "O", 0x04: "E", 0x08: "N"]
  static let agentSuboptions: ValueNames = [1: "Circuit-ID", 2: "Remote-ID", 6: "Subscriber-ID"]
}
