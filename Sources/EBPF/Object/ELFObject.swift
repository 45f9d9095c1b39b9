/// A section of an object file.
public struct ELFSection: Hashable, Sendable {
  public let name: String
  /// `SHT_PROGBITS` and the others.
  let type: UInt32
  /// `SHF_EXECINSTR` and the others.
  let flags: UInt64
  /// The section that the info field refers to: for relocations, the one that they change.
  let info: UInt32
  public let octets: [UInt8]

  /// True if it contains instructions.
  public var isCode: Bool { type == ELF.programBits && flags & ELF.executable != 0 && !octets.isEmpty }
}

/// Why no program can be read from a file as an object file.
public struct ELFError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// Numbers of the format (System V Application Binary Interface, "Object Files").
enum ELF {
  static let magic: [UInt8] = [0x7f, 0x45, 0x4c, 0x46]
  static let class64: UInt8 = 2
  static let littleEndian: UInt8 = 1
  static let relocatable: UInt16 = 1
  /// `EM_BPF`.
  static let machine: UInt16 = 247
  static let headerSize = 64
  static let sectionHeaderSize = 64
  static let symbolSize = 24

  static let programBits: UInt32 = 1
  static let symbolTable: UInt32 = 2
  static let stringTable: UInt32 = 3
  static let relocationsWithAddend: UInt32 = 4
  static let note: UInt32 = 7
  static let relocations: UInt32 = 9
  static let write: UInt64 = 1
  static let alloc: UInt64 = 2
  static let executable: UInt64 = 4
}

/// An ELF file for eBPF with 64-bit little-endian fields, split into its sections.
public struct ELFObject: Sendable {
  public private(set) var sections: [ELFSection] = []

  /// True if the bytes begin like an ELF file.
  public static func isELF(_ octets: [UInt8]) -> Bool { octets.starts(with: ELF.magic) }

  /// Reads an object file. Throws if it is for another machine or its tables extend past its end.
  public init(_ octets: [UInt8]) throws(ELFError) {
    let file = Fields(octets)
    guard Self.isELF(octets), octets.count >= ELF.headerSize else { throw ELFError("not an ELF file") }
    guard octets[4] == ELF.class64, octets[5] == ELF.littleEndian else {
      throw ELFError("not a 64-bit little-endian ELF file")
    }
    guard try file.number(18, 2) == UInt64(ELF.machine) else {
      throw ELFError("an ELF file for another machine than eBPF")
    }
    let table = try file.number(40, 8)
    let (entrySize, count, names) = (try file.number(58, 2), try file.number(60, 2), try file.number(62, 2))
    guard entrySize == UInt64(ELF.sectionHeaderSize), count > 0 else { throw ELFError("an ELF file without sections") }
    /// The offset of each header; the table must not extend past the end of the file.
    func header(_ index: UInt64) throws(ELFError) -> UInt64 {
      let (offset, overflow) = table.addingReportingOverflow(index * entrySize)
      guard !overflow, index < count else { throw ELFError("a section header lies past the end of the file") }
      return offset
    }
    let nameTable = try file.slice(file.number(header(names) + 24, 8), file.number(header(names) + 32, 8))
    for index in 0..<count {
      let start = try header(index)
      let type = UInt32(truncatingIfNeeded: try file.number(start + 4, 4))
      let noOctets: UInt32 = 8  // SHT_NOBITS
      let isStored = type != 0 && type != noOctets
      sections.append(
        ELFSection(
          name: Self.text(nameTable, try file.number(start, 4)), type: type, flags: try file.number(start + 8, 8),
          info: UInt32(truncatingIfNeeded: try file.number(start + 44, 4)),
          octets: isStored ? Array(try file.slice(file.number(start + 24, 8), file.number(start + 32, 8))) : []))
    }
  }

  /// The zero-terminated text at an offset.
  private static func text(_ octets: ArraySlice<UInt8>, _ offset: UInt64) -> String {
    guard offset < UInt64(octets.count) else { return "" }
    return String(decoding: octets.dropFirst(Int(offset)).prefix { $0 != 0 }, as: UTF8.self)
  }

  /// The instructions of the section with that name, or, without a name, of the only section that contains any. Throws if there is none, or
  /// if the linker would still have to modify it.
  public func program(section name: String? = nil) throws(ELFError) -> [UInt8] {
    let candidates = sections.enumerated().filter { $0.element.isCode && (name == nil || $0.element.name == name) }
    guard let (index, section) = candidates.first.map({ ($0.offset, $0.element) }) else {
      throw ELFError(name.map { "no section '\($0)' with instructions" } ?? "no section with instructions")
    }
    if name == nil, candidates.count > 1 {
      let names = candidates.map(\.element.name).joined(separator: ", ")
      throw ELFError("several sections have instructions, choose one with --section: \(names)")
    }
    let isRelocated = sections.contains {
      ($0.type == ELF.relocations || $0.type == ELF.relocationsWithAddend) && Int($0.info) == index
        && !$0.octets.isEmpty
    }
    guard !isRelocated else {
      throw ELFError(
        "section '\(section.name)' refers to maps, variables or functions elsewhere, which are not modelled")
    }
    return section.octets
  }
}

/// Checked access to the fields of a file.
private struct Fields {
  let octets: [UInt8]
  init(_ octets: [UInt8]) { self.octets = octets }

  func number(_ offset: UInt64, _ size: UInt64) throws(ELFError) -> UInt64 {
    try slice(offset, size).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  func slice(_ offset: UInt64, _ size: UInt64) throws(ELFError) -> ArraySlice<UInt8> {
    let (end, overflow) = offset.addingReportingOverflow(size)
    guard !overflow, end <= UInt64(octets.count) else { throw ELFError("a section lies past the end of the file") }
    return octets[Int(offset)..<Int(end)]
  }
}
