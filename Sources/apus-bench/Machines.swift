import BPF
import CPcap
import PacketCore

/// All machines that can run a program, and the packets to run it on.
struct Machines {
  private let traffic: Traffic
  private let instructions: [bpf_insn]
  private let interpreter: Interpreter
  private let native: NativeCode
  private let scan: RecordScan

  init(_ program: Program, _ traffic: Traffic) throws(NativeCodeError) {
    self.traffic = traffic
    instructions = program.instructions.map { bpf_insn(code: $0.code, jt: $0.jt, jf: $0.jf, k: $0.k) }
    interpreter = Interpreter(program)
    native = try NativeCode(program)
    scan = try RecordScan(program, traffic.layout)
  }

  /// The shortest time of each machine in nanoseconds per packet, and the number of packets that all of them accept. The machines take
  /// turns, so that anything that slows the processor down affects all of them.
  func best(of rounds: Int) -> (libpcap: Double, interpreter: Double, native: Double, scan: Double, accepted: Int) {
    var times = [4 of Double](repeating: .infinity)
    var counts = [4 of Int](repeating: 0)
    for _ in 0..<rounds {
      times[0] = min(times[0], Self.time { counts[0] = runLibpcap() })
      times[1] = min(times[1], Self.time { counts[1] = runInterpreter() })
      times[2] = min(times[2], Self.time { counts[2] = runNative() })
      times[3] = min(times[3], Self.time { counts[3] = runScan() })
    }
    precondition(
      counts[1] == counts[0] && counts[2] == counts[0] && counts[3] == counts[0], "the machines disagree")
    let packets = Double(traffic.packets)
    return (times[0] / packets, times[1] / packets, times[2] / packets, times[3] / packets, counts[0])
  }

  static func time(_ body: () -> Void) -> Double {
    let duration = ContinuousClock().measure(body)
    return Double(duration.components.seconds) * 1e9 + Double(duration.components.attoseconds) / 1e9
  }

  @inline(never)
  private func runLibpcap() -> Int {
    unsafe instructions.withUnsafeBufferPointer { instructions in
      let start = instructions.baseAddress
      return unsafe traffic.count { octets, len in
        let packet = unsafe octets.baseAddress?.assumingMemoryBound(to: UInt8.self)
        // Safe: the program is valid, and bpf_filter() reads no byte after the captured ones.
        return unsafe bpf_filter(start, packet, len, UInt32(truncatingIfNeeded: octets.count)) != 0
      }
    }
  }

  @inline(never)
  private func runInterpreter() -> Int {
    unsafe traffic.count { octets, len in unsafe interpreter.run(RawSpan(_unsafeBytes: octets), len: len) != 0 }
  }

  @inline(never)
  private func runNative() -> Int {
    unsafe traffic.count { octets, len in unsafe native.run(RawSpan(_unsafeBytes: octets), len: len) != 0 }
  }

  @inline(never)
  private func runScan() -> Int {
    var position = RecordPosition(offset: 0)
    // Safe: the bytes outlive the call.
    return Int(unsafe scan.count(in: traffic.octets.span.bytes, from: &position, before: .max, wanted: .max))
  }
}
