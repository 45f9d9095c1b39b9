import Capture
import Glibc
import PacketCore
import Savefile

/// The message window of a capture in Wireshark.
///
/// A message on a control pipe, according to Wireshark's Developer's Guide ("Extcap: messages"):
///
///      0        1                3         4         5
///     +--------+----------------+---------+---------+----------
///     | 'T'    | octets from 4  | control | command | text …
///     +--------+----------------+---------+---------+----------
///               most significant octet first, 3 octets
enum ExtcapLog {
  /// The number of the control that opens the window.
  static let control: UInt8 = 0
  /// The command that adds an entry.
  private static let add: UInt8 = 2
  /// Bytes of text in a message, so that the kernel writes the message completely or not at all (PIPE_BUF).
  private static let longest = 4000

  /// Adds text to the log. If the pipe is full because nobody reads it, the text is dropped: packets matter more.
  static func write(_ text: RawSpan, to descriptor: CInt) {
    var rest = text
    while !rest.isEmpty {
      let length = min(rest.byteCount, longest)
      let message = message(rest.extracting(first: length))
      _ = unsafe message.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      rest = rest.extracting(droppingFirst: length)
    }
  }

  /// The message that adds text of at most 65 533 bytes.
  static func message(_ text: RawSpan) -> [UInt8] {
    let length = text.byteCount + 2
    var octets: [UInt8] = [
      UInt8(ascii: "T"), UInt8(truncatingIfNeeded: length >> 16), UInt8(truncatingIfNeeded: length >> 8),
      UInt8(truncatingIfNeeded: length), control, add,
    ]
    // Safe: the bytes are copied while they are valid.
    unsafe text.withUnsafeBytes { unsafe octets.append(contentsOf: $0) }
    return octets
  }
}

extension ExtcapCapture {
  /// Opens the pipes, and sends notes to the log: Wireshark treats anything on standard error as a failure.
  ///
  /// Wireshark waits until all pipes are open. Throws if one is missing.
  func begin() throws(CommandError) {
    if let controlIn {
      // The pipe stays open to the end, so that Wireshark can write; its few bytes fit in the pipe.
      _ = try Self.open(controlIn, O_RDONLY)
    }
    // Opened for reading and writing, the pipe always has a reader.
    Diagnostics.sendNotes(to: try controlOut.map { path throws(CommandError) in try Self.open(path, O_RDWR) })
    StopSignal.install()
    // Wireshark notices that the capture has ended, even because of a refused filter, only if the FIFO was opened.
    while try !Self.isOpened(fifo) {
      guard !StopSignal.isRaised else { throw CommandError("\(fifo): no process reads this FIFO") }
      usleep(10_000)
    }
  }

  /// Opens a FIFO and keeps it open; false if nobody reads it yet.
  private static func isOpened(_ path: String) throws(CommandError) -> Bool {
    do throws(SavefileError) {
      _ = try OutputDescriptor.openFIFO(path, O_WRONLY)
      return true
    } catch {
      guard error.kind == .noReader else { throw CommandError(error.description) }
      return false
    }
  }

  private static func open(_ path: String, _ flags: CInt) throws(CommandError) -> CInt {
    do throws(SavefileError) {
      return try OutputDescriptor.openFIFO(path, flags)
    } catch {
      throw CommandError(error.description)
    }
  }
}
