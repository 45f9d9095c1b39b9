import Glibc
import PacketCore
import Synchronization

/// The file behind a writer's buffer: whole records go in, compressed where that is requested, and what a failed write leaves of a record
/// is taken back.
///
/// One thread uses it at a time; how many packets it holds may be asked by any.
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

  /// Packets that the file holds whole.
  var packetsWritten: UInt64 { written.load(ordering: .relaxed) }

  /// Octets in the file.
  var length: Int { file.length }

  /// True where the file has no name any more.
  var isRemoved: Bool { file.isRemoved }

  /// The file is a pipe or a socket.
  var hasReader: Bool { file.hasReader }

  /// True where it is a pipe or a socket whose reader has gone.
  var isAbandoned: Bool { file.isAbandoned }

  /// Appends whole records that hold so many packets; gives the `errno` where not all of them could be written.
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
    // A member that is cut holds nothing for sure.
    file.removeLast(outcome.written)
    return failure
  }

  /// Waits until the disk has everything, and gives the `errno` where it will not have it.
  func synchronize() -> CInt? { file.synchronize() }

  /// Closes the file, and gives the `errno` where that fails.
  func close() -> CInt? { file.close() }
}
