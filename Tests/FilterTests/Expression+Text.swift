@testable import Filter

// A syntax tree as text with every parenthesis and every qualifier written out, so that tests can say what an expression means.

extension Expression {
  /// The tree as text; empty if the expression is empty.
  var text: String { nodes.indices.last.map(text(of:)) ?? "" }

  private func text(of index: Index) -> String {
    switch nodes[index].kind {
    case .and(let left, let right): "(\(text(of: left)) and \(text(of: right)))"
    case .or(let left, let right): "(\(text(of: left)) or \(text(of: right)))"
    case .not(let inner): "not \(text(of: inner))"
    case .primitive(let use): use.text
    }
  }
}

extension PrimitiveUse {
  fileprivate var text: String {
    switch self {
    case .abbreviation(let proto): proto.rawValue
    case .identifier(let qualifiers, let identifier): qualifiers.text + identifier.text
    case .cast(let cast, let proto): [proto?.rawValue, cast.rawValue].compactMap { $0 }.joined(separator: " ")
    case .word(let primitive, let operand): primitive.keywords[0] + operand.text
    case .relation(let left, let sign, let right): "\(left.text) \(sign.text) \(right.text)"
    }
  }
}

extension Qualifiers {
  fileprivate var text: String {
    [proto?.rawValue, direction?.rawValue, kind?.rawValue].compactMap { $0.map { $0 + " " } }.joined()
  }
}

extension Operand {
  fileprivate var text: String {
    switch self {
    case .nothing: ""
    case .number(let number): " \(number)"
    case .word(let word): " \(word)"
    case .byteTest(let offset, let sign, let number): " \(offset) \(sign.rawValue) \(number)"
    case .comparisons(let tests): " (" + tests.map { "\($0.sign.text) \($0.number)" }.joined(separator: ", ") + ")"
    case .frame(let mask, let bits): " \(bits)/\(mask)"
    case .process(let test): " \(test.ends) \(test.value)"
    }
  }
}

extension RelationSign {
  fileprivate var text: String {
    switch self {
    case .equal: "="
    case .notEqual: "!="
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .less: "<"
    case .lessOrEqual: "<="
    }
  }
}

extension Arithmetic {
  fileprivate var text: String {
    switch self {
    case .number(let number): "\(number)"
    case .packetLength: "len"
    case .accessor(let proto, let index, let size, _): "\(proto.rawValue)[\(index.text):\(size.rawValue)]"
    case .binary(let operation, let left, let right, _): "(\(left.text) \(operation.sign) \(right.text))"
    case .negate(let inner): "-\(inner.text)"
    }
  }
}
