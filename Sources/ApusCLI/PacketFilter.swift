import BPF
import Filter
import PacketCore

/// The expression, compiled once for every link type that is met.
struct PacketFilter {
  /// The words of the expression; nothing or blanks accept every packet.
  let expression: String
  private let options: CompileOptions
  private let acceptsAll: Bool
  /// The link type of the packet before.
  private(set) var linkType: LinkType
  private var machine: Interpreter
  /// The machines of all link types met so far.
  private var machines: [LinkType: Interpreter] = [:]

  /// Compiles the expression for the link type of `options`. Throws where it is refused.
  init(_ expression: String, _ options: CompileOptions) throws(FilterError) {
    self.expression = expression
    self.options = options
    acceptsAll = Self.acceptsAll(expression)
    linkType = options.linkType
    machine = Interpreter(try FilterCompiler.compile(expression, options))
    machines[linkType] = machine
  }

  /// True where the expression says nothing at all.
  static func acceptsAll(_ expression: String) -> Bool {
    expression.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0d).contains($0) }
  }

  /// True where the machine accepts the packet. Throws where it is of a link type for which the expression means nothing.
  @inline(__always)
  mutating func accepts(_ packet: borrowing Packet) throws(FilterError) -> Bool {
    if acceptsAll { return true }
    if packet.linkType != linkType { try change(to: packet.linkType) }
    return machine.run(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len)) != 0
  }

  @inline(never)
  private mutating func change(to linkType: LinkType) throws(FilterError) {
    if let known = machines[linkType] {
      machine = known
    } else {
      var options = options
      options.linkType = linkType
      machine = Interpreter(try FilterCompiler.compile(expression, options))
      machines[linkType] = machine
    }
    self.linkType = linkType
  }
}
