import Capture
import Dissect
import Glibc
import PacketCore

/// A packet loop that reports on the filter instead of on the packets.
protocol PacketExaminer: PacketLoop, ~Copyable {
  /// Holds the text until it is written.
  var printer: Printer { get set }
  var examination: ExaminationState { get set }
  /// The wanted number of packets was accepted.
  var isFinished: Bool { get }
  /// Examines one packet; false if nobody reads the text any more.
  mutating func examine(_ packet: borrowing Packet) throws(CommandError) -> Bool
  /// The kernel reports events of processes, which have to be read regularly.
  var isWatchingProcesses: Bool { get }
  func readProcesses()
  /// Appends the text that follows all packets.
  mutating func finish() throws(CommandError)
  /// The error that ends the command if the filter applied to none of the packets and to none of the source's `interfaces`.
  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError?
}

/// The state of an examiner's loop.
struct ExaminationState {
  /// The text still has a reader.
  var isOpen = true
  /// The error that ended the loop.
  var failure: CommandError?
  /// Text goes to a pipe or a socket, so check whether its reader has left while no packet comes.
  let watchesReader = StandardStreams.hasReader(STDOUT_FILENO)
}

extension PacketExaminer where Self: ~Copyable {
  var isWatchingProcesses: Bool { false }
  func readProcesses() {}

  /// Takes packets as `takePackets` does, then writes the summary. Throws the error that ended the loop early.
  mutating func run<Source: PacketSource & ~Copyable>(_ source: inout Source) throws(CommandError) {
    if let fault = takePackets(from: &source), examination.failure == nil { examination.failure = CommandError(fault) }
    if examination.isOpen { try finish() }
    _ = try flush()
    if let failure = examination.failure ?? self.failure(source.interfaces) { throw failure }
  }

  mutating func advance<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Bool {
    source.releaseMemory()
    return true
  }

  mutating func take(_ packet: borrowing Packet) -> Bool {
    do throws(CommandError) {
      examination.isOpen = try examine(packet)
    } catch {
      examination.failure = error
    }
    return examination.failure == nil && examination.isOpen && !isFinished
  }

  mutating func pauseWithoutPacket<Source: PacketSource & ~Copyable>(_: inout Source) -> Bool {
    readProcesses()
    do throws(CommandError) {
      examination.isOpen =
        try flush() && !(examination.watchesReader && StandardStreams.isAbandoned(STDOUT_FILENO))
    } catch {
      (examination.failure, examination.isOpen) = (error, false)
    }
    return examination.isOpen
  }

  var wakeTime: Timestamp? {
    guard examination.watchesReader || isWatchingProcesses else { return nil }
    return Timestamp.now.advanced(byNanoseconds: isWatchingProcesses ? 200_000_000 : 1_000_000_000)
  }

  /// Writes out the text; false if its reader has left.
  mutating func flush() throws(CommandError) -> Bool {
    guard !printer.out.isEmpty, let code = StandardStreams.write(&printer.out) else { return true }
    printer.out.removeAll()
    guard code == EPIPE else { throw CommandError("unable to write output: \(unsafe String(cString: strerror(code)))") }
    return false
  }
}
