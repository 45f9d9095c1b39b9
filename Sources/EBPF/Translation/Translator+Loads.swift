import BPF

extension Translator {
  /// The stack offset of the buffer that the kernel copies bytes to, below M[].
  private static let bufferOffset: Int16 = -72

  /// The size of a load.
  private static func size(_ opcode: Opcode) -> Operation.Size {
    switch opcode {
    case .ldAbs, .ldInd: .word
    case .ldhAbs, .ldhInd: .half
    default: .octet
    }
  }

  /// Writes a load from the packet. False if it fails for every possible packet; then nothing is written.
  mutating func load(_ opcode: Opcode, _ k: UInt32, at index: Int) throws(TranslationError) -> Bool {
    if opcode.facts.operand == .absolute, k >= Ancillary.base {
      try loadAncillary(k, at: index)
      return true
    }
    let size = Self.size(opcode)
    let target: Register = opcode == .ldxMsh ? .r8 : .r7
    let isThere =
      opcode.facts.operand == .indirect
      ? loadIndirect(size, k, at: index) : loadAbsolute(size, k, into: target, at: index)
    guard isThere else { return false }
    if opcode == .ldxMsh {
      code.append(.arithmetic(.and, .word, .r8, .constant(15)))
      code.append(.arithmetic(.lsh, .word, .r8, .constant(2)))
    }
    return true
  }

  private mutating func loadAbsolute(_ size: Operation.Size, _ k: UInt32, into target: Register, at index: Int) -> Bool
  {
    let end = UInt64(k) + UInt64(size.octets)
    // Linux treats an offset of 2^31 or more as negative.
    guard end <= Int32.max else { return false }
    guard type.hasDirectAccess else {
      code.append(.loadPacket(size, index: nil, Int32(bitPattern: k)))
      code.append(.arithmetic(.mov, .word, target, .register(.r0)))
      return true
    }
    guard end <= LoadPlan.farthest else {
      // No frame is that long in XDP.
      guard type == .classifier else { return false }
      code.append(.arithmetic(.mov, .word, .r2, .constant(Int32(bitPattern: k))))
      copyAndLoad(size, into: target)
      return true
    }
    if let octets = plan.check(end, at: index, known) {
      checkPacket(octets)
      known = plan.checked(known, octets: octets)
    }
    loadDirect(size, into: target, from: .r9, k)
    return true
  }

  private mutating func loadIndirect(_ size: Operation.Size, _ k: UInt32, at index: Int) -> Bool {
    let end = UInt64(k) + UInt64(size.octets)
    guard end <= Int32.max else { return false }
    let bound = UInt64(known.boundOfX)
    guard type.hasDirectAccess else {
      rejectLargeX(end, bound)
      code.append(.loadPacket(size, index: .r8, Int32(bitPattern: k)))
      code.append(.arithmetic(.mov, .word, .r7, .register(.r0)))
      return true
    }
    if bound + end > LoadPlan.farthest {
      guard type == .xdp else {
        rejectLargeX(end, bound)
        code.append(.arithmetic(.mov, .doubleWord, .r2, .register(.r8)))
        code.append(.arithmetic(.add, .doubleWord, .r2, .constant(Int32(bitPattern: k))))
        copyAndLoad(size, into: .r7)
        return true
      }
      guard end <= LoadPlan.farthest else { return false }
    }
    if let octets = plan.checkFromX(end, at: index, known) {
      if bound + octets > LoadPlan.farthest {
        rejectWhere(.jgt, .doubleWord, .r8, .constant(Int32(LoadPlan.farthest - octets)))
      }
      checkFromX(octets)
      known.availableFromX = octets
    }
    loadDirect(size, into: .r7, from: .r4, k)
    return true
  }

  /// Rejects the packet if X + `end` is too large an offset for Linux.
  private mutating func rejectLargeX(_ end: UInt64, _ bound: UInt64) {
    guard bound + end > Int32.max else { return }
    rejectWhere(.jgt, .doubleWord, .r8, .constant(Int32(UInt64(Int32.max) - end)))
  }

  private mutating func toHostOrder(_ size: Operation.Size, _ register: Register) {
    if size != .octet { code.append(.byteOrder(.toBigEndian, bits: Int32(8 * size.octets), register)) }
  }

  // MARK: Direct access

  /// Loads the packet's bounds from the context in r6 into r9 and r2.
  mutating func loadPacketBounds() {
    let (data, end) =
      type == .xdp ? (XDPContext.data, XDPContext.dataEnd) : (SocketBuffer.data, SocketBuffer.dataEnd)
    code.append(.load(.word, isSigned: false, .r9, from: .r6, offset: data))
    code.append(.load(.word, isSigned: false, .r2, from: .r6, offset: end))
  }

  /// Loads the value `k` bytes, fewer than 2^16, after an address. It is known to be within the packet.
  private mutating func loadDirect(_ size: Operation.Size, into target: Register, from base: Register, _ k: UInt32) {
    if let offset = Int16(exactly: k) {
      code.append(.load(size, isSigned: false, target, from: base, offset: offset))
    } else {
      // The offset of a load has 16 bits, including the sign.
      compute(.r3, base, plus: UInt64(k))
      code.append(.load(size, isSigned: false, target, from: .r3, offset: 0))
    }
    toHostOrder(size, target)
  }

  /// Sets `target` to the address `octets` after `base`.
  private mutating func compute(_ target: Register, _ base: Register, plus octets: UInt64) {
    code.append(.arithmetic(.mov, .doubleWord, target, .register(base)))
    code.append(.arithmetic(.add, .doubleWord, target, .constant(Int32(octets))))
  }

  /// Rejects packets with fewer bytes. If bytes of a socket buffer are stored elsewhere, they are pulled in first.
  private mutating func checkPacket(_ octets: UInt64) {
    compute(.r3, .r9, plus: octets)
    guard type == .classifier else { return rejectWhere(.jgt, .doubleWord, .r3, .register(.r2)) }
    let there = code.makeLabel()
    code.branch(.jle, .doubleWord, .r3, .register(.r2), to: there)
    code.append(.arithmetic(.mov, .word, .r2, .constant(Int32(octets))))
    pull()
    compute(.r3, .r9, plus: octets)
    rejectWhere(.jgt, .doubleWord, .r3, .register(.r2))
    code.place(there)
  }

  /// The same for bytes from X on, whose address is put into r4.
  private mutating func checkFromX(_ octets: UInt64) {
    let there = code.makeLabel()
    pointToX(octets)
    guard type == .classifier else { return rejectWhere(.jgt, .doubleWord, .r3, .register(.r2)) }
    code.branch(.jle, .doubleWord, .r3, .register(.r2), to: there)
    code.append(.arithmetic(.mov, .doubleWord, .r2, .register(.r8)))
    code.append(.arithmetic(.add, .doubleWord, .r2, .constant(Int32(octets))))
    pull()
    // The bytes may have moved, so what was known about them must be checked again.
    if known.available > 0 {
      compute(.r3, .r9, plus: known.available)
      rejectWhere(.jgt, .doubleWord, .r3, .register(.r2))
    }
    pointToX(octets)
    rejectWhere(.jgt, .doubleWord, .r3, .register(.r2))
    code.place(there)
  }

  /// Sets r4 to the address of the byte at X, and r3 to the address that many bytes after it.
  private mutating func pointToX(_ octets: UInt64) {
    code.append(.arithmetic(.mov, .doubleWord, .r4, .register(.r9)))
    code.append(.arithmetic(.add, .doubleWord, .r4, .register(.r8)))
    compute(.r3, .r4, plus: octets)
  }

  /// Pulls in the first bytes, as many as r2 says, so that the program can read them; rejects packets with fewer.
  private mutating func pull() {
    code.append(.arithmetic(.mov, .doubleWord, .r1, .register(.r6)))
    code.append(.call(Helper.skbPullData.rawValue))
    rejectWhere(.jne, .doubleWord, .r0, .constant(0))
    loadPacketBounds()
  }

  /// Loads from the offset in r2 through the stack.
  private mutating func copyAndLoad(_ size: Operation.Size, into target: Register) {
    code.append(.arithmetic(.mov, .doubleWord, .r1, .register(.r6)))
    code.append(.arithmetic(.mov, .doubleWord, .r3, .register(.r10)))
    code.append(.arithmetic(.add, .doubleWord, .r3, .constant(Int32(Self.bufferOffset))))
    code.append(.arithmetic(.mov, .word, .r4, .constant(Int32(size.octets))))
    code.append(.call(Helper.skbLoadBytes.rawValue))
    rejectWhere(.jne, .doubleWord, .r0, .constant(0))
    code.append(.load(size, isSigned: false, target, from: .r10, offset: Self.bufferOffset))
    toHostOrder(size, target)
    // The call has changed r2, and r4 is no longer valid.
    code.append(.load(.word, isSigned: false, .r2, from: .r6, offset: SocketBuffer.dataEnd))
    known.availableFromX = 0
  }

  // MARK: Values that are not in the packet

  /// The length of the packet on the wire.
  mutating func loadLength(_ target: Register) {
    guard type == .xdp else {
      code.append(.load(.word, isSigned: false, target, from: .r6, offset: SocketBuffer.len))
      return
    }
    code.append(.arithmetic(.mov, .doubleWord, target, .register(.r2)))
    code.append(.arithmetic(.sub, .doubleWord, target, .register(.r9)))
  }

  private mutating func loadAncillary(_ k: UInt32, at index: Int) throws(TranslationError) {
    guard let ancillary = Ancillary(offset: k) else { return }
    if ancillary == .xor_x { return code.append(.arithmetic(.xor, .word, .r7, .register(.r8))) }
    guard type != .xdp, let (offset, isNetworkOrder) = ancillary.field else {
      let source = index < program.sources.count ? program.sources[index].hull : nil
      throw TranslationError(
        description: "a program of type '\(type.name)' cannot load [\(ancillary.name)]", source: source)
    }
    code.append(.load(.word, isSigned: false, .r7, from: .r6, offset: offset))
    if isNetworkOrder { toHostOrder(.half, .r7) }
    // A packet without an interface is rejected, as by the classic load.
    if ancillary == .ifidx { rejectWhere(.jeq, .word, .r7, .constant(0)) }
  }
}

extension Ancillary {
  /// The field of `struct __sk_buff` with this value, and whether it is a 16-bit number in network byte order; nil if there is none.
  fileprivate var field: (offset: Int16, isNetworkOrder: Bool)? {
    switch self {
    case .proto: (SocketBuffer.proto, true)
    case .type: (SocketBuffer.packetType, false)
    case .ifidx: (SocketBuffer.interface, false)
    case .mark: (SocketBuffer.mark, false)
    case .queue: (SocketBuffer.queue, false)
    case .rxhash: (SocketBuffer.hash, false)
    case .vlan_tci: (SocketBuffer.vlanTCI, false)
    case .vlanp: (SocketBuffer.vlanPresent, false)
    case .vlan_tpid: (SocketBuffer.vlanProto, true)
    case .nla, .nlan, .hatype, .cpu, .xor_x, .poff, .random: nil
    }
  }
}
