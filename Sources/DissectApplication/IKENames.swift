import Dissect

/// Names of numbers of IKE, versions 1 and 2.
enum IKENames {
  /// Payloads (RFC 2408 section 3.1, RFC 7296 section 3.2).
  static let payloads: ValueNames = [
    0: "none", 1: "sa", 2: "p", 3: "t", 4: "ke", 5: "id", 6: "cert", 7: "cr", 8: "hash", 9: "sig", 10: "nonce",
    11: "n", 12: "d", 13: "vid", 14: "pay14", 15: "pay15", 16: "pay16", 17: "pay17", 18: "pay18", 19: "pay19",
    20: "pay20", 21: "pay21", 22: "pay22", 23: "pay23", 24: "pay24", 25: "pay25", 26: "pay26", 27: "pay27",
    28: "pay28", 29: "pay29", 30: "pay30", 31: "pay31", 32: "pay32", 33: "v2sa", 34: "v2ke", 35: "v2IDi",
    36: "v2IDr", 37: "v2cert", 38: "v2cr", 39: "v2auth", 40: "v2nonce", 41: "v2n", 42: "v2d", 43: "v2vid",
    44: "v2TSi", 45: "v2TSr", 46: "v2e", 47: "v2cp", 48: "v2eap",
  ]
  /// Exchanges (RFC 2408 section 3.1, RFC 2409 appendix A, RFC 7296 section 3.1).
  static let exchanges: ValueNames = [
    0: "none", 1: "base", 2: "ident", 3: "auth", 4: "agg", 5: "inf", 32: "oakley-quick", 33: "oakley-newgroup",
    34: "ikev2_init", 35: "ikev2_auth", 36: "child_sa", 37: "inf2",
  ]
  /// Protocols of a proposal (RFC 2407 section 4.4.1).
  static let protocols: ValueNames = [1: "isakmp", 2: "ipsec-ah", 3: "ipsec-esp", 4: "ipcomp"]
  /// Types of certificates (RFC 2408 section 3.9).
  static let certificates: ValueNames = [
    0: "none", 1: "pkcs7", 2: "pgp", 3: "dns", 4: "x509sign", 5: "x509ke", 6: "kerberos", 7: "crl", 8: "arl",
    9: "spki", 10: "x509attr",
  ]
  /// Diffie-Hellman groups (RFC 2409 appendix A, RFC 3526).
  static let groups: ValueNames = [
    1: "modp768", 2: "modp1024", 3: "EC2N 2^155", 4: "EC2N 2^185", 5: "modp1536", 6: "iana-grp06", 7: "iana-grp07",
    8: "iana-grp08", 9: "iana-grp09", 10: "iana-grp10", 11: "iana-grp11", 12: "iana-grp12", 13: "iana-grp13",
    14: "modp2048", 15: "modp3072", 16: "modp4096", 17: "modp6144", 18: "modp8192",
  ]

  // MARK: Version 1

  /// Transforms by protocol (RFC 2407 section 4.4).
  static func transforms(ofProtocol number: UInt8) -> ValueNames? {
    switch number {
    case 1: keyExchanges
    case 2: authenticationTransforms
    case 3: encryptionTransforms
    case 4: compressionTransforms
    default: nil
    }
  }

  private static let keyExchanges: ValueNames = [1: "ike"]
  private static let authenticationTransforms: ValueNames = [
    1: "(reserved)", 2: "md5", 3: "sha", 4: "1des", 5: "sha2-256", 6: "sha2-384", 7: "sha2-512",
  ]
  static let encryptionTransforms: ValueNames = [
    1: "1des-iv64", 2: "1des", 3: "3des", 4: "rc5", 5: "idea", 6: "cast", 7: "blowfish", 8: "3idea",
    9: "1des-iv32", 10: "rc4", 11: "null", 12: "aes",
  ]
  private static let compressionTransforms: ValueNames = [1: "oui", 2: "deflate", 3: "lzs"]

  /// The name of an attribute, and the names of its values.
  struct Attribute {
    let name: StaticString
    let values: ValueNames?
    init(_ name: StaticString, _ values: ValueNames? = nil) {
      self.name = name
      self.values = values
    }
  }

  /// Attributes of a key exchange (RFC 2409 appendix A).
  static let keyExchangeAttributes: [UInt16: Attribute] = [
    1: Attribute("enc", [1: "1des", 2: "idea", 3: "blowfish", 4: "rc5", 5: "3des", 6: "cast", 7: "aes"]),
    2: Attribute("hash", [1: "md5", 2: "sha1", 3: "tiger", 4: "sha2-256", 5: "sha2-384", 6: "sha2-512"]),
    3: Attribute("auth", [1: "preshared", 2: "dss", 3: "rsa sig", 4: "rsa enc", 5: "rsa enc revised"]),
    4: Attribute("group desc", groups), 5: Attribute("group type", [1: "MODP", 2: "ECP", 3: "EC2N"]),
    6: Attribute("group prime"), 7: Attribute("group gen1"), 8: Attribute("group gen2"),
    9: Attribute("group curve A"), 10: Attribute("group curve B"), 11: Attribute("lifetype", lifetimes),
    12: Attribute("lifeduration"), 13: Attribute("prf"), 14: Attribute("keylen"), 15: Attribute("field"),
    16: Attribute("order"),
  ]
  /// Attributes of a security association (RFC 2407 section 4.5).
  static let associationAttributes: [UInt16: Attribute] = [
    1: Attribute("lifetype", lifetimes), 2: Attribute("life"), 3: Attribute("group desc", groups),
    4: Attribute("enc mode", [1: "tunnel", 2: "transport"]),
    5: Attribute("auth", [1: "hmac-md5", 2: "hmac-sha1", 3: "1des-mac", 4: "keyed"]), 6: Attribute("keylen"),
    7: Attribute("rounds"), 8: Attribute("dictsize"), 9: Attribute("privalg"),
  ]
  private static let lifetimes: ValueNames = [1: "sec", 2: "kb"]

  /// Kinds of identification (RFC 2407 section 4.6.2.1).
  static let identifications: ValueNames = [
    1: "IPv4", 2: "FQDN", 3: "user FQDN", 4: "IPv4net", 5: "IPv6", 6: "IPv6net", 7: "IPv4range", 8: "IPv6range",
    9: "ASN1 DN", 10: "ASN1 GN", 11: "keyid",
  ]
  /// Notifications (RFC 2408 section 3.14.1).
  static let notifications: ValueNames = [
    1: "INVALID-PAYLOAD-TYPE", 2: "DOI-NOT-SUPPORTED", 3: "SITUATION-NOT-SUPPORTED", 4: "INVALID-COOKIE",
    5: "INVALID-MAJOR-VERSION", 6: "INVALID-MINOR-VERSION", 7: "INVALID-EXCHANGE-TYPE", 8: "INVALID-FLAGS",
    9: "INVALID-MESSAGE-ID", 10: "INVALID-PROTOCOL-ID", 11: "INVALID-SPI", 12: "INVALID-TRANSFORM-ID",
    13: "ATTRIBUTES-NOT-SUPPORTED", 14: "NO-PROPOSAL-CHOSEN", 15: "BAD-PROPOSAL-SYNTAX", 16: "PAYLOAD-MALFORMED",
    17: "INVALID-KEY-INFORMATION", 18: "INVALID-ID-INFORMATION", 19: "INVALID-CERT-ENCODING",
    20: "INVALID-CERTIFICATE", 21: "CERT-TYPE-UNSUPPORTED", 22: "INVALID-CERT-AUTHORITY",
    23: "INVALID-HASH-INFORMATION", 24: "AUTHENTICATION-FAILED", 25: "INVALID-SIGNATURE",
    26: "ADDRESS-NOTIFICATION", 27: "NOTIFY-SA-LIFETIME", 28: "CERTIFICATE-UNAVAILABLE",
    29: "UNSUPPORTED-EXCHANGE-TYPE", 30: "UNEQUAL-PAYLOAD-LENGTHS", 8192: "RESERVED", 16384: "CONNECTED",
  ]
  /// Notifications of the IPsec domain of interpretation (RFC 2407 section 4.6.3).
  static let associationNotifications: ValueNames = [
    24576: "RESPONDER-LIFETIME", 24577: "REPLAY-STATUS", 24578: "INITIAL-CONTACT",
  ]

  // MARK: Version 2

  /// Types of transforms, and the transforms of each (RFC 7296 section 3.3.2).
  static let transformTypes: ValueNames = [1: "encr", 2: "prf", 3: "integ", 4: "dh", 5: "esn"]

  static func transforms(ofType type: UInt8) -> ValueNames? {
    switch type {
    case 1: encryptionTransforms
    case 2: pseudorandomFunctions
    case 3: integrityAlgorithms
    case 4: groups
    case 5: sequenceNumbers
    default: nil
    }
  }

  private static let pseudorandomFunctions: ValueNames = [
    1: "hmac-md5", 2: "hmac-sha", 3: "hmac-tiger", 4: "aes128_xcbc",
  ]
  private static let integrityAlgorithms: ValueNames = [
    1: "hmac-md5", 2: "hmac-sha", 3: "dec-mac", 4: "kpdk-md5", 5: "aes-xcbc",
  ]
  private static let sequenceNumbers: ValueNames = [0: "no-esn", 1: "esn"]

  /// Attributes of a transform (RFC 7296 section 3.3.5).
  static let transformAttributes: [UInt16: Attribute] = [14: Attribute("keylen")]

  /// Authentication methods (RFC 7296 section 3.8).
  static let authenticationMethods: ValueNames = [0: "invalid", 1: "rsasig", 2: "shared-secret", 3: "dsssig"]

  /// Kinds of identification whose value is shown (RFC 7296 section 3.5), with the text before it.
  static let identificationTitles: ValueNames = [
    1: " ipv4:", 2: " fqdn:", 3: " rfc822:", 5: " ipv6:", 9: " dn:", 10: " gn:", 11: " keyid:",
  ]

  /// Notifications (RFC 7296 section 3.10.1); others are classified by range.
  static func notification(_ number: UInt16) -> StaticString {
    if let name = messages[number] { return name }
    return switch number {
    case 0..<8192: "error"
    case 8192..<16384: "private-error"
    case 16384..<40960: "status"
    default: "private-status"
    }
  }

  private static let messages: ValueNames = [
    1: "unsupported_critical_payload", 4: "invalid_ike_spi", 5: "invalid_major_version", 7: "invalid_syntax",
    9: "invalid_message_id", 11: "invalid_spi", 14: "no_protocol_chosen", 17: "invalid_ke_payload",
    24: "authentication_failed", 34: "single_pair_required", 35: "no_additional_sas", 36: "internal_address_failure",
    37: "failed:cp_required", 39: "invalid_selectors", 16384: "initial_contact", 16385: "set_window_size",
    16386: "additional_ts_possible", 16387: "ipcomp_supported", 16388: "nat_detection_source_ip",
    16389: "nat_detection_destination_ip", 16390: "cookie", 16391: "use_transport_mode",
    16392: "http_cert_lookup_supported", 16393: "rekey_sa", 16394: "tfc_padding_not_supported",
    16395: "non_first_fragment_also",
  ]
}
