/// The memory that a program in `EBPFMachine` may access: that of its arguments, and its stack. The areas are far apart, so an access past
/// the end of one hits none.
public struct EBPFMemory: Sendable {
  /// What the first argument points to.
  enum Context: Hashable, Sendable {
    /// Bytes provided by the caller.
    case octets
    /// `struct __sk_buff`.
    case socketBuffer
    /// `struct xdp_md`.
    case xdp
  }

  static let contextBase: UInt64 = 0x1_0000
  /// Fits into 32 bits, as the addresses in a context must.
  static let packetBase: UInt64 = 0x1000_0000
  static let stackBase: UInt64 = 0x7fff_0000_0000
  /// The size in bytes of one function's stack frame.
  static let frameSize = 512
  /// The distance between the frames of nested calls.
  private static let frameDistance: UInt64 = 0x1000
  /// The maximum number of active functions (`MAX_CALL_FRAMES` in the kernel).
  static let maximumDepth = 8

  let kind: Context
  /// The fields of the context, which are read-only.
  private let context: [UInt8]
  /// The bytes of the packet or those provided by the caller.
  public private(set) var octets: [UInt8]
  private var stack = [UInt8](repeating: 0, count: frameSize * maximumDepth)
  /// The number of frames in use.
  var depth = 1

  /// Bytes for the program to read and write. Its arguments are their address and length.
  public init(octets: [UInt8]) {
    kind = .octets
    context = []
    self.octets = octets
  }

  /// A packet, `len` bytes long on the wire, for a program of this type.
  public init(packet: [UInt8], len: UInt32, for type: EBPFProgramType) {
    octets = packet
    let start = UInt32(Self.packetBase)
    let end = start &+ UInt32(truncatingIfNeeded: packet.count)
    var context: [UInt8]
    switch type {
    case .socketFilter, .classifier:
      kind = .socketBuffer
      context = [UInt8](repeating: 0, count: SocketBuffer.size)
      Self.store(len, at: SocketBuffer.len, of: &context)
      if type == .classifier {
        Self.store(start, at: SocketBuffer.data, of: &context)
        Self.store(end, at: SocketBuffer.dataEnd, of: &context)
      }
    case .xdp:
      kind = .xdp
      context = [UInt8](repeating: 0, count: XDPContext.size)
      Self.store(start, at: XDPContext.data, of: &context)
      Self.store(end, at: XDPContext.dataEnd, of: &context)
    }
    self.context = context
  }

  private static func store(_ word: UInt32, at offset: Int16, of context: inout [UInt8]) {
    for index in 0..<4 { context[Int(offset) + index] = UInt8(truncatingIfNeeded: word >> UInt32(8 * index)) }
  }

  /// The initial values of r1 and r2.
  var arguments: (UInt64, UInt64) {
    kind == .octets ? (Self.packetBase, UInt64(octets.count)) : (Self.contextBase, 0)
  }

  /// The end of the active function's frame.
  var framePointer: UInt64 {
    Self.stackBase &+ UInt64(depth - 1) &* Self.frameDistance &+ UInt64(Self.frameSize)
  }

  // MARK: Access

  /// An area and an index in it.
  private enum Place {
    case context(Int)
    case octets(Int)
    case stack(Int)
  }

  /// Where this many bytes at an address are; nil unless they are completely within one area.
  private func place(_ address: UInt64, _ size: Int) -> Place? {
    let size = UInt64(size)
    let inStack = address &- Self.stackBase
    if inStack < UInt64(depth) &* Self.frameDistance {
      let (frame, offset) = inStack.quotientAndRemainder(dividingBy: Self.frameDistance)
      guard offset &+ size <= UInt64(Self.frameSize) else { return nil }
      return .stack(Int(frame) * Self.frameSize + Int(offset))
    }
    let inOctets = address &- Self.packetBase
    if inOctets < UInt64(octets.count) {
      return inOctets &+ size <= UInt64(octets.count) ? .octets(Int(inOctets)) : nil
    }
    let inContext = address &- Self.contextBase
    guard inContext < UInt64(context.count), inContext &+ size <= UInt64(context.count) else { return nil }
    return .context(Int(inContext))
  }

  /// The number stored there, least significant byte first; nil if it may not be read.
  func load(_ address: UInt64, _ size: Int) -> UInt64? {
    switch place(address, size) {
    case nil: nil
    case .context(let start): Self.number(context, start, size)
    case .octets(let start): Self.number(octets, start, size)
    case .stack(let start): Self.number(stack, start, size)
    }
  }

  private static func number(_ octets: [UInt8], _ start: Int, _ size: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in (0..<size).reversed() { value = value << 8 | UInt64(octets[start + index]) }
    return value
  }

  /// Stores the low bytes of `value` there, the least significant first. False if they may not be written.
  mutating func store(_ value: UInt64, _ address: UInt64, _ size: Int) -> Bool {
    let place = place(address, size)
    for index in 0..<size {
      let octet = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
      switch place {
      case nil, .context: return false
      case .octets(let start): octets[start + index] = octet
      case .stack(let start): stack[start + index] = octet
      }
    }
    return true
  }

  // MARK: The packet

  /// The number in network byte order at an offset in the packet; nil if it is not completely within the packet.
  func packetNumber(at offset: UInt64, _ size: Int) -> UInt64? {
    guard offset < UInt64(octets.count), offset &+ UInt64(size) <= UInt64(octets.count) else { return nil }
    return octets[Int(offset)..<(Int(offset) + size)].reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Copies bytes of the packet to an address. Nil if that memory may not be written; false if the packet does not have these bytes, and
  /// then zeros are written.
  mutating func copyPacket(from offset: UInt64, to address: UInt64, count: UInt64) -> Bool? {
    guard count > 0, count <= UInt64(Self.frameSize) else { return nil }
    let isThere = offset < UInt64(octets.count) && offset &+ count <= UInt64(octets.count)
    for index in 0..<count {
      let octet = isThere ? UInt64(octets[Int(offset &+ index)]) : 0
      guard store(octet, address &+ index, 1) else { return nil }
    }
    return isThere
  }
}
