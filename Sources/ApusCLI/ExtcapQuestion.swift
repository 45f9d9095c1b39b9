import Capture
import Filter
import PacketCore

/// A request of Wireshark that is answered on standard output, in sentences of extcap(4): `word {key=value}{key=value}…`, one per line.
enum ExtcapQuestion {
  case version
  case interfaces
  /// The link type of a device.
  case linkTypes(of: String)
  /// The settings for a capture on a device.
  case arguments(of: String)
  /// Whether a filter is valid: the answer is empty, or the error. Without a device the filter is compiled for Ethernet.
  case filter(String, on: String?)
}

/// A sentence of extcap(4).
private struct Sentence {
  private var text: String

  init(_ word: String) { text = "\(word) " }

  /// The same sentence with another value. Characters that would end the value are replaced.
  func with(_ key: String, _ value: String) -> Sentence {
    var sentence = self
    sentence.text += "{\(key)="
    for scalar in value.unicodeScalars {
      switch scalar {
      case "{": sentence.text += "("
      case "}": sentence.text += ")"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f: sentence.text += " "
      default: sentence.text.unicodeScalars.append(scalar)
      }
    }
    sentence.text += "}"
    return sentence
  }

  func write(to out: inout TextBuffer) {
    out.write(text)
    out.write("\n")
  }
}

/// A setting that Wireshark offers to the user and passes as `flag` when it captures.
private struct ExtcapArgument {
  let flag: String
  let display: String
  let tooltip: String
  let type: String
  var details: [(key: String, value: String)] = []
  /// The values to choose from, the default first.
  var choices: [(value: String, display: String)] = []

  /// All settings, in the order in which Wireshark shows them. Their flags are those of an ordinary capture.
  static let all = [
    ExtcapArgument(
      flag: "--snapshot-length", display: "Snapshot length (bytes)",
      tooltip: "Bytes to capture of each packet; 0 for all.",
      type: "unsigned", details: [("range", "0,262144"), ("default", "262144")]),
    ExtcapArgument(
      flag: "--buffer-size", display: "Buffer (KiB)", tooltip: "Size of the kernel's buffer.", type: "unsigned",
      details: [("range", "1,2097151"), ("default", "\(LiveCapture.Settings.defaultBufferSize >> 10)")]),
    ExtcapArgument(
      flag: "--no-promiscuous-mode", display: "Not promiscuous",
      tooltip: "Do not put the interface into promiscuous mode.",
      type: "boolflag", details: [("default", "false")]),
    ExtcapArgument(
      flag: "--direction", display: "Direction", tooltip: "Capture received packets, sent packets, or both.",
      type: "selector",
      choices: [("inout", "received and sent"), ("in", "received"), ("out", "sent")]),
    ExtcapArgument(
      flag: "--kernel-filter", display: "Filter in the kernel",
      tooltip: "How the filter is installed in the kernel; apus checks every packet again.", type: "selector",
      choices: [("auto", "what it takes"), ("classic", "classic BPF"), ("ebpf", "eBPF")]),
    ExtcapArgument(
      flag: "--wait-interface", display: "Wait for the interface",
      tooltip: "Keep capturing when the interface goes down or disappears and comes back, and mark the gap.",
      type: "boolflag",
      details: [("default", "false")]),
  ]

  func write(number: Int, to out: inout TextBuffer) {
    var sentence = Sentence("arg").with("number", "\(number)").with("call", flag).with("display", display)
      .with("tooltip", tooltip).with("type", type)
    for (key, value) in details { sentence = sentence.with(key, value) }
    sentence.with("group", "Capture").write(to: &out)
    for (index, choice) in choices.enumerated() {
      Sentence("value").with("arg", "\(number)").with("value", choice.value).with("display", choice.display)
        .with("default", index == 0 ? "true" : "false").write(to: &out)
    }
  }
}

extension Command {
  func answer(_ question: ExtcapQuestion) throws(CommandError) {
    switch question {
    case .version: try write(Self.writeVersion)
    case .interfaces:
      let interfaces = try Self.capturing { () throws(CaptureError) in try InterfaceList.all() }
      try write { out in
        Self.writeVersion(&out)
        for interface in interfaces where !interface.name.contains(where: { "{}".contains($0) }) {
          Sentence("interface").with("value", ExtcapRequest.prefix + interface.name)
            .with("display", "apus: \(interface.name)").write(to: &out)
        }
        Sentence("control").with("number", "\(ExtcapLog.control)").with("type", "button").with("role", "logger")
          .with("display", "Log").with("tooltip", "Messages of apus about the capture").write(to: &out)
      }
    case .linkTypes(let device):
      let type = try linkType(of: device)
      try write { out in
        Sentence("dlt").with("number", "\(type.rawValue)").with("name", type.name ?? "DLT\(type.rawValue)")
          .with("display", type.details ?? type.words).write(to: &out)
      }
    case .arguments(let device):
      guard InterfaceList.isPresent(device) else {
        throw CommandError("\(device): no such interface (apus -D lists them)")
      }
      try write { out in
        for (number, argument) in ExtcapArgument.all.enumerated() { argument.write(number: number, to: &out) }
      }
    case .filter(let filter, let device):
      let type = try device.map { device throws(CommandError) in try linkType(of: device) } ?? .ethernet
      let options = compileOptions(type, snaplen: configuration.live.snaplen, target: .machine)
      do throws(FilterError) {
        _ = try FilterCompiler.compile(filter, options)
      } catch {
        let reason = error.rendered(expression: filter)
        try write { $0.write(reason) }
      }
    }
  }

  private static func writeVersion(_ out: inout TextBuffer) {
    Sentence("extcap").with("version", version).with("display", "apus").write(to: &out)
  }

  private func linkType(of device: String) throws(CommandError) -> LinkType {
    let settings = configuration.live
    return try Self.capturing { () throws(CaptureError) in try LiveCapture.linkType(device: device, settings) }
  }
}
