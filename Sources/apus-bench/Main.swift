import BPF
import EBPF
import Glibc
import PacketCore
import TestSupport

/// Compares the machines on the same programs, compiled by pcap_compile(), and on the same packets: libpcap's bpf_filter(), the
/// interpreter, the native code, the native walk over a whole file (`RecordScan`), and the kernel's native code. Prints the best of several
/// rounds, in nanoseconds per packet.
///
/// `apus-bench [PACKETS]` sets the number of packets in the large capture; the default is a million.
/// `apus-bench flood INTERFACE COUNT [RATE [LENGTH [SECONDS]]]` sends COUNT frames, RATE per second (0: as fast as possible), and prints
/// how many were sent, in total and per second; `Tests/drop-test` tests captures with it.
/// `apus-bench make-capture FILE [PACKETS [HOSTS [SEED]]]` writes a capture of synthetic traffic instead.
/// `apus-bench kernel` compares filters on a socket instead: the kernel's own conversion of classic programs, and apus's eBPF.
/// `apus-bench time-window FOLDER [GIGABYTES]` searches for time windows in sparse captures that it makes in that folder.
@main
struct Benchmark {
  static let expressions = [
    "ip", "tcp port 80", "host 10.0.0.1", "tcp[tcpflags] & tcp-syn != 0 and not src net 10",
    "port 53 or port 443 or icmp",
    "100 hosts",
  ]

  static func main() throws {
    let arguments = CommandLine.arguments
    if arguments.count > 2, arguments[1] == "make-capture" {
      let numbers = arguments.dropFirst(3).map { Int($0) ?? 0 }
      try SyntheticCapture.write(
        numbers.first ?? 20_000, to: arguments[2], seed: UInt64(numbers.count > 2 ? numbers[2] : 1),
        hosts: numbers.count > 1 ? numbers[1] : 64, hasApplications: true)
      return
    }
    if arguments.count > 1, arguments[1] == "kernel" {
      SocketBench.run(expressions.map { ($0, $0 == "100 hosts" ? hosts : $0) })
      return
    }
    if arguments.count > 2, arguments[1] == "time-window" {
      let gigabytes = arguments.count > 3 ? Int(arguments[3]) ?? 10 : 10
      var bench = TimeWindowBench(folder: arguments[2], gigabytes: min(max(gigabytes, 1), 1000))
      exit(bench.run() ? 0 : 1)
    }
    if arguments.count > 3, arguments[1] == "flood" {
      flood(arguments[2], arguments.dropFirst(3).map { Int($0) ?? 0 })
      return
    }
    let packets = arguments.count > 1 ? Int(arguments[1]) ?? 1_000_000 : 1_000_000
    print("3000 packets, cut to 96 octets, that stay in cache")
    compare(Traffic(packets: 3000, snaplen: 96), rounds: 400, withKernel: true)
    print("\n\(packets) packets, one behind the other")
    compare(Traffic(packets: packets, snaplen: 262_144), rounds: 7, withKernel: false)
  }

  static func flood(_ interface: String, _ numbers: [Int]) {
    func number(_ index: Int, _ other: Int) -> Int { index < numbers.count ? numbers[index] : other }
    guard let flood = Flood(interface: interface, length: min(max(number(2, 60), 60), 1514)) else {
      print("cannot send on \(interface)")
      return
    }
    let start = Flood.now
    let sent = flood.send(number(0, 0), rate: number(1, 0), seconds: Double(number(3, 600)))
    print("\(sent) \(Int(Double(sent) / max(Flood.now - start, 1e-9)))")
  }

  static func compare(_ traffic: Traffic, rounds: Int, withKernel: Bool) {
    print(
      "libpcap    interpreter         native           scan" + (withKernel ? "  kernel" : "") + "  accepted  filter")
    var lowest = (interpreter: Double.infinity, native: Double.infinity, scan: Double.infinity)
    for expression in expressions {
      let words = expression == "100 hosts" ? hosts : expression
      guard let program = (try? Libpcap.compile(words)).flatMap({ try? Program(validating: $0) }) else {
        print("cannot compile \(expression)")
        continue
      }
      guard let machines = try? Machines(program, traffic) else {
        print("there is no native code here")
        return
      }
      let best = machines.best(of: rounds)
      lowest.interpreter = min(lowest.interpreter, best.libpcap / best.interpreter)
      lowest.native = min(lowest.native, best.libpcap / best.native)
      lowest.scan = min(lowest.scan, best.libpcap / best.scan)
      let kernel = withKernel ? KernelProgram.nanoseconds(program, as: .classifier, traffic) : nil
      let columns = [
        column(best.libpcap, 7), column(best.interpreter, 7), ratio(best.libpcap / best.interpreter),
        column(best.native, 7), ratio(best.libpcap / best.native), column(best.scan, 7),
        ratio(best.libpcap / best.scan),
        withKernel ? kernel.map { column($0, 7) } ?? "      –" : "",
        String(repeating: " ", count: max(0, 9 - String(best.accepted).count)) + String(best.accepted),
      ]
      print(columns.joined() + "  " + expression)
    }
    print(
      "at least: interpreter\(ratio(lowest.interpreter)) native\(ratio(lowest.native)) scan\(ratio(lowest.scan))")
  }

  /// A hundred addresses, some of which are in the traffic.
  static var hosts: String {
    (0..<100).map { "host 192.0.\($0 / 10 + 2).\(($0 * 37) % 100 + 1)" }.joined(separator: " or ")
  }

  /// The factor between libpcap's time and the given one, in parentheses.
  static func ratio(_ value: Double) -> String { " ×" + column(value, 0) + (value < 10 ? "  " : " ") }

  /// The number with one decimal, padded to at least that many characters.
  static func column(_ value: Double, _ width: Int) -> String {
    let tenths = value.isFinite ? Int((value * 10).rounded()) : 0
    let text = "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    return String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
