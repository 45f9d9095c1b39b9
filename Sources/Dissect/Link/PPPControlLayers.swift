extension Layer {
  static let lcp = Layer(
    "lcp", "Link Control Protocol", "RFC 1661 section 5"
  ) {
    controlFields([
      Field("oui", .uint24, "Organisation of a vendor's option."),
      Field("mru", .uint16, "Maximum receive unit."),
      Field("accm", .uint32, "Async control character map."),
      Field("authentication_protocol", .uint16, "Authentication protocol."),
      Field("algorithm", .uint8, "Algorithm of CHAP."),
      Field("quality_protocol", .uint16, "Quality protocol."),
      Field("magic_number", .uint32, "Magic number."),
      Field("callback_operation", .uint8, "Callback operation."),
      Field("mrru", .uint16, "Maximum receive reconstructed unit."),
      Field("discriminator_class", .uint8, "Class of the endpoint discriminator."),
      Field("address", .text, "IPv4 or MAC address of the endpoint."),
      Field("link_discriminator", .uint32, "Link discriminator."),
    ])
  }

  static let ipcp = Layer(
    "ipcp", "Internet Protocol Control Protocol", "RFC 1332"
  ) {
    controlFields([
      Field("source", .ipv4, "Source of the deprecated option of two addresses."),
      Field("destination", .ipv4, "Its destination."),
      Field("compression_protocol", .uint16, "Compression protocol."),
      Field("address", .ipv4, "Address of the peer or of a server."),
    ])
  }

  static let osicp = Layer(
    "osicp", "OSI Network Layer Control Protocol", "RFC 1377"
  ) {
    controlFields()
  }

  static let mplscp = Layer(
    "mplscp", "MPLS Control Protocol", "RFC 3032"
  ) {
    controlFields()
  }

  static let ipv6cp = Layer(
    "ipv6cp", "IPv6 Control Protocol", "RFC 5072"
  ) {
    controlFields([
      Field("interface_id", .hex, "Interface identifier.")
    ])
  }

  static let ccp = Layer(
    "ccp", "Compression Control Protocol", "RFC 1962"
  ) {
    controlFields()
  }

  static let bacp = Layer(
    "bacp", "Bandwidth Allocation Control Protocol", "RFC 2125"
  ) {
    controlFields([
      Field("magic_number", .uint32, "Favoured peer.")
    ])
  }
}

/// The members of a message of a control protocol (RFC 1661 section 5), whose options have `members` in addition to those of all options.
private func controlFields(_ members: [Field] = []) -> [Field] {
  let option = [
    Field("type", .uint8, "Option type.", always: true),
    Field("length", .uint8, "Bytes of the option, its type and length included.", always: true),
    Field("data", .hex, "Value of an option that has no members of its own, or what follows them."),
  ]
  return [
    Field("code", .uint8, "Code.", always: true),
    Field("code_name", .text, "Name of the code."),
    Field("id", .uint8, "Identifier.", always: true),
    Field("length", .uint16, "Bytes of the message, as it states."),
    Field("magic_number", .uint32, "Magic number."),
    Field("oui", .uint24, "Organisation of a vendor's message."),
    Field("rejected_protocol", .uint16, "Protocol that is rejected."),
    Field("message", .text, "Identification."),
    Field("seconds_remaining", .uint32, "Time remaining, in seconds."),
    Field(
      "options", .array(.object(option + members)), "Options, in order.",
      each: "One option; its members depend on its type."),
  ]
}
