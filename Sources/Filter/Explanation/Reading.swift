import BPF
import PacketCore

/// What a filter read and compared, as text: the field, its number, and what the number should have been.
struct Reading {
  /// What a number is required to be.
  enum Requirement: Hashable {
    case equal, notEqual, greater, greaterOrEqual, less, lessOrEqual, anyBits, noBits

    /// The requirement of a comparison that has to have the outcome `wanted`. `flipped`: the sides are exchanged.
    init(_ relation: Relation, _ wanted: Bool, flipped: Bool) {
      self =
        switch (relation, wanted, flipped) {
        case (.equal, true, _): .equal
        case (.equal, false, _): .notEqual
        case (.greater, true, false), (.greaterOrEqual, false, true): .greater
        case (.greater, false, false), (.greaterOrEqual, true, true): .lessOrEqual
        case (.greaterOrEqual, true, false), (.greater, false, true): .greaterOrEqual
        case (.greaterOrEqual, false, false), (.greater, true, true): .less
        case (.anyBitsSet, true, _): .anyBits
        case (.anyBitsSet, false, _): .noBits
        }
    }

    /// The sign before the number.
    var sign: String {
      switch self {
      case .equal: ""
      case .notEqual: "!= "
      case .greater: "> "
      case .greaterOrEqual: ">= "
      case .less: "< "
      case .lessOrEqual: "<= "
      case .anyBits: "a bit of "
      case .noBits: "no bit of "
      }
    }
  }

  /// The value that was read.
  var value: ValueID
  var field: String
  var number: String
  var requirement: Requirement
  /// What it was compared with.
  var operand: String
  /// True if the requirement was met.
  var isHeld: Bool

  /// The requirement, such as `17 (udp)` or `> 576`.
  var wanted: String { requirement.sign + operand }

  /// `ip proto is 17 (udp), wanted 6 (tcp)` for several readings in order.
  static func refusal(_ readings: [Reading], conjunction: String) -> String {
    var order: [ValueID] = []
    var groups: [ValueID: [Reading]] = [:]
    for reading in readings {
      if groups[reading.value] == nil { order.append(reading.value) }
      groups[reading.value, default: []].append(reading)
    }
    let most = 3
    var texts = order.prefix(most).compactMap { value -> String? in
      guard let group = groups[value], let first = group.first else { return nil }
      var wanted: [String] = []
      for reading in group where !wanted.contains(reading.wanted) { wanted.append(reading.wanted) }
      if wanted.count > 6 { wanted = wanted.prefix(5) + ["one of \(wanted.count - 5) others"] }
      return "\(first.field) is \(first.number), \(conjunction) \(wanted.joined(separator: " or "))"
    }
    if order.count > most { texts.append("…") }
    return texts.joined(separator: "; ")
  }

  /// The readings that explain why a term was false: requirements that were not met, without alternatives to one that was.
  static func decisive(_ readings: [Reading]) -> [Reading] {
    let settled = Set(readings.filter { $0.isHeld && $0.requirement == .equal }.map(\.value))
    let failed = readings.filter { !$0.isHeld }
    let unsettled = failed.filter { $0.requirement != .equal || !settled.contains($0.value) }
    return unsettled.isEmpty ? failed : unsettled
  }
}

extension ValueTable {
  /// The number of a value for a packet that is long enough; nil if the packet alone does not determine it.
  func number(of value: ValueID, _ bytes: RawSpan, len: UInt32) -> UInt32? {
    var budget = 200
    return number(of: value, bytes, len: len, &budget)
  }

  private func number(of value: ValueID, _ bytes: RawSpan, len: UInt32, _ budget: inout Int) -> UInt32? {
    budget -= 1
    guard budget > 0 else { return nil }
    switch self[value] {
    case .constant(let number): return number
    case .packetLength: return len
    case .ancillary, .variable: return nil
    case .negate(let operand):
      return number(of: operand, bytes, len: len, &budget).map { 0 &- $0 }
    case .load(let size, let base, let offset):
      var place = UInt64(offset)
      if let base {
        guard let start = number(of: base, bytes, len: len, &budget) else { return nil }
        place += UInt64(start)
      }
      guard let place = Int(exactly: place) else { return nil }
      let packet = PacketBytes(bytes)
      switch size {
      case .byte: return (try? packet.u8(at: place)).map { UInt32($0) }
      case .half: return (try? packet.u16(at: place)).map { UInt32($0) }
      case .word: return try? packet.u32(at: place)
      }
    case .arithmetic(let operation, let left, let right):
      guard let left = number(of: left, bytes, len: len, &budget),
        let right = number(of: right, bytes, len: len, &budget)
      else { return nil }
      switch operation {
      case .add: return left &+ right
      case .subtract: return left &- right
      case .multiply: return left &* right
      case .divide: return right == 0 ? nil : left / right
      case .modulo: return right == 0 ? nil : left % right
      case .and: return left & right
      case .or: return left | right
      case .xor: return left ^ right
      case .shiftLeft: return left << right
      case .shiftRight: return left >> right
      }
    }
  }
}
