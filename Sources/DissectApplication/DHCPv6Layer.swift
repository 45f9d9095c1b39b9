import Dissect

extension Layer {
  static let dhcpv6 = Layer(
    "dhcpv6", "Dynamic Host Configuration Protocol for IPv6", "RFC 8415", marks: ["dhcp6"]
  ) {
    [
      Field("type", .uint8, "Message type."),
      Field("type_name", .text, "Name of the type."),
      Field("transaction_id", .uint24, "Transaction identifier."),
      Field("hop_count", .uint8, "Hops of a relayed message."),
      Field("link_address", .ipv6, "Link of the client."),
      Field("peer_address", .ipv6, "Who sent the relayed message."),
      Field("options", .array(.shared(.dhcpv6Option)), "Options, in order."),
    ]
  }
}

extension SharedObject {
  static let dhcpv6Message: SharedObject = SharedObject(
    "dhcpv6_message", "A message inside a relay's; at most sixteen messages and options are inside one another."
  ) {
    [
      Field("type", .uint8, "Message type."),
      Field("type_name", .text, "Name of the type."),
      Field("transaction_id", .uint24, "Transaction identifier."),
      Field("hop_count", .uint8, "Hops of a relayed message."),
      Field("link_address", .ipv6, "Link of the client."),
      Field("peer_address", .ipv6, "Who sent the relayed message."),
      Field("options", .array(.shared(.dhcpv6Option)), "Options, in order."),
    ]
  }
  static let dhcpv6Option: SharedObject = SharedObject(
    "dhcpv6_option", "An option of DHCPv6; which members there are depends on its code."
  ) {
    [
      Field("code", .uint16, "Option code.", always: true),
      Field("name", .text, "Name of the option."),
      Field("length", .uint16, "Bytes of the data.", always: true),
      Field("duid_type", .uint16, "Type of a DHCP unique identifier."),
      Field("hardware_type", .uint16, "Its hardware type."),
      Field("time", .uint32, "Its time in seconds since 2000."),
      Field("enterprise", .uint32, "Enterprise number."),
      Field("iaid", .uint32, "Identity association."),
      Field("t1", .uint32, "T1 in seconds."),
      Field("t2", .uint32, "T2 in seconds."),
      Field("address", .ipv6, "Address."),
      Field("addresses", .array(.ipv6), "Addresses."),
      Field("prefix", .ipv6, "Delegated prefix."),
      Field("prefix_length", .uint8, "Bits of the prefix."),
      Field("preferred_lifetime", .uint32, "Preferred lifetime in seconds."),
      Field("valid_lifetime", .uint32, "Valid lifetime in seconds."),
      Field("value", .uint32, "A number."),
      Field("values", .array(.uint16), "Option codes."),
      Field("status", .uint16, "Status code."),
      Field("status_name", .text, "Name of the status."),
      Field("text", .text, "Text."),
      Field("texts", .array(.text), "Texts."),
      Field("domain", .domainName, "Domain name."),
      Field("domains", .array(.domainName), "Domain names."),
      Field("authentication_protocol", .uint8, "Authentication protocol."),
      Field("algorithm", .uint8, "Algorithm."),
      Field("replay_detection_method", .uint8, "Replay detection method."),
      Field("replay_detection", .hex, "Replay detection."),
      Field(
        "suboptions",
        .array(
          .object([
            Field("code", .uint16, "Code.", always: true),
            Field("address", .ipv6, "Address."),
            Field("domain", .domainName, "Domain name."),
            Field("data", .hex, "Value."),
          ])), "Suboptions.", each: "One suboption."),
      Field("relayed_message", .shared(.dhcpv6Message), "Relayed message."),
      Field("options", .array(.shared(.dhcpv6Option)), "Options, in order."),
      Field("data", .hex, "Data of any other option; of a unique identifier what follows its type."),
    ]
  }
}
