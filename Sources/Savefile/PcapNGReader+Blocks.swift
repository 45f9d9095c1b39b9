import Glibc
import PacketCore

/// The bytes of a block, whose numbers are converted to the host's byte order.
struct ByteSwapper {
  private(set) var octets: [UInt8]
  /// The bytes are in the other byte order.
  let isNeeded: Bool

  init(_ octets: [UInt8], isNeeded: Bool) {
    self.octets = octets
    self.isNeeded = isNeeded
  }

  /// Swaps a number of `width` bytes, if it is within the block.
  mutating func swap(at offset: Int, _ width: Int) {
    guard isNeeded, offset >= 0, width <= octets.count - offset else { return }
    octets[offset..<offset + width].reverse()
  }

  /// Two bytes as a number; they are already in the host's byte order.
  private func u16(_ offset: Int) -> Int {
    let (first, second) = (Int(octets[offset]), Int(octets[offset + 1]))
    return UInt16(littleEndian: 1) == 1 ? second << 8 | first : first << 8 | second
  }

  /// Swaps the numbers of entries from `offset` on, each consisting of a code, a length and a value padded to a multiple of four bytes, up
  /// to one with code 0, and returns the offset after it. `numbers` returns the widths of the numbers at the start of a value. Nil if an
  /// entry does not fit.
  mutating func swapEntries(from offset: Int, _ numbers: (_ code: Int, _ length: Int) -> [Int]) -> Int? {
    var position = offset
    // Every turn advances by at least four bytes.
    while position < octets.count {
      guard octets.count - position >= 4 else { return nil }
      swap(at: position, 2)
      swap(at: position + 2, 2)
      let (code, length) = (u16(position), u16(position + 2))
      position += 4
      if code == 0 { return position }
      guard length <= octets.count - position else { return nil }
      var place = position
      for width in numbers(code, length) {
        swap(at: place, width)
        place += width
      }
      position += (length + 3) & ~3
    }
    return position
  }

  /// The same for options of a block whose own ones have no numbers: only custom options begin with one.
  mutating func swapOptions(from offset: Int) -> Int? { swapEntries(from: offset, Self.customNumbers) }

  /// Widths of the numbers in options that every block may have.
  static func customNumbers(_ code: Int, _ length: Int) -> [Int] {
    switch code {
    case 2988, 2989, 19372, 19373: length >= 4 ? [4] : []
    default: []
    }
  }
}

extension SectionDescription {
  /// A Name Resolution Block without names that has the texts as comments: a file of one section has no other place for the description of
  /// a later section.
  var asComments: SourceBlock {
    var texts = comments
    if let hardware { texts.append("hardware: \(hardware)") }
    if let system { texts.append("operating system: \(system)") }
    var body: [UInt8] = [0, 0, 0, 0]
    func append(_ number: UInt16) { unsafe withUnsafeBytes(of: number) { unsafe body.append(contentsOf: $0) } }
    for text in texts {
      let octets = Array(text.utf8.prefix(0xffff))
      append(1)
      append(UInt16(octets.count))
      body += octets + [UInt8](repeating: 0, count: -octets.count & 3)
    }
    return SourceBlock(.names, body + [0, 0, 0, 0])
  }
}

extension PcapNGReader {
  private enum SectionOption {
    static let comment = 1
    static let hardware = 2
    static let system = 3
    static let application = 4
  }

  /// Reads the options of a Section Header Block, which follow its first 16 bytes: for the first section into the table, for later ones
  /// into a block.
  mutating func readSection(_ block: Block, _ file: FileWindow) {
    guard table.keepsBlocks, block.length > 16, isNew(block) else { return }
    // Safe: the bytes are copied while the window is valid.
    var swapper = unsafe ByteSwapper(
      Array(file.octets(at: block.body + 16, length: block.length - 16)), isNeeded: isByteSwapped)
    // Options after one that does not fit are ignored.
    _ = swapper.swapOptions(from: 0)
    var section = SectionDescription()
    // Safe: the array outlives the view of it.
    unsafe swapper.octets.withUnsafeBytes { octets in
      PacketOptions(unsafe RawSpan(_unsafeBytes: octets), isByteSwapped: false).forEach { code, value in
        guard value.byteCount > 0, store.takeRoom(value.byteCount) else { return }
        let value = unsafe value.withUnsafeBytes { unsafe Array($0) }
        switch Int(code) {
        case SectionOption.comment: section.comments.append(String(decoding: value, as: UTF8.self))
        case SectionOption.hardware: section.hardware = section.hardware ?? String(decoding: value, as: UTF8.self)
        case SectionOption.system: section.system = section.system ?? String(decoding: value, as: UTF8.self)
        case SectionOption.application: break
        default: section.options.append(BlockOption(code: code, value: value))
        }
      }
    }
    if block.start == 0 {
      table.section = section
    } else if !section.comments.isEmpty || section.hardware != nil || section.system != nil {
      table.append(section.asComments)
    }
  }

  /// False if a walk that looked ahead has read the block already.
  private func isNew(_ block: Block) -> Bool {
    guard block.start > store.lastBlock else { return false }
    store.lastBlock = block.start
    return true
  }

  /// Keeps a block for a copy, if it has to be copied.
  mutating func keep(_ block: Block, _ file: FileWindow) {
    guard isNew(block) else { return }
    guard Self.hasMemory(4 * block.length) else {
      table.losses.blocks += 1
      return
    }
    // Safe: the bytes are copied while the window is valid.
    var swapper = unsafe ByteSwapper(Array(file.octets(at: block.body, length: block.length)), isNeeded: isByteSwapped)
    let kind: SourceBlock.Kind
    var isWhole = true
    switch block.type {
    case BlockType.nameResolution:
      //      0  records: type, length, value; the last one has type 0
      //      …  options
      kind = .names
      let options = swapper.swapEntries(from: 0) { _, _ in [] }
      isWhole = options.flatMap { swapper.swapOptions(from: $0) } != nil
    case BlockType.decryptionSecrets:
      //      0  type
      //      4  length of the secrets
      //      8  secrets, options
      kind = .secrets
      swapper.swap(at: 0, 4)
      swapper.swap(at: 4, 4)
      let length = swapper.u32(at: 4).map(Int.init)
      isWhole =
        length.flatMap { length in
          length <= block.length - 8 ? swapper.swapOptions(from: 8 + (length + 3) & ~3) : nil
        } != nil
    case BlockType.interfaceStatistics:
      //      0  interface
      //      4  timestamp, high and low
      //     12  options
      guard block.length >= 12, let number = file.u32(at: block.body), Int(host(number)) < interfaces.count else {
        table.losses.blocks += 1
        return
      }
      kind = .statistics(interface: interfacesBefore + Int(host(number)))
      swapper.swap(at: 4, 4)
      swapper.swap(at: 8, 4)
      isWhole =
        swapper.swapEntries(from: 12) { code, length in
          switch (code, length) {
          // Start and end time are two words of a timestamp; the others are counts.
          case (2...3, 8): [4, 4]
          case (4...8, 8): [8]
          default: ByteSwapper.customNumbers(code, length)
          }
        } != nil
      return keep(SourceBlock(kind, Array(swapper.octets.dropFirst(4))), isWhole)
    case BlockType.journalExport: kind = .journal
    case BlockType.custom:
      kind = .custom
      swapper.swap(at: 0, 4)
    case BlockType.customNotToCopy:
      table.losses.unwantedBlocks += 1
      return
    default:
      table.losses.unknownBlocks += 1
      return
    }
    keep(SourceBlock(kind, swapper.octets), isWhole)
  }

  /// True if the system still has that much memory: arrays end the process if it has not. Small sizes are not checked.
  private static func hasMemory(_ count: Int) -> Bool {
    guard count > 1 << 20 else { return true }
    let memory = unsafe malloc(count)
    defer { unsafe free(memory) }
    return unsafe memory != nil
  }

  /// A malformed block is copied unchanged, unless its numbers would have to be swapped and cannot be found.
  private func keep(_ block: SourceBlock, _ isWhole: Bool) {
    if isWhole || !isByteSwapped { table.append(block) } else { table.losses.blocks += 1 }
  }
}

extension ByteSwapper {
  /// Four bytes as a number; they are already in the host's byte order.
  fileprivate func u32(at offset: Int) -> UInt32? {
    guard octets.count - offset >= 4 else { return nil }
    // Safe: the guard proved that four bytes exist.
    return unsafe octets.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
  }
}
