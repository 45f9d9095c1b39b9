import CPcap
import Glibc
public import PacketCore

/// A savefile that comes through a pipe, or is of a form that only libpcap knows, read by libpcap packet by packet.
@safe
public struct StreamReader: ~Copyable {
  /// The name of the file; `-` for standard input.
  public let path: String
  public let linkType: LinkType
  /// The snapshot length in octets.
  public let snaplen: UInt32
  /// True where the file was written in the other byte order than the host's.
  public let isByteSwapped: Bool
  /// Packets delivered so far.
  public private(set) var packetsRead: UInt64 = 0
  /// Classic pcap stores unsigned 32-bit seconds, which libpcap may have read as signed ones.
  private let isClassic: Bool
  private let handle: OpaquePointer

  /// Opens the file; `-` is standard input. Throws libpcap's words where that is not possible.
  public init(path: String) throws(CaptureError) {
    let file = unsafe path == "-" ? fdopen(STDIN_FILENO, "rb") : fopen(path, "rbe")
    guard let file = unsafe file else {
      throw CaptureError("\(path): \(unsafe String(cString: strerror(errno)))")
    }
    var errors = ErrorBuffer()
    let opened = unsafe errors.with { buffer in
      unsafe pcap_fopen_offline_with_tstamp_precision(file, UInt32(PCAP_TSTAMP_PRECISION_NANO), buffer)
    }
    guard let opened = unsafe opened else {
      unsafe fclose(file)
      throw CaptureError("\(path): Failed opening: \(errors.message)")
    }
    self.path = path
    unsafe handle = opened
    linkType = LinkType(rawValue: UInt32(bitPattern: unsafe pcap_datalink(opened)))
    snaplen = UInt32(bitPattern: unsafe pcap_snapshot(opened))
    isByteSwapped = unsafe pcap_is_swapped(opened) != 0
    isClassic = unsafe pcap_major_version(opened) == 2
  }

  deinit { unsafe pcap_close(handle) }

  /// The next packet, lent until the one after it is asked for; nil at the end of the file, and after a `StopSignal`.
  @_lifetime(&self)
  public mutating func next() throws(CaptureError) -> Packet? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    let status = unsafe pcap_next_ex(handle, &header, &data)
    guard status == 1, let record = unsafe header?.pointee else {
      if status == PCAP_ERROR_BREAK || StopSignal.isRaised { return nil }
      throw CaptureError("\(path): \(unsafe String(cString: pcap_geterr(handle)))")
    }
    packetsRead &+= 1
    let seconds = Int64(record.ts.tv_sec)
    let timestamp = Timestamp(
      seconds: isClassic ? Int64(UInt32(truncatingIfNeeded: seconds)) : seconds, nanoseconds: Int64(record.ts.tv_usec))
    // Safe: libpcap lends `caplen` octets at `data` until the next call.
    let octets = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: data, count: Int(record.caplen)))
    let packet = Packet(
      bytes: PacketBytes(octets, length: Int(record.len)), timestamp: timestamp, linkType: linkType)
    return unsafe _overrideLifetime(packet, mutating: &self)
  }
}
