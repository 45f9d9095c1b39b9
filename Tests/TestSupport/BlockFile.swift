import CLinux
import Glibc
import PacketCore
import Savefile

/// pcapng files of every block type, made from arbitrary bytes. The block lengths are correct, so that readers reach the contents of the
/// blocks.
public enum BlockFile {
  /// The bytes of the input in order; zeros after its end.
  private struct Input {
    var rest: ArraySlice<UInt8>

    mutating func u8() -> UInt8 { rest.popFirst() ?? 0 }
    mutating func take(_ count: Int) -> [UInt8] {
      let octets = Array(rest.prefix(count))
      rest = rest.dropFirst(octets.count)
      return octets
    }
  }

  /// The file or block being built, in one byte order.
  private struct Body {
    let isBigEndian: Bool
    var octets: [UInt8] = []

    mutating func add(_ value: some FixedWidthInteger) {
      let ordered = isBigEndian ? value.bigEndian : value.littleEndian
      unsafe withUnsafeBytes(of: ordered) { unsafe octets.append(contentsOf: $0) }
    }
    mutating func pad() { while octets.count % 4 != 0 { octets.append(0) } }

    /// Adds up to seven options; the input decides the code, length and value of each.
    mutating func addOptions(_ input: inout Input) {
      for _ in 0..<Int(input.u8() % 8) {
        let selector = input.u8()
        let code = selector < 240 ? UInt16(selector % 20) : [2988, 2989, 19372, 19373][Int(selector % 4)]
        // Options with a fixed length usually get that length.
        let length = [8: 8, 9: 1, 10: 4, 13: 1, 14: 8][Int(code)].flatMap { selector & 0x80 == 0 ? $0 : nil }
        let value = input.take(length ?? Int(input.u8() % 40))
        add(code)
        add(UInt16(value.count))
        octets += value
        pad()
      }
    }
  }

  /// A file that begins with a section and an interface.
  public static func octets(from octets: [UInt8]) -> [UInt8] {
    var input = Input(rest: octets[...])
    var isBigEndian = input.u8() & 1 != 0
    var interfaces: UInt32 = 0
    var file: [UInt8] = []
    func append(_ type: UInt32, _ body: Body) {
      var block = Body(isBigEndian: body.isBigEndian)
      let padding = [UInt8](repeating: 0, count: -body.octets.count & 3)
      let length = UInt32(body.octets.count + padding.count + 12)
      block.add(type)
      block.add(length)
      block.octets += body.octets + padding
      block.add(length)
      file += block.octets
    }
    func section() {
      var body = Body(isBigEndian: isBigEndian)
      body.add(0x1a2b_3c4d as UInt32)
      body.add(1 as UInt16)
      body.add(0 as UInt16)
      body.add(UInt64.max)
      body.addOptions(&input)
      append(0x0a0d_0d0a, body)
      interfaces = 0
    }
    func interface() {
      var body = Body(isBigEndian: isBigEndian)
      body.add([1, 101, 0, 113][Int(input.u8() % 4)] as UInt16)
      body.add(0 as UInt16)
      body.add([0, 16, 262_144][Int(input.u8() % 3)] as UInt32)
      body.addOptions(&input)
      append(1, body)
      interfaces += 1
    }
    section()
    interface()
    while !input.rest.isEmpty {
      var body = Body(isBigEndian: isBigEndian)
      let selector = input.u8()
      switch selector % 12 {
      case 0:
        isBigEndian = selector & 0x40 != 0
        section()
        interface()
      case 1, 2: interface()
      case 3, 4, 5:
        let data = input.take(Int(input.u8() % 64))
        body.add(UInt32(input.u8()) % max(interfaces, 1))
        for octet in input.take(8) { body.octets.append(octet) }
        while body.octets.count < 12 { body.octets.append(0) }
        body.add(UInt32(data.count))
        body.add(UInt32(data.count))
        body.octets += data
        body.pad()
        body.addOptions(&input)
        append(6, body)
      case 6:
        let data = input.take(Int(input.u8() % 64))
        body.add(UInt32(data.count))
        body.octets += data
        append(3, body)
      case 7:
        for _ in 0..<Int(input.u8() % 4) {
          let value = input.take(Int(input.u8() % 24))
          body.add(UInt16(1 + input.u8() % 2))
          body.add(UInt16(value.count))
          body.octets += value
          body.pad()
        }
        body.add(0 as UInt32)
        body.addOptions(&input)
        append(4, body)
      case 8:
        let data = input.take(Int(input.u8() % 64))
        body.add(0x544c_534b as UInt32)
        // The stated length may be wrong.
        body.add(UInt32(selector & 0x80 == 0 ? data.count : Int(input.u8())))
        body.octets += data
        body.pad()
        body.addOptions(&input)
        append(10, body)
      case 9:
        body.add(UInt32(input.u8()) % (interfaces + 1))
        body.octets += input.take(8)
        while body.octets.count < 12 { body.octets.append(0) }
        body.addOptions(&input)
        append(5, body)
      default:
        // Blocks of any other type, with arbitrary contents.
        body.octets = input.take(Int(input.u8() % 64))
        append([0xbad, 0x4000_0bad, 9, 4, 5, 10, 0x8000_0001, 2][Int(input.u8() % 8)], body)
      }
    }
    return file
  }

  // MARK: Copies

  /// The parts of a packet that a copy must keep; `timestamp` is nil where the packet has none.
  private struct Kept: Equatable {
    var octets: [UInt8]
    var len: Int
    var linkType: LinkType
    var timestamp: Timestamp?
  }

  /// Copies the file, then copies the copy: both must have the same packets, and the two copies must be identical byte for byte. Returns
  /// the first fault; nil if there is none.
  public static func checkCopies(_ octets: [UInt8]) -> String? {
    let first = copy(octets)
    guard let first else { return nil }
    let second = copy(first.file)
    guard let second else { return "the copy cannot be opened" }
    if let fault = second.fault { return "the copy: \(fault)" }
    guard first.packets.count == second.packets.count else {
      return "\(first.packets.count) packets, the copy has \(second.packets.count)"
    }
    for (number, (one, other)) in zip(first.packets, second.packets).enumerated() {
      var other = other
      if one.timestamp == nil { other.timestamp = nil }
      if one != other { return "packet \(number): \(one), in the copy \(other)" }
    }
    return first.file == second.file ? nil : "the copy of a copy is another one"
  }

  /// The copy of a file, the packets as they were read, and the error that ended the reading; nil if the file cannot be opened.
  private static func copy(_ octets: [UInt8]) -> (file: [UInt8], packets: [Kept], fault: String?)? {
    guard let source = MemoryFile(octets), let target = MemoryFile([]) else { return nil }
    var packets: [Kept] = []
    var fault: String?
    do throws(SavefileError) {
      var reader = try SavefileReader(path: source.path, ReadingOptions(keepsBlocks: true))
      var writer = try SavefileWriter(
        path: target.path, SavefileWriter.Settings(.pcapng),
        CaptureDescription(InterfaceDescription(linkType: reader.linkType, snaplen: reader.snaplen)),
        interfaces: reader.interfaces)
      do throws(SavefileError) {
        while let packet = try reader.next() {
          packets.append(
            Kept(
              octets: unsafe packet.bytes.rawSpan.withUnsafeBytes { unsafe Array($0) }, len: packet.len,
              linkType: packet.linkType, timestamp: packet.hasTime ? packet.timestamp : nil))
          try writer.write(packet)
        }
      } catch {
        fault = error.message
      }
      do throws(SavefileError) { try writer.close() } catch {
        // The writer reports a file without a name as removed.
        if error.kind != .system(ENOENT) { fault = fault ?? error.message }
      }
    } catch {
      return nil
    }
    return target.octets.map { ($0, packets, fault) }
  }

  /// A file without a name.
  private struct MemoryFile: ~Copyable {
    private let descriptor: CInt
    var path: String { "/proc/self/fd/\(descriptor)" }

    init?(_ octets: [UInt8]) {
      // Safe: the name is copied by the call.
      descriptor = unsafe "apus-blocks".withCString { name in
        CInt(truncatingIfNeeded: linux_call(Int(__NR_memfd_create), UInt(bitPattern: name), 0, 0, 0, 0))
      }
      guard descriptor >= 0 else { return nil }
      // Safe: the array outlives the call.
      _ = unsafe octets.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The contents of the file; nil if they cannot be read.
    var octets: [UInt8]? {
      let size = Int(lseek(descriptor, 0, SEEK_END))
      guard size >= 0 else { return nil }
      var isWhole = false
      let octets = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        // Safe: pread(2) fills at most the buffer's capacity.
        count = unsafe max(0, pread(descriptor, buffer.baseAddress, size, 0))
        isWhole = count == size
      }
      return isWhole ? octets : nil
    }
  }
}
