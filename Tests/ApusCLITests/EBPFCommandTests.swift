import Foundation
import TestSupport
import Testing

/// eBPF on the command line: printing a filter as an eBPF program, and running eBPF programs.
@Suite struct EBPFCommandTests {
  @Test func programsAreRunFromEveryForm() throws {
    let text = try Subprocess.apus(
      "--run-ebpf", "-", "--memory", "01 02", stdin: Data("r0 = *(u16 *)(r1 + 0)\nexit".utf8))
    #expect(text.output == "0000000000000201\n" && text.status == 0)
    let digits = try Subprocess.apus(
      "--run-ebpf", "-", "--memory", "", stdin: Data("b7000000ffffffff9500000000000000".utf8))
    #expect(digits.output == "ffffffffffffffff\n")
    let octets = Data([0xb7, 0, 0, 0, 5, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0])
    #expect(try Subprocess.apus("--run-ebpf", "-", stdin: octets).output == "0000000000000005\n")
  }

  @Test(arguments: [
    ("r0 = 5", "the last instruction is neither 'exit' nor 'goto'"), ("call 99\nexit", "helper 99 is not modelled"),
    ("r0 = *(u8 *)(r1 + 0)\nexit", "reads 1 byte"), ("goto -1", "did not end within 1000000 steps"),
  ])
  func whatCannotRunIsRefused(_ text: String, _ message: String) throws {
    let outcome = try Subprocess.apus("--run-ebpf", "-", stdin: Data(text.utf8))
    #expect(outcome.status == 1 && outcome.output == "")
    #expect(outcome.errors.hasPrefix("apus: -:") && outcome.errors.contains(message) && outcome.errors.hasSuffix("\n"))
  }

  @Test(arguments: [
    ["--emit", "java", "ip"], ["--emit", "c", "--program-type", "kprobe", "ip"], ["--memory", "00", "ip"],
    ["--run-ebpf", "-", "--memory", "0"], ["--program-type", "xdp", "ip"], ["--kernel-filter", "none", "-d", "ip"],
    ["--emit", "ebpf", "--program-type", "xdp", "--linux-extensions", "vlan"],
  ])
  func wrongWordsAreRefused(_ arguments: [String]) throws {
    let outcome = try Subprocess.run(Subprocess.apusPath(), arguments)
    #expect(outcome.status == 1 && outcome.output == "" && outcome.errors.hasPrefix("apus: "), "\(outcome.errors)")
  }

  /// Runs an emitted program on an IPv4 packet and on a packet with another EtherType.
  @Test(arguments: [("socket", "40000", "0"), ("tc", "0", "2"), ("xdp", "2", "1")])
  func emittedProgramsRun(_ type: String, _ accepted: String, _ rejected: String) throws {
    for form in ["ebpf", "ebpf-bytes", "ebpf-elf"] {
      let file = try Subprocess.temporaryFile(suffix: ".ebpf")
      defer { Subprocess.remove(file) }
      let written = try Subprocess.apus("--emit", form, "--program-type", type, "-w", file, "ip")
      #expect(written.status == 0 && written.output == "")
      for (etherType, result) in [("0800", accepted), ("86dd", rejected), ("08", rejected)] {
        let memory = String(repeating: "00", count: 12) + etherType
        let outcome = try Subprocess.apus("--run-ebpf", file, "--program-type", type, "--memory", memory)
        let expected = String(repeating: "0", count: 16 - result.count) + result
        #expect(outcome.output == expected + "\n", "\(form): \(outcome.errors)")
      }
    }
  }

  @Test func everyFormNamesTheExpression() throws {
    for form in ["ebpf", "ebpf-elf", "c"] {
      let outcome = try Subprocess.apus("--emit", form, "udp port 53")
      #expect(String(decoding: outcome.stdout, as: UTF8.self).contains("udp port 53"), "\(form)")
    }
  }
}
