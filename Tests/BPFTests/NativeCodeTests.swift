import Foundation
import TestSupport
import Testing

@testable import BPF

/// What the native code returns for a packet of these bytes; `len` is its length on the wire, by default the number of bytes.
private func native(_ program: Program, _ packet: [UInt8], len: UInt32? = nil) throws -> UInt32 {
  let code = try NativeCode(program)
  // Safe: the bytes outlive the call.
  return unsafe code.run(packet.span.bytes, len: len ?? UInt32(packet.count))
}

@Suite(.enabled(if: NativeCode.backend != nil, "there is no native code for this processor"))
struct NativeCodeTests {
  @Test(arguments: interpreterCases)
  func result(_ test: MachineCase) throws {
    let program = try Assembler.assemble(test.program.split(separator: "|").joined(separator: "\n"))
    #expect(try native(program, machinePacket, len: machineWireLength) == test.result)
    for length in 0..<machinePacket.count {
      let cut = Array(machinePacket.prefix(length))
      #expect(try native(program, cut) == interpret(program, cut), "\(length) octets")
    }
  }

  @Test(arguments: 0..<16)
  func agreesWithTheInterpreter(_ seed: UInt64) throws {
    var random = SeededRandom(seed: seed + 3000)
    guard var guarded = GuardedOctets() else {
      Issue.record("no memory")
      return
    }
    var programs = RandomProgram(seed: seed + 3000)
    programs.hasAncillaryLoads = true
    for _ in 0..<400 {
      let longest = Int.random(in: 1..<80, using: &random)
      let program = try Program(validating: programs.next(packetLength: longest))
      let interpreter = Interpreter(program)
      let code = try NativeCode(program)
      for _ in 0..<40 {
        let packet = (0..<Int.random(in: 0...longest, using: &random)).map { _ in
          Bool.random(using: &random) ? UInt8.random(in: 0..<4, using: &random) : .random(in: 0...255, using: &random)
        }
        let len = UInt32(packet.count) + .random(in: 0..<3, using: &random)
        // Safe: the bytes outlive the call.
        let expected = unsafe interpreter.run(packet.span.bytes, len: len)
        let result = guarded.lend(packet, atEnd: Bool.random(using: &random)) { code.run($0, len: len) }
        #expect(result == expected, "\(program.text(.text)) \(packet) \(len)")
        if result != expected { return }
      }
    }
  }

  /// Programs of filters on whole packets and on every prefix of them.
  @Test(
    arguments: [
      "ip", "tcp port 80", "host 10.0.0.1", "tcp[tcpflags] & tcp-syn != 0 and not src net 192",
      "port 53 or port 443 or icmp",
      "ip6 and udp portrange 50000-60000", "vlan and tcp", "tcp[((tcp[12] & 0xf0) >> 2)] = 0x80",
      "ip[2:2] > 100 or len < 80",
      "ether[0] & 1 = 0 and ip[0] & 0xf = 5", "ip multicast or ether broadcast", "icmp[icmptype] = icmp-echo",
    ], [true, false])
  func filters(_ expression: String, optimize: Bool) throws {
    let program = try Program(validating: Libpcap.compile(expression, optimize: optimize))
    let code = try NativeCode(program)
    let interpreter = Interpreter(program)
    guard var guarded = GuardedOctets() else {
      Issue.record("no memory")
      return
    }
    var accepted = 0
    for packet in SyntheticCapture(seed: 7).prefix(300) {
      for length in 0...min(packet.octets.count, 100) {
        let cut = Array(packet.octets.prefix(length))
        let len = UInt32(packet.octets.count)
        // Safe: the bytes outlive the call.
        let expected = unsafe interpreter.run(cut.span.bytes, len: len)
        let result = guarded.lend(cut, atEnd: true) { code.run($0, len: len) }
        #expect(result == expected)
        if result != expected { return }
        if result != 0 { accepted += 1 }
      }
    }
    #expect(accepted > 0)
  }

  /// Offsets up to the largest possible one, in even larger packets, which need only address space.
  @Test func packetsOfManyGibibytes() throws {
    let size = (1 << 33) + 4096
    let address = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else { return }
    defer { unsafe munmap(address, size) }
    let offsets: [UInt32] = [0x7fff_fffb, 0x7fff_fffc, 0x7fff_ffff, 0x8000_0000, 0xffff_ef00, 0xffff_f000]
    for offset in offsets {
      let programs = [
        [
          Instruction(.ldAbs, k: offset), Instruction(.jeqK, k: 0, jt: 0, jf: 1), Instruction(.retK, k: 5),
          Instruction(.retK),
        ],
        [
          Instruction(.ldhAbs, k: offset), Instruction(.andK, k: 3), Instruction(.jsetK, k: 8, jt: 1, jf: 0),
          Instruction(.retK, k: 5), Instruction(.retK),
        ],
        [
          Instruction(.ldxImm, k: 0xffff_fff0), Instruction(.ldbInd, k: offset), Instruction(.jeqK, k: 0, jt: 0, jf: 1),
          Instruction(.retK, k: 5), Instruction(.retK),
        ],
      ]
      for instructions in programs {
        let program = try Program(validating: instructions)
        let code = try NativeCode(program)
        let interpreter = Interpreter(program)
        let base = instructions[0].opcode == .ldxImm ? Int(offset) + 0xffff_fff0 : Int(offset)
        for count in (base - 1...base + 5) where count <= size {
          // Safe: the count is at most the size of the mapping.
          let packet = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: address, count: count))
          #expect(code.run(packet, len: 0) == interpreter.run(packet, len: 0), "\(program.text(.text)) \(count)")
        }
      }
    }
  }

  /// A long program with many comparisons, long jumps and paths that meet.
  @Test func longPrograms() throws {
    var instructions = [Instruction(.ldAbs, k: 0)]
    let hosts = 20_000
    for host in 0..<hosts {
      instructions.append(Instruction(.jeqK, k: UInt32(host) << 8, jt: 0, jf: 1))
      instructions.append(Instruction(.ja, k: UInt32(2 * (hosts - host) - 1)))
    }
    instructions += [Instruction(.retK), Instruction(.retK, k: 7)]
    let program = try Program(validating: instructions)
    let code = try NativeCode(program)
    for host in [0, 1, 77, hosts - 1, hosts] {
      let packet = [UInt8(host >> 16), UInt8(host >> 8 & 255), UInt8(host & 255), 0]
      // Safe: the bytes outlive the call.
      #expect(unsafe code.run(packet.span.bytes, len: 4) == (host < hosts ? 7 : 0))
    }
  }

  @Test func memoryIsNeverWritableAndExecutable() throws {
    let code = try (0..<20).map { try NativeCode(Assembler.assemble("ret #\($0)")) }
    let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
    #expect(maps.contains("r-xp"))
    #expect(!maps.contains("rwx"))
    for (index, code) in code.enumerated() {
      // Safe: the bytes outlive the call.
      #expect(unsafe code.run([UInt8]().span.bytes, len: 0) == UInt32(index))
    }
  }

  @Test func memoryIsGivenBack() throws {
    let program = try Assembler.assemble("ret #1")
    for _ in 0..<100_000 { _ = try NativeCode(program) }
    let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
    #expect(maps.split(separator: "\n").count < 5000)
  }
}
