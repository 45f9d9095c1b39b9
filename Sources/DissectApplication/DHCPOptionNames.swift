import Dissect
import PacketCore

/// How the value of a DHCP option is written.
enum DHCPValue: Sendable {
  /// IPv4 addresses, pairs of them in parentheses.
  case addresses, addressPairs
  /// Text in quotation marks.
  case text
  /// Numbers of 32 bits, without and with sign, of 16 bits, of 8 bits.
  case long, signedLong, short, byte
  /// `Y` and `N`.
  case boolean
  /// By the value's length: numbers, or octets between dots.
  case unknown
  /// In a way of its own.
  case own
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

  /// The name of an option and how its value is written; nil where it has none.
  static func description(_ type: UInt8) -> (name: StaticString, value: DHCPValue)? {
    let index = Int(type)
    return index < common.count ? common[index] : later(type)
  }

  private static let common: [(name: StaticString, value: DHCPValue)?] = [
    ("PAD", .own), ("Subnet-Mask", .addresses), ("Time-Zone", .signedLong), ("Default-Gateway", .addresses),
    ("Time-Server", .addresses), ("IEN-Name-Server", .addresses), ("Domain-Name-Server", .addresses),
    ("LOG", .addresses), ("CS", .addresses), ("LPR-Server", .addresses), ("IM", .addresses), ("RL", .addresses),
    ("Hostname", .text), ("BS", .short), ("DP", .text), ("Domain-Name", .text), ("SS", .addresses), ("RP", .text),
    ("EP", .text), ("IPF", .boolean), ("SRT", .boolean), ("PF", .addressPairs), ("RSZ", .short), ("TTL", .byte),
    ("MTU-Timeout", .long), ("MTU-Table", .short), ("MTU", .short), ("LSN", .boolean), ("BR", .addresses),
    ("MD", .boolean), ("MS", .boolean), ("Router-Discovery", .boolean), ("RSA", .addresses),
    ("Static-Route", .addressPairs), ("UT", .boolean), ("AT", .long), ("IE", .boolean), ("TT", .byte), ("KI", .long),
    ("KG", .boolean), ("YD", .text), ("YS", .addresses), ("NTP", .addresses), ("Vendor-Option", .byte),
    ("Netbios-Name-Server", .addresses), ("WDD", .addresses), ("Netbios-Node", .own), ("Netbios-Scope", .text),
    ("XFS", .addresses), ("XDM", .addresses), ("Requested-IP", .addresses), ("Lease-Time", .long), ("OO", .own),
    ("DHCP-Message", .own), ("Server-ID", .addresses), ("Parameter-Request", .own), ("MSG", .text), ("MSZ", .short),
    ("RN", .long), ("RB", .long), ("Vendor-Class", .text), ("Client-ID", .own), nil, nil, ("N+D", .short),
    ("N+S", .addresses), ("TFTP", .text), ("BF", .text), ("MH", .addresses), ("SMTP", .addresses),
    ("POP3", .addresses), ("NNTP", .addresses), ("WWW", .addresses), ("FG", .addresses), ("IRC", .addresses),
    ("STS", .addresses), ("STDA", .addresses), ("User-Class", .own), ("SLP-DA", .byte), ("SLP-SCOPE", .byte),
    ("SLP-NA", .text), ("FQDN", .own), ("Agent-Information", .own), ("ARMT", .byte), nil, nil, nil, nil,
    ("TZSTR", .text), ("FQDNS", .byte), ("AUTH", .byte), ("Last-Transaction-Time", .signedLong),
    ("Associated-IP", .addresses),
    ("ARCH", .short), ("NDI", .byte), ("LDAP", .text), nil, ("GUID", .byte), ("UAP", .text), nil, ("POSIX-TZ", .text),
    ("TZ-Name", .text),
  ]

  private static func later(_ type: UInt8) -> (name: StaticString, value: DHCPValue)? {
    switch type {
    case 108: ("IPv6-Only-Preferred", .long)
    case 112: ("NI", .addresses)
    case 113: ("NITAG", .text)
    case 114: ("URL", .text)
    case 116: ("NOAUTO", .boolean)
    case 117: ("NSSEARCH", .short)
    case 118: ("SUBNET", .addresses)
    case classlessRoute: ("Classless-Static-Route", .own)
    case redirect: ("SZTP-Redirect", .own)
    case 150: ("TFTP-Server-Address", .addresses)
    case 161: ("MUD-URL", .text)
    case classlessRouteMicrosoft: ("Classless-Static-Route-Microsoft", .own)
    case end: ("END", .own)
    default: nil
    }
  }

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
