import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// Builds a sequence of bytes in one byte order.
struct Octets {
  var isBigEndian = false
  var bytes: [UInt8] = []

  mutating func u16(_ value: UInt16) { append(isBigEndian ? value.bigEndian : value.littleEndian) }
  mutating func u32(_ value: UInt32) { append(isBigEndian ? value.bigEndian : value.littleEndian) }
  mutating func u64(_ value: UInt64) { append(isBigEndian ? value.bigEndian : value.littleEndian) }
  mutating func pad() { while bytes.count % 4 != 0 { bytes.append(0) } }
  private mutating func append(_ value: some FixedWidthInteger) {
    unsafe bytes += withUnsafeBytes(of: value) { unsafe Array($0) }
  }
}

/// A pcap file that a test builds.
struct PcapFile {
  var octets: Octets

  init(
    bigEndian: Bool = false, magic: UInt32 = 0xa1b2_c3d4, version: (UInt16, UInt16) = (2, 4), snaplen: UInt32 = 262_144,
    linkType: UInt32 = 1
  ) {
    octets = Octets(isBigEndian: bigEndian)
    octets.u32(magic)
    octets.u16(version.0)
    octets.u16(version.1)
    octets.u64(0)
    octets.u32(snaplen)
    octets.u32(linkType)
  }

  /// Adds a record. `words` are the third and fourth words of its header; if nil, both are the length of `packet`.
  mutating func add(_ packet: [UInt8], seconds: UInt32 = 1, fraction: UInt32 = 5, words: (UInt32, UInt32)? = nil) {
    octets.u32(seconds)
    octets.u32(fraction)
    octets.u32(words?.0 ?? UInt32(packet.count))
    octets.u32(words?.1 ?? UInt32(packet.count))
    octets.bytes += packet
  }

  func adding(_ packet: [UInt8], seconds: UInt32 = 1, fraction: UInt32 = 5, words: (UInt32, UInt32)? = nil) -> PcapFile
  {
    var file = self
    file.add(packet, seconds: seconds, fraction: fraction, words: words)
    return file
  }
}

/// A pcapng file that a test builds, block by block.
struct PcapNGFile {
  var octets: Octets

  init(bigEndian: Bool = false) { octets = Octets(isBigEndian: bigEndian) }

  func block(_ type: UInt32, trailer: UInt32? = nil, _ body: (inout Octets) -> Void) -> PcapNGFile {
    var inner = Octets(isBigEndian: octets.isBigEndian)
    body(&inner)
    inner.pad()
    var file = self
    let length = UInt32(inner.bytes.count + 12)
    file.octets.u32(type)
    file.octets.u32(length)
    file.octets.bytes += inner.bytes
    file.octets.u32(trailer ?? length)
    return file
  }

  /// A Section Header Block; `bigEndian` changes the byte order from here on.
  func section(bigEndian: Bool? = nil, version: (UInt16, UInt16) = (1, 0)) -> PcapNGFile {
    var file = self
    file.octets.isBigEndian = bigEndian ?? octets.isBigEndian
    return file.block(0x0a0d_0d0a) { body in
      body.u32(0x1a2b_3c4d)
      body.u16(version.0)
      body.u16(version.1)
      body.u64(.max)
    }
  }

  /// An Interface Description Block with options (code and value).
  func interface(linkType: UInt16 = 1, snaplen: UInt32 = 262_144, options: [(UInt16, [UInt8])] = []) -> PcapNGFile {
    block(1) { body in
      body.u16(linkType)
      body.u16(0)
      body.u32(snaplen)
      for (code, value) in options {
        body.u16(code)
        body.u16(UInt16(value.count))
        body.bytes += value
        body.pad()
      }
    }
  }

  func enhanced(_ packet: [UInt8], interface: UInt32 = 0, ticks: UInt64 = 1_000_005, caplen: UInt32? = nil)
    -> PcapNGFile
  {
    block(6) { body in
      body.u32(interface)
      body.u32(UInt32(ticks >> 32))
      body.u32(UInt32(truncatingIfNeeded: ticks))
      body.u32(caplen ?? UInt32(packet.count))
      body.u32(UInt32(packet.count))
      body.bytes += packet
    }
  }

  func simple(_ packet: [UInt8], len: UInt32? = nil) -> PcapNGFile {
    block(3) { body in
      body.u32(len ?? UInt32(packet.count))
      body.bytes += packet
    }
  }

  func obsolete(_ packet: [UInt8], interface: UInt16 = 0, ticks: UInt64 = 1_000_005) -> PcapNGFile {
    block(2) { body in
      body.u16(interface)
      body.u16(7)
      body.u32(UInt32(ticks >> 32))
      body.u32(UInt32(truncatingIfNeeded: ticks))
      body.u32(UInt32(packet.count))
      body.u32(UInt32(packet.count))
      body.bytes += packet
    }
  }
}

/// A packet copied out of a reader.
struct CopiedPacket: Equatable {
  var octets: [UInt8]
  var len: Int
  var seconds: Int64 = 1
  var nanoseconds: Int64 = 5000
  var linkType: LinkType = .ethernet
  var interface = 0
}

/// The result of reading a savefile: the packets, and the error that ended it.
struct Reading {
  var packets: [CopiedPacket] = []
  var failure: SavefileError?
  var linkType: LinkType?
  var snaplen: UInt32?
  var isByteSwapped: Bool?

  /// Writes `bytes` to a file, reads it to its end and removes it.
  init(_ bytes: [UInt8]) throws {
    let path = try temporaryFile(bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    do throws(SavefileError) {
      var reader = try SavefileReader(path: path)
      linkType = reader.linkType
      snaplen = reader.snaplen
      isByteSwapped = reader.isByteSwapped
      while let packet = try reader.next() { packets.append(copy(packet)) }
    } catch {
      failure = error
    }
  }
}

/// A packet that outlives its source.
func copy(_ packet: borrowing Packet) -> CopiedPacket {
  CopiedPacket(
    octets: unsafe packet.bytes.rawSpan.withUnsafeBytes { unsafe Array($0) }, len: packet.len,
    seconds: packet.timestamp.seconds, nanoseconds: packet.timestamp.nanoseconds, linkType: packet.linkType,
    interface: packet.interface)
}

/// The next packet, copied.
func nextCopy(_ reader: inout SavefileReader) throws -> CopiedPacket? {
  guard let packet = try reader.next() else { return nil }
  return copy(packet)
}

/// The path of a new file that holds `bytes`.
func temporaryFile(_ bytes: [UInt8] = []) throws -> String {
  let file = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
  try Data(bytes).write(to: file)
  return file.path
}
