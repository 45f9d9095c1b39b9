import Capture
import Glibc
import PacketCore
import Savefile

/// The window of messages that belongs to a capture in Wireshark.
///
/// A message of a control pipe, as Wireshark's Developer's Guide has it ("Extcap: messages"):
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
  /// Octets of text in a message, which the kernel then writes as a whole or not at all (PIPE_BUF).
  private static let longest = 4000

  /// Adds text to the log. Where the pipe is full, since nobody reads it, the text is lost: packets matter more.
  static func write(_ text: RawSpan, to descriptor: CInt) {
    var rest = text
    while !rest.isEmpty {
      let length = min(rest.byteCount, longest)
      let message = message(rest.extracting(first: length))
      _ = unsafe message.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      rest = rest.extracting(droppingFirst: length)
    }
  }

  /// The message that adds text of no more than 65 533 octets.
  static func message(_ text: RawSpan) -> [UInt8] {
    let length = text.byteCount + 2
    var octets: [UInt8] = [
      UInt8(ascii: "T"), UInt8(truncatingIfNeeded: length >> 16), UInt8(truncatingIfNeeded: length >> 8),
      UInt8(truncatingIfNeeded: length), control, add,
    ]
    // Safe: the octets are copied while they are valid.
    unsafe text.withUnsafeBytes { unsafe octets.append(contentsOf: $0) }
    return octets
  }
}

extension ExtcapCapture {
  /// Opens the pipes, and lets notes go to the log: what is said on standard error Wireshark takes for a failure.
  ///
  /// Wireshark waits until all of them are open. Throws where one is missing.
  func begin() throws(CommandError) {
    if let controlIn {
      // It stays open to the end, so that Wireshark can write; the few octets that it does write fit in the pipe.
      _ = try Self.open(controlIn, O_RDONLY)
    }
    // With both directions open, the pipe never lacks a reader.
    Diagnostics.sendNotes(to: try controlOut.map { path throws(CommandError) in try Self.open(path, O_RDWR) })
    StopSignal.install()
    // Whatever ends the capture, even a filter that is refused: Wireshark notices it only if the FIFO has been open.
    while try !Self.isOpened(fifo) {
      guard !StopSignal.isRaised else { throw CommandError("\(fifo): no process reads this FIFO") }
      usleep(10_000)
    }
  }

  /// Opens a FIFO for good; false where nobody reads it yet.
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
