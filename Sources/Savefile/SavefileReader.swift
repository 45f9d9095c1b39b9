public import PacketCore

/// A pcap or pcapng file, mapped into memory and read packet by packet without copying or allocating anything.
///
/// Packets are lent until the next one is asked for. Pipes, devices and formats that begin with another magic number are
/// refused with the kinds `.notRegular` and `.unknownFormat`.
public struct SavefileReader: ~Copyable {
  private let file: MappedFile
  private var pcap: PcapReader?
  private var pcapng: PcapNGReader?
  /// Packets delivered so far.
  public private(set) var packetsRead: UInt64 = 0

  /// Opens the file at `path` and reads its header. Throws where that is not possible or the header is not understood.
  public init(path: String) throws(SavefileError) {
    let file = try MappedFile(path: path)
    do throws(SavefileError) {
      guard let magic = file.u32(at: 0) else {
        throw SavefileError(
          path: path, kind: .truncated, message: "not a savefile: \(file.count) octets are too few for a magic number")
      }
      if PcapReader.recognizes(magic) {
        pcap = try PcapReader(file)
        pcapng = nil
      } else if PcapNGReader.recognizes(magic) {
        pcap = nil
        pcapng = try PcapNGReader(file)
      } else {
        throw SavefileError(
          path: path, kind: .unknownFormat,
          message: "not a savefile: unknown magic number 0x\(String(UInt32(bigEndian: magic), radix: 16))")
      }
    } catch {
      throw SavefileError(path: path, kind: error.kind, message: "Failed opening: " + error.message)
    }
    self.file = file
  }

  /// The link type of the file, or of its first interface.
  public var linkType: LinkType { pcap?.linkType ?? pcapng?.first.linkType ?? .null }

  /// The snapshot length of the file, or of its first interface, in octets.
  public var snaplen: UInt32 { pcap?.snaplen ?? pcapng?.first.snaplen ?? 0 }

  /// True where the file was written in the other byte order than the host's.
  public var isByteSwapped: Bool { pcap?.isByteSwapped ?? pcapng?.isByteSwapped ?? false }

  /// The unit in which the file keeps the fraction of its timestamps.
  public var precision: TimestampPrecision { pcap?.precision ?? pcapng?.first.resolution.precision ?? .microseconds }

  /// Octets of the file.
  public var size: Int { file.count }

  /// Octets of it that have been passed.
  public var octetsRead: Int { pcap?.offset ?? pcapng?.offset ?? 0 }

  /// The next packet; nil at the end of the file.
  ///
  /// Throws where the file is cut within a packet, contradicts itself or has shrunk since it was opened; all packets before
  /// that point have been delivered then.
  @_lifetime(&self)
  public mutating func next() throws(SavefileError) -> Packet? {
    let record: PacketRecord?
    do throws(SavefileError) {
      record = pcap != nil ? try pcap?.next(in: file) : try pcapng?.next(in: file)
    } catch {
      let packets = packetsRead == 1 ? "1 whole packet" : "\(packetsRead) whole packets"
      throw SavefileError(path: error.path, kind: error.kind, message: "\(error.message), after \(packets)")
    }
    if file.shrank {
      throw SavefileError(
        path: file.path, kind: .truncated,
        message: "the file became shorter while it was read: do not trust packet \(packetsRead) and those near it")
    }
    guard let record else { return nil }
    packetsRead &+= 1
    // Safe: the octets lie within the mapping, which lives as long as self.
    let octets = unsafe RawSpan(_unsafeBytes: file.octets(at: record.offset, length: record.caplen))
    // Safe: these as well.
    let options = unsafe RawSpan(_unsafeBytes: file.octets(at: record.optionsOffset, length: record.optionsLength))
    let packet = Packet(
      bytes: PacketBytes(octets, length: Int(record.len)), timestamp: record.timestamp, linkType: record.linkType,
      interface: record.interface, options: PacketOptions(options, isByteSwapped: record.isByteSwapped))
    return unsafe _overrideLifetime(packet, mutating: &self)
  }

  // MARK: Others who walk

  /// How the records of the file follow each other; nil where they do not as in a pcap file of today.
  public var recordLayout: RecordLayout? { pcap?.layout }

  /// Lends the file's octets and the place of the next record to `body`, which may move it behind records that it passes over.
  /// Nil, and nothing is moved, where `recordLayout` is nil, where the place is no place behind, or where the file has become
  /// shorter: next() says what is wrong then.
  public mutating func walk<Result>(_ body: (RawSpan, inout RecordPosition) -> Result) -> Result? {
    guard recordLayout != nil, let start = pcap?.position(packets: packetsRead) else { return nil }
    var position = start
    // Safe: the octets are the mapping, which lives as long as self.
    let octets = unsafe RawSpan(_unsafeBytes: file.octets(at: 0, length: file.count))
    let result = body(octets, &position)
    guard !file.shrank, position.offset >= start.offset, position.offset <= file.count else { return nil }
    pcap?.move(to: position)
    packetsRead = position.packets
    return result
  }
}
