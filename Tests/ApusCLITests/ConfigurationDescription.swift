import PacketCore

@testable import ApusCLI

/// The configuration of a command line as text: the values that differ from the defaults, or the error that refuses it.
enum ConfigurationDescription {
  /// The configuration of these arguments.
  static func of(_ arguments: [String]) -> String {
    do throws(CommandError) {
      let defaults = Set(parts(of: try Configuration(ApusCommandLine.options([String]()))))
      let stated = parts(of: try Configuration(ApusCommandLine.options(arguments)))
      return stated.filter { !defaults.contains($0) }.joined(separator: "; ")
    } catch {
      return "refused: \(error.description.split(separator: "\n").joined(separator: " / "))"
    }
  }

  /// Every stored value, `path.of.names=value`.
  private static func parts(of configuration: Configuration) -> [String] {
    var parts: [String] = []
    append(configuration, "", 0, to: &parts)
    return parts
  }

  private static func append(_ value: Any, _ path: String, _ depth: Int, to parts: inout [String]) {
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional?:
      guard let wrapped = mirror.children.first else {
        parts.append("\(path)=nil")
        return
      }
      append(wrapped.value, path, depth, to: &parts)
    case .enum?:
      guard let payload = mirror.children.first else {
        parts.append("\(path)=\(value)")
        return
      }
      append(payload.value, "\(path)=\(payload.label ?? "")", depth + 1, to: &parts)
    case .collection?, .set?, .dictionary?:
      parts.append("\(path)=\(value)")
    case .struct?, .class?, .tuple?:
      guard !mirror.children.isEmpty, depth < 8 else {
        parts.append("\(path)=\(mirror.subjectType)")
        return
      }
      // Descriptors and clocks differ from run to run.
      for child in mirror.children where child.label != "descriptor" && !(child.value is MonotonicTime) {
        append(child.value, path.isEmpty ? child.label ?? "" : "\(path).\(child.label ?? "")", depth + 1, to: &parts)
      }
    default:
      parts.append("\(path)=\(value)")
    }
  }
}
