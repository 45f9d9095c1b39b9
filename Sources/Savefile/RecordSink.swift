import Glibc
import PacketCore
import Synchronization

/// The file that a writer's buffer is flushed to: it gets whole records, compressed if requested, and the incomplete record after a failed
/// write is removed again.
///
/// Only one thread uses it at a time, except that any thread may read the number of packets.
final class RecordSink: @unchecked Sendable {
  private var file: OutputFile
  private var compressor: Compressor?
  private let format: SavefileFormat
  private let written = Atomic<UInt64>(0)

  /// Opens the file as `OutputFile.create` does, and writes `header`.
  init(
    _ place: OutputPlace, name: String, _ settings: SavefileWriter.Settings, header: RawSpan
  ) throws(SavefileError) {
    var compressor = Compressor(settings.compression)
    if compressor == nil, settings.compression != .none {
      throw SavefileError(path: name, errno: ENOMEM, prefix: "\(settings.compression.rawValue): ")
    }
    file = try Self.open(place, name, header, &compressor)
    self.compressor = compressor
    format = settings.format
  }

  private static func open(
    _ place: OutputPlace, _ name: String, _ header: RawSpan, _ compressor: inout Compressor?
  ) throws(SavefileError) -> OutputFile {
    guard let member = compressor?.member(header) else {
      return try OutputFile.create(place, title: name, header: header)
    }
    return try OutputFile.create(place, title: name, header: member)
  }

  /// The number of complete packets in the file.
  var packetsWritten: UInt64 { written.load(ordering: .relaxed) }

  /// The number of bytes in the file.
  var length: Int { file.length }

  /// True if the file has been deleted.
  var isRemoved: Bool { file.isRemoved }

  /// The file is a pipe or a socket.
  var hasReader: Bool { file.hasReader }

  /// True for a pipe or a socket whose reader has left.
  var isAbandoned: Bool { file.isAbandoned }

  /// Appends whole records with `packets` packets; returns the `errno` if not all of them could be written.
  func put(_ octets: RawSpan, _ packets: UInt64) -> CInt? {
    guard var packer = compressor.take() else {
      let (count, failure) = file.append(octets)
      guard let failure else {
        written.wrappingAdd(packets, ordering: .relaxed)
        return nil
      }
      let whole = format.wholePackets(in: octets, within: count)
      file.removeLast(count - whole.octets)
      written.wrappingAdd(whole.packets, ordering: .relaxed)
      return failure
    }
    var outcome: (written: Int, failure: CInt?) = (0, ENOMEM)
    if let member = packer.member(octets) { outcome = file.append(member) }
    compressor = consume packer
    guard let failure = outcome.failure else {
      written.wrappingAdd(packets, ordering: .relaxed)
      return nil
    }
    // The data in a truncated member cannot be relied on.
    file.removeLast(outcome.written)
    return failure
  }

  /// Waits until everything is on the disk, and returns the `errno` of a failure.
  func synchronize() -> CInt? { file.synchronize() }

  /// Closes the file, and returns the `errno` of a failure.
  func close() -> CInt? { file.close() }
}
