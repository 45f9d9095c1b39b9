import Capture
import Dissect
import PacketCore
import Protocols

/// Where a shell finds what may be the value of an option: the name of the value promises it.
enum ValueSource {
  /// One of these words.
  case words([String])
  /// One of these words, which something else follows at once.
  case beginnings([String])
  /// What the system has at the moment.
  case files, programs, users, interfaces
  /// Nobody but the user knows.
  case unknown

  init(_ option: DeclaredOption) {
    guard option.alternatives.isEmpty else {
      self = .words(option.alternatives)
      return
    }
    switch option.valueName {
    case "file": self = .files
    case "program": self = .programs
    case "user": self = .users
    case "interface": self = .interfaces
    case "engine": self = .words(CaptureEngine.allCases.map(\.rawValue))
    case "link-type": self = .words(LinkType.all.compactMap(\.name))
    case "clock": self = .words(LiveCapture.timestampTypeNames)
    case "payload-type": self = .words(PayloadType.allCases.filter(\.isPrinted).map(\.rawValue))
    case "topic": self = .words(HelpTopic.words)
    case "condition": self = .beginnings(Autostop.conditions.map { "\($0):" })
    default: self = .unknown
    }
  }
}
