/// A program from a file, in any of the usual exchange formats, and what the file says about its origin.
public struct Bytecode: Hashable, Sendable {
  public let program: Program
  /// The link type that the program was compiled for, as a DLT of the system that wrote it; nil if the file does not say.
  public var linkType: UInt32?
  /// The expression that the program was compiled from; nil if the file does not say.
  public var expression: String?

  /// The program in these bytes: a cBPF savefile if they begin like one, otherwise text for the assembler.
  public init(_ octets: [UInt8]) throws(AssemblyError) {
    if octets.starts(with: CBPFSavefile.signature) {
      var savefile = CBPFSavefile(octets)
      self = try savefile.bytecode()
    } else {
      program = try Assembler.assemble(String(decoding: octets, as: UTF8.self))
    }
  }

  init(_ program: Program) { self.program = program }
}

/// The file format of cbpf-savefile(5), major version 1. All integers are big-endian.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                     0xA1 0xB2 0xC3 0xCB                       |
///     |                       'c' 'B' 'P' 'F'                         |
///     |   MajorVer=1  |    MinorVer   |             Flags             |
///     |                            SnapLen                            |
///     |         LinkTypeValue         |       InstructionCount        |
///     |                   instructions, 8 bytes each                  |
///     |               optional TLVs to the end of the file            |
///     +---------------------------------------------------------------+
private struct CBPFSavefile {
  static let signature: [UInt8] = [0xa1, 0xb2, 0xc3, 0xcb, 0x63, 0x42, 0x50, 0x46]
  private static let headerLength = 20

  /// The unread part of the file.
  private var rest: ArraySlice<UInt8>

  init(_ octets: [UInt8]) { rest = octets[...] }

  private static func error(_ message: String) -> AssemblyError { AssemblyError(line: nil, message: message) }

  mutating func bytecode() throws(AssemblyError) -> Bytecode {
    guard rest.count >= Self.headerLength else { throw Self.error("the header of the cBPF savefile is cut short") }
    rest.removeFirst(Self.signature.count)
    let major = number(1)
    guard major == 1 else { throw Self.error("unsupported cBPF savefile version \(major)") }
    // Minor versions only add flags and TLVs. The flags say which instructions may occur; the validator sees which do.
    _ = number(1 + 2)
    _ = number(4)
    let linkType = number(2)
    let count = Int(number(2))
    guard rest.count >= count * 8 else {
      throw Self.error("\(count) instructions announced, but \(rest.count / 8) follow")
    }
    let instructions = (0..<count).map { _ in
      Instruction(
        code: UInt16(number(2)), jt: UInt8(number(1)), jf: UInt8(number(1)), k: UInt32(number(4)))
    }
    var bytecode: Bytecode
    do throws(ProgramError) {
      bytecode = Bytecode(try Program(validating: instructions))
    } catch {
      throw Self.error(error.description)
    }
    bytecode.linkType = UInt32(linkType)
    try readTLVs(into: &bytecode)
    return bytecode
  }

  private mutating func readTLVs(into bytecode: inout Bytecode) throws(AssemblyError) {
    var seen: Set<UInt64> = []
    while !rest.isEmpty {
      guard rest.count >= 4 else { throw Self.error("a TLV of the cBPF savefile is cut short") }
      let type = number(2)
      let length = Int(number(2))
      guard rest.count >= length else { throw Self.error("a TLV of the cBPF savefile is cut short") }
      guard seen.insert(type).inserted else { throw Self.error("the cBPF savefile has two TLVs of type \(type)") }
      let value = rest.prefix(length)
      rest.removeFirst(length)
      switch type {
      case 0 where !rest.isEmpty: throw Self.error("the cBPF savefile continues after its end")
      case 2: bytecode.expression = String(decoding: value, as: UTF8.self)
      default: break
      }
    }
  }

  /// The next bytes as one number; the caller proved that they are there, and there are at most 8.
  private mutating func number(_ octets: Int) -> UInt64 {
    var number: UInt64 = 0
    for _ in 0..<octets { number = number << 8 | UInt64(rest.popFirst() ?? 0) }
    return number
  }
}
