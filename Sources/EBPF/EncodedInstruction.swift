/// One eBPF instruction in encoded form: eight bytes (RFC 9669 section 3.1). An instruction with a 64-bit constant takes two of them.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+-------+-------+-------------------------------+
///     |     code      |  dst  |  src  |        offset                 |
///     +---------------+-------+-------+-------------------------------+
///     |                              imm                              |
///     +---------------------------------------------------------------+
///
/// All fields are in the byte order of a little-endian host, with the destination in the lower half of the second byte.
public struct EncodedInstruction: Hashable, Sendable, BitwiseCopyable {
  /// The size of an instruction in bytes.
  public static let size = 8

  /// The operation.
  public var code: UInt8
  /// The number of the destination register, 0 to 15.
  public var destination: UInt8
  /// The number of the source register, 0 to 15.
  public var source: UInt8
  /// A distance in the code or in memory.
  public var offset: Int16
  /// The constant.
  public var constant: Int32

  public init(code: UInt8, destination: UInt8 = 0, source: UInt8 = 0, offset: Int16 = 0, constant: Int32 = 0) {
    self.code = code
    self.destination = destination & 15
    self.source = source & 15
    self.offset = offset
    self.constant = constant
  }

  /// The instruction in these 64 bits, whose least significant byte is the first one stored.
  public init(rawValue: UInt64) {
    self.init(
      code: UInt8(truncatingIfNeeded: rawValue), destination: UInt8(truncatingIfNeeded: rawValue >> 8 & 15),
      source: UInt8(truncatingIfNeeded: rawValue >> 12 & 15), offset: Int16(truncatingIfNeeded: rawValue >> 16),
      constant: Int32(truncatingIfNeeded: rawValue >> 32))
  }

  /// The 64 bits, whose least significant byte is stored first.
  public var rawValue: UInt64 {
    UInt64(code) | UInt64(destination) << 8 | UInt64(source) << 12 | UInt64(UInt16(bitPattern: offset)) << 16
      | UInt64(UInt32(bitPattern: constant)) << 32
  }
}

extension EncodedInstruction {
  /// The instructions in these bytes. Nil if their number is not a multiple of eight.
  public static func decode(_ octets: some Collection<UInt8>) -> [EncodedInstruction]? {
    guard octets.count % size == 0 else { return nil }
    var instructions: [EncodedInstruction] = []
    instructions.reserveCapacity(octets.count / size)
    var word: UInt64 = 0
    var shift: UInt64 = 0
    for octet in octets {
      word |= UInt64(octet) << shift
      shift += 8
      if shift == 64 {
        instructions.append(EncodedInstruction(rawValue: word))
        (word, shift) = (0, 0)
      }
    }
    return instructions
  }

  /// The bytes of these instructions.
  public static func octets(_ instructions: some Collection<EncodedInstruction>) -> [UInt8] {
    var octets: [UInt8] = []
    octets.reserveCapacity(instructions.count * size)
    for instruction in instructions {
      for shift in stride(from: UInt64(0), to: 64, by: 8) {
        octets.append(UInt8(truncatingIfNeeded: instruction.rawValue >> shift))
      }
    }
    return octets
  }
}
