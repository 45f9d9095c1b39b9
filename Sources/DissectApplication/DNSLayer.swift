import Dissect

extension Layer {
  static let dns = Layer(
    "dns", "Domain Name System", "RFC 1035, RFC 6762", marks: ["domain"], note: "Also over TCP and multicast."
  ) {
    [
      Field("id", .uint16, "Identifier.", always: true),
      Field("response", .flag, "QR.", always: true),
      Field("opcode", .uint8, "Operation.", always: true),
      Field("opcode_name", .text, "Name of the operation."),
      Field("authoritative", .flag, "AA."),
      Field("truncated", .flag, "TC."),
      Field("recursion_desired", .flag, "RD."),
      Field("recursion_available", .flag, "RA."),
      Field("authentic_data", .flag, "AD."),
      Field("checking_disabled", .flag, "CD."),
      Field("rcode", .uint16, "Response code, with the upper bits of an OPT record.", always: true),
      Field("rcode_name", .text, "Name of the response code."),
      Field("question_count", .uint16, "Questions, as the header states."),
      Field("answer_count", .uint16, "Answers, as the header states."),
      Field("authority_count", .uint16, "Authority records, as the header states."),
      Field("additional_count", .uint16, "Additional records, as the header states."),
      Field(
        "questions",
        .array(
          .object([
            Field("name", .domainName, "Name."),
            Field("type", .uint16, "Type.", always: true),
            Field("type_name", .text, "Name of the type."),
            Field("class", .uint16, "Class, in multicast DNS without its upper bit.", always: true),
            Field("class_name", .text, "Name of the class."),
            Field("unicast_response", .flag, "Multicast DNS: an answer by unicast is wanted."),
          ])), "Questions.", each: "One question."),
      Field("answers", .array(.shared(.dnsRecord)), "Answers."),
      Field("authority", .array(.shared(.dnsRecord)), "Authority records."),
      Field("additional", .array(.shared(.dnsRecord)), "Additional records."),
    ]
  }
}

extension SharedObject {
  static let dnsRecord = SharedObject(
    "dns_record", "A resource record. What the capture cuts has fewer members."
  ) {
    [
      Field("name", .domainName, "Name."),
      Field("type", .uint16, "Type."),
      Field("type_name", .text, "Name of the type."),
      Field("class", .uint16, "Class, in multicast DNS without its upper bit."),
      Field("class_name", .text, "Name of the class."),
      Field("cache_flush", .flag, "Multicast DNS: the record replaces what is cached."),
      Field("ttl", .uint32, "Time to live in seconds."),
      Field("length", .uint16, "Bytes of the data."),
      Field("data", .text, "Data that is an address or a name."),
      Field("texts", .array(.text), "Data of TXT."),
      Field(
        "rdata",
        .object([
          Field("preference", .uint16, "MX."),
          Field("exchange", .domainName, "MX."),
          Field("priority", .uint16, "SRV, URI."),
          Field("weight", .uint16, "SRV, URI."),
          Field("port", .uint16, "SRV."),
          Field("target", .text, "SRV: a name; URI: text."),
          Field("primary", .domainName, "SOA."),
          Field("mailbox", .domainName, "SOA."),
          Field("serial", .uint32, "SOA."),
          Field("refresh", .uint32, "SOA."),
          Field("retry", .uint32, "SOA."),
          Field("expire", .uint32, "SOA."),
          Field("minimum", .uint32, "SOA."),
          Field("prefix_length", .uint8, "A6."),
          Field("suffix", .ipv6, "A6."),
          Field("prefix_name", .domainName, "A6."),
          Field("algorithm_name", .domainName, "TSIG."),
          Field("time_signed", .uint48, "TSIG, in seconds."),
          Field("fudge", .uint16, "TSIG, in seconds."),
          Field("mac", .hex, "TSIG."),
          Field("original_id", .uint16, "TSIG."),
          Field("error", .uint16, "TSIG."),
        ]), "Data of several fields."),
      Field("data_hex", .hex, "Data of any other type."),
      Field("udp_size", .uint16, "OPT: UDP payload size."),
      Field("extended_rcode", .uint8, "OPT: upper bits of the response code."),
      Field("version", .uint8, "OPT: version."),
      Field("dnssec_ok", .flag, "OPT: DO bit."),
      Field(
        "options",
        .array(
          .object([
            Field("code", .uint16, "Option code.", always: true),
            Field("code_name", .text, "Name of the code."),
            Field("length", .uint16, "Bytes of the data."),
            Field("client_cookie", .hex, "Client cookie."),
            Field("server_cookie", .hex, "Server cookie."),
            Field("expire", .uint32, "Expire timer in seconds."),
            Field("timeout", .uint16, "TCP keepalive in units of 100 milliseconds."),
            Field("domain", .domainName, "Closest trust point."),
            Field("values", .array(.uint16), "Key tags or algorithms."),
            Field("family", .uint16, "Family of the client's subnet."),
            Field("source_prefix_length", .uint8, "Bits that the client gave."),
            Field("scope_prefix_length", .uint8, "Bits that the answer covers."),
            Field("address", .ip, "Subnet of the client."),
            Field("data", .hex, "Data of any other option."),
          ])), "OPT: options, in order.", each: "One option; which members there are depends on its code."),
    ]
  }
}
