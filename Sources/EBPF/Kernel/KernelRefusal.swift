public import BPF
import Glibc

/// Why the kernel did not take a program.
public struct KernelRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number of the error (errno).
  public let code: Int32
  /// The verifier's complaint; empty if it made none.
  public let complaint: String
  /// The instruction that it was about; nil if that is not reported.
  public let index: Int?
  /// The words of the expression that the instruction comes from.
  public let source: SourceRange?

  /// Finds the complaint in what the verifier wrote of `program`: a line for each instruction that it looked at, `12: (71) r0 = …`, the last
  /// of which is the one at fault, the complaint, and a summary.
  init(code: Int32, log: String, _ program: EBPFProgram) {
    self.code = code
    var index: Int?
    var complaint: [Substring] = []
    for line in log.split(separator: "\n") {
      if line.hasPrefix("processed ") { break }
      if let number = Self.instruction(line) {
        index = number
        complaint.removeAll()
      } else if !line.hasPrefix(";"), !line.hasPrefix("from "), Self.stateOfInstruction(line) == nil {
        complaint.append(line)
      }
    }
    self.complaint = complaint.suffix(3).joined(separator: "; ")
    self.index = index
    source = index.flatMap { program.sources.indices.contains($0) ? program.sources[$0] : nil }
  }

  /// The number of the instruction that a line shows; nil if it shows none.
  private static func instruction(_ line: Substring) -> Int? {
    let parts = line.split(separator: " ", maxSplits: 2)
    guard parts.count > 1, parts[0].hasSuffix(":"), parts[1].hasPrefix("(") else { return nil }
    return Int(parts[0].dropLast())
  }

  /// The number of the instruction before which a line shows what registers hold, `12: R0=0 …`; nil if it shows none.
  private static func stateOfInstruction(_ line: Substring) -> Int? {
    guard let colon = line.firstIndex(of: ":") else { return nil }
    return Int(line[..<colon])
  }

  public var description: String {
    switch code {
    case EPERM where complaint.isEmpty:
      "bpf(2) was refused: run as root, or with cap_bpf and cap_net_admin; a container may refuse it to root as well"
    case ENOSYS: "this kernel has no eBPF"
    default:
      if complaint.isEmpty {
        "the kernel refuses the eBPF program: \(unsafe String(cString: strerror(code)))"
      } else {
        "the kernel's verifier refuses the eBPF program"
          + (index.map { " at instruction \($0): " } ?? ": ") + complaint
      }
    }
  }
}
