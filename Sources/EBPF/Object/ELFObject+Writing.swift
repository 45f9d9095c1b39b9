extension ELFObject {
  /// The name of the function in an object file, and of the program loaded from it.
  public static let functionName = "apus_filter"

  /// A relocatable object file with a program, as libbpf, bpftool and `ip link` load it: the section whose name gives its type, the
  /// licence, and the symbol of the function. `comment` is stored in a note, which `readelf -n` shows.
  public static func octets(of program: EBPFProgram, as type: EBPFProgramType, comment: String) -> [UInt8] {
    var writer = ELFWriter()
    let code = writer.add(
      type.sectionName, ELF.programBits, flags: ELF.alloc | ELF.executable, program.octets, alignment: 8)
    let license = Array(KernelEBPFProgram.license.utf8) + [0]
    let licenseIndex = writer.add("license", ELF.programBits, flags: ELF.alloc | ELF.write, license, alignment: 1)
    writer.add(".note.apus", ELF.note, flags: 0, note(comment), alignment: 4)
    writer.addSymbol(functionName, isFunction: true, section: code, size: program.octets.count)
    writer.addSymbol("_license", isFunction: false, section: licenseIndex, size: license.count)
    return writer.file()
  }
}

/// A note with the owner `apus` that contains text: three words, then the name and the text, each padded to a multiple of 4 bytes.
private func note(_ text: String) -> [UInt8] {
  let (owner, text) = (Array("apus".utf8) + [0], Array(text.utf8) + [0])
  var note: [UInt8] = []
  note.append(owner.count, 4)
  note.append(text.count, 4)
  note.append(1, 4)
  for part in [owner, text] {
    note += part
    while note.count % 4 != 0 { note.append(0) }
  }
  return note
}

/// Lays out the file: the file header, the sections one after the other, the section headers.
private struct ELFWriter {
  private struct Section {
    let name: Int
    let type: UInt32
    let flags: UInt64
    let octets: [UInt8]
    let link: UInt32
    let info: UInt32
    let alignment: Int
    let entrySize: Int
  }

  /// The names of sections and symbols, each followed by a zero; the first is empty.
  private var names: [UInt8] = [0]
  private var sections: [Section] = []
  /// The first symbol is the null symbol.
  private var symbols = [UInt8](repeating: 0, count: ELF.symbolSize)

  private mutating func name(_ text: String) -> Int {
    defer { names += Array(text.utf8) + [0] }
    return names.count
  }

  /// Adds a section and returns its number. Section 0 is the null section.
  @discardableResult
  mutating func add(
    _ name: String, _ type: UInt32, flags: UInt64, _ octets: [UInt8], alignment: Int, link: Int = 0, info: Int = 0,
    entrySize: Int = 0
  ) -> Int {
    sections.append(
      Section(
        name: self.name(name), type: type, flags: flags, octets: octets, link: UInt32(link), info: UInt32(info),
        alignment: alignment, entrySize: entrySize))
    return sections.count
  }

  mutating func addSymbol(_ name: String, isFunction: Bool, section: Int, size: Int) {
    let global: UInt8 = 1 << 4
    symbols.append(self.name(name), 4)
    symbols.append(contentsOf: [global | (isFunction ? 2 : 1), 0])
    symbols.append(section, 2)
    symbols.append(0, 8)
    symbols.append(size, 8)
  }

  mutating func file() -> [UInt8] {
    // The string table comes last; the symbol table refers to its number before it exists.
    add(
      ".symtab", ELF.symbolTable, flags: 0, symbols, alignment: 8, link: sections.count + 2, info: 1,
      entrySize: ELF.symbolSize)
    let own = name(".strtab")
    sections.append(
      Section(
        name: own, type: ELF.stringTable, flags: 0, octets: names, link: 0, info: 0, alignment: 1, entrySize: 0))
    var body: [UInt8] = []
    var headers = [UInt8](repeating: 0, count: ELF.sectionHeaderSize)
    for section in sections {
      while (ELF.headerSize + body.count) % section.alignment != 0 { body.append(0) }
      headers.append(section.name, 4)
      headers.append(Int(section.type), 4)
      headers.append(Int(section.flags), 8)
      headers.append(0, 8)
      headers.append(ELF.headerSize + body.count, 8)
      headers.append(section.octets.count, 8)
      headers.append(Int(section.link), 4)
      headers.append(Int(section.info), 4)
      headers.append(section.alignment, 8)
      headers.append(section.entrySize, 8)
      body += section.octets
    }
    while body.count % 8 != 0 { body.append(0) }
    return header(sectionHeaders: ELF.headerSize + body.count) + body + headers
  }

  private func header(sectionHeaders: Int) -> [UInt8] {
    var header = ELF.magic + [ELF.class64, ELF.littleEndian, 1] + [UInt8](repeating: 0, count: 9)
    header.append(Int(ELF.relocatable), 2)
    header.append(Int(ELF.machine), 2)
    header.append(1, 4)
    header.append(0, 8)
    header.append(0, 8)
    header.append(sectionHeaders, 8)
    header.append(0, 4)
    header.append(ELF.headerSize, 2)
    header.append(0, 2)
    header.append(0, 2)
    header.append(ELF.sectionHeaderSize, 2)
    header.append(sections.count + 1, 2)
    header.append(sections.count, 2)
    return header
  }
}

extension [UInt8] {
  /// Appends a number in this many bytes, the least significant first.
  fileprivate mutating func append(_ number: Int, _ size: Int) {
    for index in 0..<size { append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
  }
}
