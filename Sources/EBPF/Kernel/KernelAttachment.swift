import Glibc

/// Keeps a program attached: the table that leads to a long program is cleared by the kernel once nobody has it open.
public struct KernelAttachment: ~Copyable {
  private let table: ProgramTable?

  init(table: consuming ProgramTable?) { self.table = table }
}

/// A kernel table with one program, which another program can tail-call.
struct ProgramTable: ~Copyable {
  private let map: KernelMap

  /// A table that leads to a program; nil if the kernel refuses: errno says why.
  static func make(_ program: CInt) -> ProgramTable? {
    guard let map = try? KernelMap(.programArray, keySize: 4, valueSize: 4, capacity: 1) else { return nil }
    let value = UInt32(bitPattern: program)
    let octets = (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    guard map.store(octets, at: [0, 0, 0, 0]) else { return nil }
    return ProgramTable(map: map)
  }

  private init(map: consuming KernelMap) { self.map = map }

  /// The encoded program that tail-calls the one in the table, and accepts every packet if it cannot.
  var relay: [UInt8] {
    let tailCall: Int32 = 12
    let operations: [Operation] = [
      .loadMap(.r2, descriptor: map.descriptor), .arithmetic(.mov, .word, .r3, .constant(0)), .call(tailCall),
      .arithmetic(.mov, .word, .r0, .constant(0x40000)), .exit,
    ]
    return EncodedInstruction.octets(operations.flatMap(\.encoded))
  }
}
