public import BPF
import Glibc

/// Why the kernel rejected a program.
public struct KernelRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number of the error (errno).
  public let code: Int32
  /// The verifier's error message; empty if there was none.
  public let complaint: String
  /// The instruction that it refers to; nil if that is not reported.
  public let index: Int?
  /// The words of the expression that the instruction came from.
  public let source: SourceRange?

  /// Extracts the error from the verifier's log for `program`: a line for each instruction that it examined, `12: (71) r0 = …`, of which
  /// the last is the faulty one, then the error and a summary.
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

  /// The refusal of something other than the verifier.
  public init(code: Int32, complaint: String) {
    self.code = code
    self.complaint = complaint
    index = nil
    source = nil
  }

  /// The number of the instruction that a line shows; nil if it does not show one.
  private static func instruction(_ line: Substring) -> Int? {
    let parts = line.split(separator: " ", maxSplits: 2)
    guard parts.count > 1, parts[0].hasSuffix(":"), parts[1].hasPrefix("(") else { return nil }
    return Int(parts[0].dropLast())
  }

  /// The number of the instruction before which a line shows the register contents, `12: R0=0 …`; nil if it does not.
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
