/// Every word that has a meaning of its own, and so is a name only behind `\`.
enum Keywords {
  private static let structure = [
    "and", "or", "not", "src", "dst", "host", "net", "port", "portrange", "gateway", "proto", "protochain", "mask",
    "netmask",
    "broadcast", "multicast", "len", "length", "addr1", "addr2", "addr3", "addr4", "ra", "ta", "address1", "address2",
    "address3", "address4",
  ]

  static let all: Set<String> = Set(
    structure + ProtocolName.keywords + Array(NamedConstant.all.keys) + Primitive.all.flatMap(\.keywords))

  static func contains(_ word: String) -> Bool { all.contains(word) }
}
