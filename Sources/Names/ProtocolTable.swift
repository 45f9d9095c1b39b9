/// /etc/protocols: each line has the name of an Internet protocol, its number and other names (protocols(5)).
final class ProtocolTable: Sendable {
  let numbers: [String: UInt32]
  /// The name on the first line with a number.
  let names: NumberTable<UInt32>

  init(path: String) {
    var numbers: [String: UInt32] = [:]
    var names = NumberTable<UInt32>()
    let file = NameFile(path: path) ?? .builtinProtocols
    file.forEachLine { fields in
      guard fields.count >= 2, let name = fields[0].name, let number = fields[1].number(as: UInt32.self) else { return }
      names.add(name, for: number)
      for name in [name] + fields[2...].compactMap(\.name) where numbers[name] == nil { numbers[name] = number }
    }
    self.numbers = numbers
    self.names = names
  }
}
