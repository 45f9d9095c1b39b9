import PacketCore

/// Messages of application protocols that the compared programs decode.
enum ApplicationTraffic {
  private static let names = ["www", "mail", "api", "cdn", "static", "login", "img", "ns1"]

  /// A DNS query for an address (RFC 1035 section 4.1), and the answer to it.
  static func dns(_ random: inout SeededRandom) -> (query: [UInt8], answer: [UInt8]) {
    let labels = [
      names[Int.random(in: names.indices, using: &random)], "host\(Int.random(in: 0..<1000, using: &random))",
      "example",
    ]
    var question: [UInt8] = []
    for label in labels { question += [UInt8(label.utf8.count)] + Array(label.utf8) }
    question += [0, 0, 1, 0, 1]
    let identifier = random.octets(2)
    let query: [UInt8] = identifier + [1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + question
    // The name is a pointer to the one in the question; the record gives an address, with a TTL of 300 seconds.
    let record: [UInt8] = [0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2] + random.octets(1)
    let answer: [UInt8] = identifier + [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + question + record
    return (query, answer)
  }

  /// An NTP version 4 message of a client (RFC 5905 section 7.3).
  static func ntp(_ random: inout SeededRandom) -> [UInt8] {
    let beginning: [UInt8] = [0x23, 2, 6, 0xec, 0, 0, 1, 0, 0, 0, 2, 0, 192, 0, 2, 1]
    return beginning + random.octets(32)
  }

  /// An HTTP request, or the beginning of a response (RFC 9112).
  static func http(isRequest: Bool, _ random: inout SeededRandom) -> [UInt8] {
    let number = Int.random(in: 0..<100_000, using: &random)
    let text =
      isRequest
      ? "GET /objects/\(number)?format=json HTTP/1.1\r\nHost: www.example.net\r\nUser-Agent: client/1.0\r\nAccept: */*\r\n\r\n"
      : "HTTP/1.1 200 OK\r\nServer: example\r\nContent-Type: application/octet-stream\r\nContent-Length: \(number)\r\n\r\n"
    return Array(text.utf8) + (isRequest ? [] : random.octets(Int.random(in: 0..<1000, using: &random)))
  }
}
