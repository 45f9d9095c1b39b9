import BPF
import CPcap
import TestSupport

/// Compares the interpreter with libpcap's bpf_filter(): the same programs, made by pcap_compile(), over the same packets. What is
/// printed is the best of several rounds, in nanoseconds per packet.
///
/// `apus-bench make-capture FILE [PACKETS [HOSTS [SEED]]]` writes a capture of synthetic traffic instead.
@main
struct Benchmark {
  static let expressions = [
    "ip", "tcp", "tcp port 80", "udp and port 53", "host 10.0.0.1", "net 192.0.2.0/24 and not port 22",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "ip[2:2] > 500 and tcp dst portrange 8000-8100",
    "vlan and ip", "ip6 and udp", "len > 300", "icmp or arp",
    "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
    "host 10.0.0.1 or host 10.0.0.2 or host 10.0.0.3 or host 10.0.0.4 or host 10.0.0.5 or host 10.0.0.6",
  ]

  static func main() throws {
    let arguments = CommandLine.arguments
    if arguments.count > 2, arguments[1] == "make-capture" {
      let numbers = arguments.dropFirst(3).map { Int($0) ?? 0 }
      try SyntheticCapture.write(
        numbers.first ?? 20_000, to: arguments[2], seed: UInt64(numbers.count > 2 ? numbers[2] : 1),
        hosts: numbers.count > 1 ? numbers[1] : 64)
      return
    }
    compare()
  }

  static func compare() {
    let traffic = Traffic(packets: 4096)
    print("libpcap   apus  ratio  accepted  filter")
    var sum = 0.0
    for expression in expressions {
      guard let program = compile(expression) else {
        print("cannot compile \(expression)")
        continue
      }
      let interpreter = Interpreter(program)
      var best = (libpcap: Double.infinity, apus: Double.infinity)
      var accepted = (libpcap: 0, apus: 0)
      for _ in 0..<1000 {
        best.libpcap = min(best.libpcap, time { accepted.libpcap = runLibpcap(program, traffic) })
        best.apus = min(best.apus, time { accepted.apus = runApus(interpreter, traffic) })
      }
      precondition(accepted.libpcap == accepted.apus, "the two disagree on \(expression)")
      let packets = Double(traffic.ends.count)
      let ratio = best.libpcap / best.apus
      sum += ratio
      print(
        column(best.libpcap / packets, 7), column(best.apus / packets, 6), column(ratio, 6),
        String(repeating: " ", count: 5 - String(accepted.apus).count), accepted.apus, "  ", expression)
    }
    print("mean ratio \(column(sum / Double(expressions.count), 4))")
  }

  /// The number with two decimals, in so many characters.
  static func column(_ value: Double, _ width: Int) -> String {
    let hundredths = Int((value * 100).rounded())
    let text = "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    return String(repeating: " ", count: max(0, width - text.count)) + text
  }

  static func time(_ body: () -> Void) -> Double {
    let duration = ContinuousClock().measure(body)
    return Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
  }

  /// The program that libpcap makes of the expression, for Ethernet.
  static func compile(_ expression: String) -> Program? {
    guard let handle = unsafe pcap_open_dead(1, 262144) else { return nil }
    defer { unsafe pcap_close(handle) }
    var compiled = unsafe bpf_program()
    guard unsafe pcap_compile(handle, &compiled, expression, 1, PCAP_NETMASK_UNKNOWN) == 0 else { return nil }
    defer { unsafe pcap_freecode(&compiled) }
    let instructions = unsafe UnsafeBufferPointer(start: compiled.bf_insns, count: Int(compiled.bf_len))
    return try? Program(
      validating: unsafe instructions.map { Instruction(code: $0.code, jt: $0.jt, jf: $0.jf, k: $0.k) })
  }

  @inline(never)
  static func runLibpcap(_ program: Program, _ traffic: Traffic) -> Int {
    var accepted = 0
    let instructions = program.instructions.map { bpf_insn(code: $0.code, jt: $0.jt, jf: $0.jf, k: $0.k) }
    unsafe traffic.octets.withUnsafeBufferPointer { octets in
      guard let base = octets.baseAddress else { return }
      unsafe instructions.withUnsafeBufferPointer { instructions in
        var start = 0
        for end in traffic.ends {
          let length = UInt32(truncatingIfNeeded: end - start)
          // Safe: the program is valid, and start..<end lies within the octets.
          if unsafe bpf_filter(instructions.baseAddress, base + start, length, length) != 0 { accepted += 1 }
          start = end
        }
      }
    }
    return accepted
  }

  @inline(never)
  static func runApus(_ interpreter: Interpreter, _ traffic: Traffic) -> Int {
    var accepted = 0
    let octets = unsafe traffic.octets.span.bytes
    var start = 0
    for end in traffic.ends {
      // Safe: start..<end lies within the octets.
      let packet = unsafe octets.extracting(unchecked: start..<end)
      if interpreter.run(packet, len: UInt32(truncatingIfNeeded: end - start)) != 0 { accepted += 1 }
      start = end
    }
    return accepted
  }
}
