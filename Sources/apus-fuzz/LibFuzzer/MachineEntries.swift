import BPF
import EBPF
import PacketCore
import TestSupport

/// A program, as text, as a cBPF savefile or as instructions, and a packet: the program must be refused, or run by every machine with the
/// same verdict.
final class BytecodeEntry: FuzzEntry {
  private var agreement = Agreement(asksKernel: false)

  func take(_ input: [UInt8]) {
    var input = FuzzInput(input)
    let flags = input.octet()
    let packet = input.octets(Int(input.octet()))
    let len = flags & 4 != 0 ? UInt32(packet.count) + UInt32(input.octet()) : UInt32(packet.count)
    if flags & 1 == 0 {
      do throws(AssemblyError) {
        check(try Bytecode(Array(input.rest)).program, packet, len)
      } catch {
        if error.message.isEmpty { fault("refused without a word") }
      }
      return
    }
    var instructions: [Instruction] = []
    while !input.rest.isEmpty {
      // Any code, or only existing ones.
      let code = flags & 2 != 0 ? input.word() : input.pick(Opcode.allCases).rawValue
      instructions.append(
        Instruction(
          code: code, jt: input.octet(), jf: input.octet(), k: UInt32(input.word()) << 16 | UInt32(input.word())))
    }
    do throws(ProgramError) {
      check(try Program(validating: instructions), packet, len)
    } catch {
      if error.index >= max(1, instructions.count) { fault("no such instruction: \(error)") }
    }
  }

  private func check(_ program: Program, _ packet: [UInt8], _ len: UInt32) {
    if !Libpcap.isValid(program.instructions) { fault("libpcap refuses \(program)") }
    if let disagreement = agreement.check(program, [SavedPacket(octets: packet, len: len)]) { fault("\(disagreement)") }
    for form in DumpForm.allCases {
      let text = Self.text(program, form)
      checkText(text)
      // Not every format stores fields that an instruction does not use.
      guard let copy = try? Bytecode(text).program, Self.text(copy, form) == text else {
        fault("not read back as \(form): \(String(decoding: text, as: UTF8.self))")
      }
    }
  }

  private static func text(_ program: Program, _ form: DumpForm) -> [UInt8] {
    var text = TextBuffer()
    program.write(form, to: &text)
    return text.octets
  }
}

/// An eBPF program from a file of any form, and its memory: the program must be refused, or run within bounds.
final class EBPFEntry: FuzzEntry {
  func take(_ input: [UInt8]) {
    var input = FuzzInput(input)
    let type = input.pick([nil] + EBPFProgramType.allCases.map(Optional.some))
    let memory = input.octets(Int(input.octet()))
    let program: EBPFProgram
    do throws(AssemblyError) {
      program = try EBPFFile.program(Array(input.rest))
    } catch {
      if error.message.isEmpty { fault("refused without a word") }
      return
    }
    var text = TextBuffer()
    program.write(to: &text)
    checkText(text.octets)
    do throws(EBPFFault) {
      let machine = try EBPFMachine(program, stepLimit: 10_000)
      var reach =
        type.map { EBPFMemory(packet: memory, len: UInt32(memory.count), for: $0) } ?? EBPFMemory(octets: memory)
      _ = try machine.run(&reach)
    } catch {
      checkText("\(error)")
    }
  }
}
