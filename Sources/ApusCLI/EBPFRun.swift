import BPF
import EBPF

/// The settings of `--run-ebpf`.
struct EBPFRun {
  /// The file with the program.
  let file: FilterFile
  /// The section of an object file; nil for the only section with instructions.
  let section: String?
  /// Memory that the program may read and write, or the packet.
  let memory: [UInt8]
  /// The program type, whose context is passed to the program; nil to pass the memory itself.
  let type: EBPFProgramType?

  init?(_ options: EBPFOptions) throws(CommandError) {
    guard let path = options.run else { return nil }
    guard let memory = EBPFFile.octets(hexadecimal: (options.memory ?? "").utf8) else {
      throw CommandError("--memory requires pairs of hexadecimal digits")
    }
    file = try FilterFile(path)
    section = options.section
    self.memory = memory
    type = try options.programType.map { name throws(CommandError) in try EBPFProgramType(option: name) }
  }

  /// Runs the program and returns its r0.
  func result() throws(CommandError) -> UInt64 {
    let (octets, path) = (try file.octets(), file.path)
    let program: EBPFProgram
    do throws(AssemblyError) {
      program = try EBPFFile.program(octets, section: section)
    } catch {
      throw CommandError("\(path):\(error.line.map { "\($0):" } ?? "") \(error.message)")
    }
    do throws(EBPFFault) {
      let machine = try EBPFMachine(program)
      var reach =
        type.map { EBPFMemory(packet: memory, len: UInt32(clamping: memory.count), for: $0) }
        ?? EBPFMemory(octets: memory)
      return try machine.run(&reach)
    } catch {
      throw CommandError("\(path): \(error)")
    }
  }
}

extension EBPFProgramType {
  /// The argument of `--program-type`.
  init(option name: String) throws(CommandError) {
    guard let type = Self(name: name) else {
      throw CommandError("unknown program type '\(name)': use socket, xdp or tc")
    }
    self = type
  }
}
