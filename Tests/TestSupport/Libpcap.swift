public import BPF
import CPcap
public import PacketCore

/// The system's libpcap in this process, as an oracle: its compiler, its interpreter and its savefile reader.
public enum Libpcap {
  /// An error that libpcap reports.
  public struct Failure: Error, Hashable, CustomStringConvertible {
    /// libpcap's message, such as `syntax error in filter expression`.
    public let message: String
    public var description: String { message }
  }

  /// Compiles an expression as pcap_compile() does on a handle of this link type that is neither a live capture nor a savefile.
  ///
  /// `netmask` is the numeric value, 0xffffff00 for 255.255.255.0; nil means unknown. Throws libpcap's message.
  public static func compile(
    _ expression: String, linkType: LinkType = .ethernet, snaplen: UInt32 = 262_144, netmask: UInt32? = nil,
    optimize: Bool = true
  ) throws(Failure) -> [Instruction] {
    // Safe: an opaque handle that is closed below; nil is checked.
    guard let handle = unsafe pcap_open_dead(Int32(clamping: linkType.rawValue), Int32(clamping: snaplen)) else {
      throw Failure(message: "pcap_open_dead: out of memory")
    }
    defer { unsafe pcap_close(handle) }
    return try unsafe compile(expression, handle, netmask: netmask, optimize: optimize)
  }

  /// Compiles an expression on the handle of a savefile, so that the file's byte order and link type apply.
  public static func compile(
    _ expression: String, forFile path: String, netmask: UInt32? = nil, optimize: Bool = true
  ) throws(Failure) -> [Instruction] {
    let handle = try unsafe open(path)
    defer { unsafe pcap_close(handle) }
    return try unsafe compile(expression, handle, netmask: netmask, optimize: optimize)
  }

  private static func compile(
    _ expression: String, _ handle: OpaquePointer, netmask: UInt32?, optimize: Bool
  ) throws(Failure) -> [Instruction] {
    let unknownNetmask: UInt32 = 0xffff_ffff
    var program = unsafe bpf_program()
    // libpcap takes the mask in host byte order, although its manual pages speak of network byte order.
    let mask = netmask ?? unknownNetmask
    let status = unsafe pcap_compile(handle, &program, expression, optimize ? 1 : 0, mask)
    guard status == 0 else { throw Failure(message: unsafe String(cString: pcap_geterr(handle))) }
    defer { unsafe pcap_freecode(&program) }
    // Safe: libpcap allocated `bf_len` instructions there, and they are freed only after they have been copied.
    let instructions = unsafe UnsafeBufferPointer(start: program.bf_insns, count: Int(program.bf_len))
    return unsafe instructions.map { Instruction(code: $0.code, jt: $0.jt, jf: $0.jf, k: $0.k) }
  }

  /// What bpf_filter() returns for a packet; `wirelen` is its length on the wire, by default the captured length.
  ///
  /// The program must be valid (`Program`), since bpf_filter() does not check.
  public static func run(_ program: [Instruction], _ packet: [UInt8], wirelen: UInt32? = nil) -> UInt32 {
    run(program, on: [SavedPacket(octets: packet, len: wirelen)])[0]
  }

  /// What bpf_filter() returns for a packet.
  public static func run(_ program: Program, _ packet: [UInt8], wirelen: UInt32? = nil) -> UInt32 {
    run(program.instructions, packet, wirelen: wirelen)
  }

  /// What bpf_filter() returns for each of many packets. The program must be valid.
  ///
  /// bpf_filter() of libpcap 1.10 ends the process at an `ldx #pktlen`, so it gets an `ldx` of the number instead.
  public static func run(_ program: [Instruction], on packets: [SavedPacket]) -> [UInt32] {
    var instructions = program.map { bpf_insn(code: $0.code, jt: $0.jt, jf: $0.jf, k: $0.k) }
    let lengthLoads = program.indices.filter { program[$0].opcode == .ldxLen }
    for index in lengthLoads { instructions[index].code = Opcode.ldxImm.rawValue }
    return packets.map { packet in
      for index in lengthLoads { instructions[index].k = packet.len }
      // Safe: both arrays outlive the call, and bpf_filter() reads no byte at or after the captured length.
      return unsafe instructions.withUnsafeBufferPointer { instructions in
        unsafe packet.octets.withUnsafeBufferPointer { octets in
          unsafe bpf_filter(instructions.baseAddress, octets.baseAddress, packet.len, UInt32(clamping: octets.count))
        }
      }
    }
  }

  /// One line as `tcpdump -d` prints it, such as `(000) ldh      [12]`.
  public static func image(_ instruction: Instruction, at index: Int) -> String {
    var instruction = bpf_insn(code: instruction.code, jt: instruction.jt, jf: instruction.jf, k: instruction.k)
    // Safe: libpcap returns a NUL-terminated text in a buffer of this thread, copied at once.
    return unsafe String(cString: bpf_image(&instruction, Int32(clamping: index)))
  }

  /// What bpf_validate() returns.
  public static func isValid(_ program: [Instruction]) -> Bool {
    let instructions = program.map { bpf_insn(code: $0.code, jt: $0.jt, jf: $0.jf, k: $0.k) }
    // Safe: the array outlives the call, which reads `count` instructions.
    return unsafe instructions.withUnsafeBufferPointer { instructions in
      unsafe bpf_validate(instructions.baseAddress, Int32(clamping: instructions.count)) != 0
    }
  }

  /// The savefile at `path`, read to its end by libpcap with nanoseconds.
  public static func read(_ path: String) throws(Failure) -> SavedCapture {
    let handle = try unsafe open(path)
    defer { unsafe pcap_close(handle) }
    var packets: [SavedPacket] = []
    while true {
      var header: UnsafeMutablePointer<pcap_pkthdr>?
      var octets: UnsafePointer<UInt8>?
      switch unsafe pcap_next_ex(handle, &header, &octets) {
      case 1:
        guard let header = unsafe header?.pointee else { throw Failure(message: "pcap_next_ex: no header") }
        // Safe: libpcap keeps `caplen` bytes until its next call.
        let borrowed = unsafe UnsafeBufferPointer(start: octets, count: Int(header.caplen))
        packets.append(
          SavedPacket(
            octets: unsafe Array(borrowed), len: header.len,
            timestamp: Timestamp(seconds: Int64(header.ts.tv_sec), nanoseconds: Int64(header.ts.tv_usec))))
      case -2:
        return SavedCapture(
          linkType: LinkType(rawValue: UInt32(clamping: unsafe pcap_datalink(handle))),
          snaplen: UInt32(clamping: unsafe pcap_snapshot(handle)), isByteSwapped: unsafe pcap_is_swapped(handle) != 0,
          packets: packets)
      default:
        throw Failure(message: unsafe String(cString: pcap_geterr(handle)))
      }
    }
  }

  /// A handle for a savefile, to be closed by the caller.
  private static func open(_ path: String) throws(Failure) -> OpaquePointer {
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    let precision = UInt32(PCAP_TSTAMP_PRECISION_NANO)
    // Safe: the message buffer has the size that libpcap requires.
    let handle = unsafe message.withUnsafeMutableBufferPointer { message in
      unsafe pcap_open_offline_with_tstamp_precision(path, precision, message.baseAddress)
    }
    guard let handle = unsafe handle else {
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw Failure(message: String(decoding: text, as: UTF8.self))
    }
    return unsafe handle
  }
}
