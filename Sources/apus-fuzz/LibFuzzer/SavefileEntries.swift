import PacketCore
import Savefile
import TestSupport

/// A file that is read mapped, through a pipe and with recovery: `SavefileMutants` checks what must hold.
class SavefileEntry: FuzzEntry {
  required init() {}

  func take(_ input: [UInt8]) { check(input) }

  final func check(_ octets: [UInt8]) {
    var mutants = SavefileMutants(seed: 1, isAnything: true)
    mutants.check(octets, "input")
    if let first = mutants.faults.first { fault(first) }
  }
}

/// A pcap file; an unknown magic number is replaced by a valid one.
final class PcapEntry: SavefileEntry {
  /// Both byte orders and units, and variants written by other systems.
  private static let magics: [[UInt8]] = [
    [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d],
    [0x34, 0xcd, 0xb2, 0xa1], [0xa1, 0xb2, 0xcd, 0x34],
  ]

  override func take(_ input: [UInt8]) {
    let magic = Array(input.prefix(4))
    guard magic.count == 4, !Self.magics.contains(magic) else { return check(input) }
    check(Self.magics[Int(magic[0]) % Self.magics.count] + input.dropFirst(4))
  }
}

/// A pcapng file; the block type and the byte-order magic of its first section are corrected.
final class PcapNGEntry: SavefileEntry {
  override func take(_ input: [UInt8]) {
    guard input.count >= 12 else { return check(input) }
    let order: [UInt8] = input[8] & 1 == 0 ? [0x1a, 0x2b, 0x3c, 0x4d] : [0x4d, 0x3c, 0x2b, 0x1a]
    check([0x0a, 0x0d, 0x0d, 0x0a] + input[4..<8] + order + input[12...])
  }
}

/// A pcapng file of blocks of every type: interfaces, names, secrets, statistics and others. It is read, and copied twice.
final class BlocksEntry: SavefileEntry {
  override func take(_ input: [UInt8]) {
    let octets = BlockFile.octets(from: input)
    check(octets)
    if let first = BlockFile.checkCopies(octets) { fault(first) }
  }
}

/// A compressed file: its contents must be the same when read in large pieces as in small ones; they are then read as a savefile.
class CompressedEntry: SavefileEntry {
  /// The maximum number of bytes to decompress from an input.
  private static let mostProduced = 1 << 20

  /// The bytes with which the file must begin.
  class var magic: [UInt8] { [] }

  override final func take(_ input: [UInt8]) {
    let octets = Compression(magic: input) == nil ? Self.magic + input.dropFirst(Self.magic.count) : input
    guard let compression = Compression(magic: octets) else { return }
    let whole = Self.contents(octets, compression, input: 1 << 16, output: 1 << 16)
    let pieces = Self.contents(octets, compression, input: 1 + octets.count % 7, output: 1 + octets.count % 31)
    // A fault ends both, but not always after the same byte.
    let common = min(whole.octets.count, pieces.octets.count)
    if whole.octets.prefix(common) != pieces.octets.prefix(common) { fault("other contents in small pieces") }
    if !whole.isFaulty, !pieces.isFaulty, whole.octets.count != pieces.octets.count {
      fault("\(whole.octets.count) octets, in small pieces \(pieces.octets.count)")
    }
    check(octets)
  }

  private static func contents(
    _ octets: [UInt8], _ compression: Compression, input: Int, output: Int
  ) -> (octets: [UInt8], isFaulty: Bool) {
    let decompressor = compression.decompressor()
    var contents: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: output)
    var place = 0
    var hasMore = false
    let most = output < 64 ? 1 << 14 : mostProduced
    while contents.count < most, place < octets.count || hasMore {
      let part = Array(octets[place..<min(octets.count, place + input)])
      // Safe: both arrays outlive the call.
      let result = unsafe part.withUnsafeBytes { source in
        unsafe buffer.withUnsafeMutableBytes { target in
          Result { () throws(DecompressionError) in try unsafe decompressor.run(source, target) }
        }
      }
      switch result {
      case .success(let moved):
        guard moved.consumed <= part.count, moved.produced <= output else { fault("more than there is: \(moved)") }
        place += moved.consumed
        contents += buffer.prefix(moved.produced)
        hasMore = moved.produced == output
        if moved == (0, 0), place < octets.count || hasMore { return (contents, true) }
      case .failure(let error):
        checkText(error.message)
        return (contents, true)
      }
    }
    return (contents, contents.count >= most)
  }
}

/// RFC 1952.
final class GzipEntry: CompressedEntry {
  override class var magic: [UInt8] { [0x1f, 0x8b, 0x08, 0x00] }
}

/// RFC 8878.
final class ZstdEntry: CompressedEntry {
  override class var magic: [UInt8] { [0x28, 0xb5, 0x2f, 0xfd] }
}

/// The LZ4 frame format.
final class LZ4Entry: CompressedEntry {
  override class var magic: [UInt8] { [0x04, 0x22, 0x4d, 0x18] }
}
