public import BPF
public import PacketCore

/// Corrupt programs: valid ones with random changes, as instructions and as files.
public struct CorruptPrograms: ~Copyable {
  public struct Outcome: Sendable {
    /// Mutants that the validator refused.
    public var refused = 0
    /// Mutants that are valid, and were run.
    public var accepted = 0
    /// Mutants on which the kernel or libpcap disagreed with the validator, and runs on which the machines disagreed.
    public var faults: [String] = []
    /// How often each rule refused a mutant.
    public var rules: [String: Int] = [:]
  }

  /// Valid programs to start from, in addition to random ones.
  private let recorded: [Program]
  private var programs: RandomProgram
  private var random: SeededRandom
  private var agreement = Agreement()

  public init(seed: UInt64, recorded: [Program] = []) {
    self.recorded = recorded
    programs = RandomProgram(seed: seed)
    programs.hasAncillaryLoads = true
    random = SeededRandom(seed: ~seed)
  }

  // MARK: Instructions

  /// Changes programs, and passes each mutant to the validator, the kernel and libpcap; valid mutants run in every machine.
  ///
  /// The validator must accept what the kernel accepts, and beyond that only programs that break rules that `Program.kernelRefusal` names;
  /// libpcap must accept everything that the validator accepts.
  public mutating func instructions(_ count: Int) -> Outcome {
    var outcome = Outcome()
    for _ in 0..<count {
      let mutant = mutant(of: valid())
      let taken = agreement.hasKernel ? !(KernelMachine(mutant) == nil) : nil
      do throws(ProgramError) {
        let program = try Program(validating: mutant)
        outcome.accepted += 1
        if let taken, taken != program.fitsKernel { outcome.faults.append("the kernel: \(taken), but \(program)") }
        if !Libpcap.isValid(mutant) { outcome.faults.append("libpcap refuses \(program)") }
        let packets = (0..<4).map { _ in programs.packet() }
        if let disagreement = agreement.check(program, packets) { outcome.faults.append("\(disagreement)") }
      } catch {
        outcome.refused += 1
        outcome.rules["\(error.rule)", default: 0] += 1
        if taken == true { outcome.faults.append("the kernel takes \(mutant), which is refused: \(error)") }
        if error.index >= max(1, mutant.count) { outcome.faults.append("no such instruction: \(error)") }
      }
    }
    return outcome
  }

  private mutating func valid() -> [Instruction] {
    if !recorded.isEmpty, random.next() & 1 == 0 { return recorded[below(recorded.count)].instructions }
    return programs.next()
  }

  private mutating func below(_ count: Int) -> Int { Int(random.next() % UInt64(max(1, count))) }

  /// The program after one to four changes.
  private mutating func mutant(of program: [Instruction]) -> [Instruction] {
    var mutant = program
    for _ in 0...below(4) {
      guard !mutant.isEmpty else { break }
      let index = below(mutant.count)
      switch below(11) {
      case 0: mutant[index].code ^= 1 << UInt16(below(16))
      case 1: mutant[index].code = Opcode.allCases[below(Opcode.allCases.count)].rawValue
      case 2: mutant[index].jt ^= 1 << UInt8(below(8))
      case 3: mutant[index].jf ^= 1 << UInt8(below(8))
      case 4, 5: mutant[index].k ^= 1 << UInt32(below(32))
      case 6: mutant[index].k = [0, 15, 16, 31, 32, .max, 0xffff_f000, 0xffff_f040, 0x7fff_ffff][below(9)]
      case 7: mutant.removeLast(1 + below(mutant.count))
      case 8: mutant.insert(mutant[below(mutant.count)], at: index)
      case 9: mutant.remove(at: index)
      default: mutant.swapAt(index, below(mutant.count))
      }
    }
    return mutant
  }

  // MARK: Files

  /// Changes the bytes of files that hold programs, in all forms; a file that still holds a program runs in every machine.
  public mutating func files(_ count: Int) -> Outcome {
    var outcome = Outcome()
    for _ in 0..<count {
      guard let program = try? Program(validating: valid()) else { continue }
      let file = mutant(of: file(of: program))
      do throws(AssemblyError) {
        let program = try Bytecode(file).program
        outcome.accepted += 1
        if let disagreement = agreement.check(program, [programs.packet()]) { outcome.faults.append("\(disagreement)") }
      } catch {
        outcome.refused += 1
        if error.message.isEmpty || error.message.utf8.count > 400 {
          outcome.faults.append("strange message: \(error)")
        }
      }
    }
    return outcome
  }

  /// The file of a program in a random form.
  private mutating func file(of program: Program) -> [UInt8] {
    let form = below(5)
    if form == 4 {
      var octets: [UInt8] = [0xa1, 0xb2, 0xc3, 0xcb, 0x63, 0x42, 0x50, 0x46, 1, 0, 0, 3, 0, 4, 0, 0, 0, 1]
      func append(_ number: some FixedWidthInteger) {
        octets += stride(from: number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
      }
      append(UInt16(clamping: program.instructions.count))
      for instruction in program.instructions {
        append(instruction.code)
        octets += [instruction.jt, instruction.jf]
        append(instruction.k)
      }
      return octets
    }
    var text = TextBuffer()
    program.write([.text, .cArray, .decimal, .decimal][form], to: &text)
    let octets = text.octets
    return form == 3 ? octets.map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: ",") : $0 } : octets
  }

  private static let words: [String] = [
    "\n", ",", "{", "}", "(", ")", ";", "#", "-", "+", "0x", "x", "M[", "[x + ", "4*([", "]&0xf)", "jt", "jf", "\t",
    "\0", "\u{1b}", "é",
    "4294967296", "-1", "99999999999999999999999", "ret", "ldx", "[vlanp]", "(000)", "65536", "1048577",
  ]

  /// The file after one or two changes.
  private mutating func mutant(of file: [UInt8]) -> [UInt8] {
    var mutant = file
    for _ in 0...below(2) {
      guard !mutant.isEmpty else { break }
      let index = below(mutant.count)
      let end = min(mutant.count, index + 1 + below(24))
      switch below(7) {
      case 0: mutant[index] ^= 1 << UInt8(below(8))
      case 1: mutant[index] = UInt8(truncatingIfNeeded: random.next())
      case 2: mutant.insert(contentsOf: Self.words[below(Self.words.count)].utf8, at: index)
      case 3: mutant.removeSubrange(index..<end)
      case 4: mutant.insert(contentsOf: Array(mutant[index..<end]), at: below(mutant.count))
      case 5: mutant.removeLast(1 + below(mutant.count))
      default: mutant[index] = UInt8(ascii: "0") &+ UInt8(below(10))
      }
    }
    return mutant
  }
}

extension TextBuffer {
  /// The bytes written.
  public var octets: [UInt8] {
    let bytes = bytes
    // Safe: each offset is below the number of bytes.
    return (0..<bytes.byteCount).map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
  }
}
