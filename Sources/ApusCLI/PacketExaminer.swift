import Capture
import Dissect
import Glibc
import PacketCore

/// A loop over packets that reports on the filter rather than on the packets.
protocol PacketExaminer: ~Copyable {
  /// Holds the text until it is written.
  var printer: Printer { get set }
  /// The wanted number of packets was accepted.
  var isFinished: Bool { get }
  /// One packet; false where nobody reads the text any more.
  mutating func take(_ packet: borrowing Packet) throws(CommandError) -> Bool
  /// The kernel tells of processes, whose events have to be read now and then.
  var isWatchingProcesses: Bool { get }
  func readProcesses()
  /// Adds the text that follows that of all packets.
  mutating func finish() throws(CommandError)
  /// What ends the command where the filter means nothing for all packets that came and for all `interfaces` of the source.
  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError?
}

extension PacketExaminer where Self: ~Copyable {
  var isWatchingProcesses: Bool { false }
  func readProcesses() {}

  /// Takes packets until the source ends, the wanted number is accepted, a signal asks for the end, or something fails; then
  /// sums up.
  mutating func run<Source: PacketSource & ~Copyable>(_ source: inout Source) throws(CommandError) {
    StopSignal.becomeRequest()
    var failure: CommandError?
    var isOpen = true
    let watchesReader = StandardStreams.hasReader(STDOUT_FILENO)
    loop: repeat {
      do throws(Source.Failure) {
        while isOpen, let packet = try source.next() {
          do throws(CommandError) {
            isOpen = try take(packet)
          } catch {
            failure = error
          }
          guard failure == nil, isOpen, !isFinished, !StopSignal.isRaised else { break loop }
        }
      } catch {
        failure = CommandError(String(describing: error))
        break loop
      }
      readProcesses()
      isOpen = try flush() && !(watchesReader && StandardStreams.isAbandoned(STDOUT_FILENO))
    } while isOpen
      && source.awaitMore(
        until: watchesReader || isWatchingProcesses
          ? Timestamp.now.advanced(byNanoseconds: isWatchingProcesses ? 200_000_000 : 1_000_000_000) : nil)
    if isOpen { try finish() }
    _ = try flush()
    if let failure = failure ?? self.failure(source.interfaces) { throw failure }
  }

  /// Writes out the text; false where its reader has had enough.
  mutating func flush() throws(CommandError) -> Bool {
    guard !printer.out.isEmpty, let code = StandardStreams.write(&printer.out) else { return true }
    printer.out.removeAll()
    guard code == EPIPE else { throw CommandError("unable to write output: \(unsafe String(cString: strerror(code)))") }
    return false
  }
}
