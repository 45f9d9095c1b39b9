public import BPF
public import PacketCore

/// Writes a classic program as a C function that clang compiles to a program of the given type, without any includes. It has the same
/// meaning as the translation (`Translator`). An XDP program reads the packet's memory directly; the other types use a kernel helper.
public struct CSource {
  private let program: Program
  private let type: EBPFProgramType
  private let flow: ProgramFlow
  /// Instructions that are jump targets, and reachable instructions.
  private var targets: Set<Int> = []
  private var reached: Set<Int> = [0]
  private var rejects = false

  /// Writes the source, with `comment` at the top. Throws if the program loads anything that is not in the packet.
  public static func write(
    _ program: Program, as type: EBPFProgramType, comment: String, to out: inout TextBuffer
  ) throws(TranslationError) {
    for (index, instruction) in program.instructions.enumerated() {
      guard let ancillary = Ancillary(instruction), ancillary != .xor_x else { continue }
      throw TranslationError(
        description: "the C form has no load of [\(ancillary.name)]",
        source: index < program.sources.count ? program.sources[index].hull : nil)
    }
    var source = CSource(program, type)
    let statements = source.statements()
    out.write("/* ")
    // The comment must not contain the end of a comment.
    out.write(
      String(
        comment.replacing(text: "*/", with: "* /").map {
          $0.isNewline ? " " : $0
        }))
    out.write(" */\n")
    out.write(source.declarations)
    for line in statements {
      out.write(line)
      out.write("\n")
    }
    if source.rejects { out.write("reject:\n  return \(type.rejected);\n") }
    out.write("}\n\n__attribute__((section(\"license\"), used))\n")
    out.write("char _license[] = \"\(KernelEBPFProgram.license)\";\n")
  }

  private init(_ program: Program, _ type: EBPFProgramType) {
    self.program = program
    self.type = type
    flow = ProgramFlow(program)
  }

  // MARK: Before the statements

  private var declarations: String {
    var text = "typedef unsigned char u8;\ntypedef unsigned int u32;\ntypedef unsigned long long u64;\n\n"
    text += type == .xdp ? Self.xdpDeclarations : Self.socketBufferDeclarations
    text += "\n__attribute__((section(\"\(type.sectionName)\"), used))\n"
    text += "int \(ELFObject.functionName)(struct \(type == .xdp ? "xdp_md" : "__sk_buff") *context)\n{\n"
    text += "  u32 a = 0, x = 0;\n"
    let scratch = Set(
      program.instructions.filter { $0.opcode == .st || $0.opcode == .stx }.map(\.k)
    ).sorted()
    if !scratch.isEmpty { text += "  u32 " + scratch.map { "m\($0) = 0" }.joined(separator: ", ") + ";\n" }
    text += "  (void)a, (void)x, (void)context;\n\n"
    return text
  }

  private static let xdpDeclarations = """
    struct xdp_md {
      u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
    };

    /* The number of so many octets at an offset, in network byte order; 0 where the packet has no such octets. */
    __attribute__((always_inline, unused))
    static inline int load(struct xdp_md *context, u64 offset, u32 size, u32 *value)
    {
      const u8 *data = (const u8 *)(unsigned long)context->data;
      const u8 *end = (const u8 *)(unsigned long)context->data_end;
      const u8 *at;

      /* What is compared is what is added, as the verifier wants it. */
      __asm__ volatile("" : "+r"(offset));
      if (offset > 0xffff - size)
        return 0;
      at = data + offset;
      if (at + size > end)
        return 0;
      *value = size == 4   ? (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3]
               : size == 2 ? (u32)at[0] << 8 | at[1]
                           : at[0];
      return 1;
    }

    __attribute__((always_inline, unused))
    static inline u32 packet_length(struct xdp_md *context)
    {
      return (u32)((unsigned long)context->data_end - (unsigned long)context->data);
    }

    """

  private static let socketBufferDeclarations = """
    struct __sk_buff {
      u32 len;
    };

    static long (*const skb_load_bytes)(const void *context, u32 offset, void *to, u32 size) = (void *)26;

    /* The number of so many octets at an offset, in network byte order; 0 where the packet has no such octets. */
    __attribute__((always_inline, unused))
    static inline int load(struct __sk_buff *context, u64 offset, u32 size, u32 *value)
    {
      u8 at[4] = { 0 };

      if (offset > 0x7fffffff - size || skb_load_bytes(context, (u32)offset, at, size))
        return 0;
      *value = size == 4   ? (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3]
               : size == 2 ? (u32)at[0] << 8 | at[1]
                           : at[0];
      return 1;
    }

    __attribute__((always_inline, unused))
    static inline u32 packet_length(struct __sk_buff *context)
    {
      return context->len;
    }

    """

  // MARK: Statements

  /// One or more lines for each instruction, with a label if it is a jump target.
  private mutating func statements() -> [String] {
    var bodies: [(index: Int, lines: [String])] = []
    for (index, instruction) in program.instructions.enumerated() where reached.contains(index) {
      bodies.append((index, statement(instruction, at: index)))
    }
    return bodies.flatMap { index, lines in (targets.contains(index) ? ["L\(index):"] : []) + lines.map { "  " + $0 } }
  }

  private mutating func statement(_ instruction: Instruction, at index: Int) -> [String] {
    guard let opcode = instruction.opcode else { return [] }
    let k = "\(instruction.k)u"
    let operand = opcode.facts.operand == .index ? "x" : k
    if !opcode.isConditionalJump, opcode != .ja, opcode.instructionClass != .ret { reached.insert(index + 1) }
    switch opcode {
    case .ldAbs, .ldhAbs, .ldbAbs:
      if Ancillary(instruction) == .xor_x { return ["a ^= x;"] }
      return load(opcode, "\(instruction.k)ull", into: "a")
    case .ldInd, .ldhInd, .ldbInd: return load(opcode, "(u64)x + \(k)", into: "a")
    case .ldxMsh: return load(opcode, "\(instruction.k)ull", into: "x") + ["x = (x & 15) << 2;"]
    case .ldImm: return ["a = \(k);"]
    case .ldxImm: return ["x = \(k);"]
    case .ldMem: return ["a = m\(instruction.k);"]
    case .ldxMem: return ["x = m\(instruction.k);"]
    case .ldLen: return ["a = packet_length(context);"]
    case .ldxLen: return ["x = packet_length(context);"]
    case .st: return ["m\(instruction.k) = a;"]
    case .stx: return ["m\(instruction.k) = x;"]
    case .tax: return ["x = a;"]
    case .txa: return ["a = x;"]
    case .neg: return ["a = 0u - a;"]
    case .addK, .addX: return ["a += \(operand);"]
    case .subK, .subX: return ["a -= \(operand);"]
    case .mulK, .mulX: return ["a *= \(operand);"]
    case .divK: return ["a /= \(k);"]
    case .modK: return ["a %= \(k);"]
    case .divX, .modX:
      rejects = true
      return ["if (x == 0)", "  goto reject;", opcode == .divX ? "a /= x;" : "a %= x;"]
    case .orK, .orX: return ["a |= \(operand);"]
    case .andK, .andX: return ["a &= \(operand);"]
    case .xorK, .xorX: return ["a ^= \(operand);"]
    case .lshK: return ["a <<= \(instruction.k);"]
    case .rshK: return ["a >>= \(instruction.k);"]
    case .lshX: return ["a = x < 32 ? a << x : 0;"]
    case .rshX: return ["a = x < 32 ? a >> x : 0;"]
    case .ja: return jump(to: flow.destinations[index], from: index)
    case .jeqK, .jeqX: return branch("a == \(operand)", at: index)
    case .jgtK, .jgtX: return branch("a > \(operand)", at: index)
    case .jgeK, .jgeX: return branch("a >= \(operand)", at: index)
    case .jsetK, .jsetX: return branch("a & \(operand)", at: index)
    case .retK: return ["return (int)\(type.result(instruction.k))u;"]
    case .retA:
      guard let accepted = type.accepted else { return ["return (int)a;"] }
      return ["return a ? \(accepted) : \(type.rejected);"]
    }
  }

  private mutating func load(_ opcode: Opcode, _ offset: String, into target: String) -> [String] {
    rejects = true
    let size = opcode == .ldAbs || opcode == .ldInd ? 4 : opcode == .ldhAbs || opcode == .ldhInd ? 2 : 1
    return ["if (!load(context, \(offset), \(size), &\(target)))", "  goto reject;"]
  }

  private mutating func jump(to target: Int, from index: Int) -> [String] {
    reached.insert(target)
    guard target != index + 1 else { return [] }
    targets.insert(target)
    return ["goto L\(target);"]
  }

  private mutating func branch(_ condition: String, at index: Int) -> [String] {
    let (jt, jf) = flow.targets(of: index)
    if jt == jf { return jump(to: jt, from: index) }
    if jt == index + 1 {
      reached.insert(jt)
      return ["if (!(\(condition)))"] + jump(to: jf, from: index).map { "  " + $0 }
    }
    return ["if (\(condition))"] + jump(to: jt, from: index).map { "  " + $0 } + jump(to: jf, from: index)
  }
}
