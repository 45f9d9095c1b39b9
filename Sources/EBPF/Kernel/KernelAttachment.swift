import Glibc

/// That a program is attached: the kernel empties the table that leads to a long one when nobody has it open any more.
public struct KernelAttachment: ~Copyable {
  private let table: ProgramTable?

  init(table: consuming ProgramTable?) { self.table = table }
}

/// A table of the kernel with one program (`BPF_MAP_TYPE_PROG_ARRAY`), to which another one can go over.
struct ProgramTable: ~Copyable {
  private let descriptor: CInt

  private init(descriptor: CInt) { self.descriptor = descriptor }

  /// A table that leads to a program; nil if the kernel refuses it: errno says why.
  static func make(_ program: CInt) -> ProgramTable? {
    let programArray: UInt64 = 3
    // map_type and key_size, value_size and max_entries, and what may be 0.
    var attributes = [UInt64](repeating: 0, count: 9)
    attributes[0] = programArray | 4 << 32
    attributes[1] = 4 | 1 << 32
    let descriptor = SystemCall.bpf(.mapCreate, &attributes)
    guard descriptor >= 0 else { return nil }
    let table = ProgramTable(descriptor: CInt(descriptor))
    guard store(program, in: table.descriptor) else { return nil }
    return table
  }

  deinit { close(descriptor) }

  private static func store(_ program: CInt, in table: CInt) -> Bool {
    let words: [CInt] = [0, program]
    return unsafe words.withUnsafeBytes { words in
      // map_fd, key, value, flags: the key is the first of the words, the value the second.
      let start = UInt64(UInt(bitPattern: words.baseAddress))
      var attributes = [UInt64(table), start, start + 4, 0]
      return SystemCall.bpf(.mapUpdateElement, &attributes) == 0
    }
  }

  /// The octets of a program that goes over to the one in the table, and accepts every packet where it cannot.
  var relay: [UInt8] {
    let tableAddress: UInt8 = 1
    let tailCall: Int32 = 12
    let operations: [Operation] = [
      .arithmetic(.mov, .word, .r3, .constant(0)), .call(tailCall), .arithmetic(.mov, .word, .r0, .constant(0x40000)),
      .exit,
    ]
    let address = [
      EncodedInstruction(code: 0x18, destination: 2, source: tableAddress, constant: descriptor),
      EncodedInstruction(code: 0),
    ]
    return EncodedInstruction.octets(address + operations.flatMap(\.encoded))
  }
}
