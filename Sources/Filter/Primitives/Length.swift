extension Primitive {
  static let less = Primitive(
    keywords: ["less"], shape: .number("a length"), help: "length on the wire is at most this", lower: lowerLess)

  static let greater = Primitive(
    keywords: ["greater"], shape: .number("a length"), help: "length on the wire is at least this", lower: lowerGreater)

  static let byte = Primitive(
    keywords: ["byte"], shape: .byteTest,
    help: "a byte counted from the link-layer header, compared or combined with a number",
    lower: lowerByte)
}

@Sendable
private func lowerLess(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  guard case .number(let number) = operand else { return .constant(false) }
  let length = lowering.values.intern(.packetLength)
  return .not(lowering.compare(length, .greater, number))
}

@Sendable
private func lowerGreater(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  guard case .number(let number) = operand else { return .constant(false) }
  let length = lowering.values.intern(.packetLength)
  return lowering.compare(length, .greaterOrEqual, number)
}

/// With `&` and `|` the test is true if the result is not zero.
@Sendable
private func lowerByte(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  guard case .byteTest(let offset, let sign, let number) = operand else { return .constant(false) }
  guard number <= 255 else {
    throw lowering.error("byte argument \(number) greater than maximum 255")
  }
  let octet = lowering.load(.byte, lowering.layers.header, offset)
  switch sign {
  case .less: return .not(lowering.compare(octet, .greaterOrEqual, number))
  case .greater: return lowering.compare(octet, .greater, number)
  case .ampersand: return .not(lowering.compare(lowering.arithmetic(.and, octet, number), .equal, 0))
  case .bar: return .not(lowering.compare(lowering.arithmetic(.or, octet, number), .equal, 0))
  default: return lowering.compare(octet, .equal, number)
  }
}
