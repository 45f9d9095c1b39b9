/// How a terminal displays text: escape sequences of ECMA-48 (SGR).
public enum TextStyle: Sendable {
  case bold, dim, red, boldRed, green, yellow, magenta, cyan

  /// Begins the style.
  public var sequence: StaticString {
    switch self {
    case .bold: "\u{1b}[1m"
    case .dim: "\u{1b}[2m"
    case .red: "\u{1b}[31m"
    case .boldRed: "\u{1b}[1;31m"
    case .green: "\u{1b}[32m"
    case .yellow: "\u{1b}[33m"
    case .magenta: "\u{1b}[35m"
    case .cyan: "\u{1b}[36m"
    }
  }

  /// Ends all styles.
  public static let reset: StaticString = "\u{1b}[0m"
}

extension TextBuffer {
  /// Text in a style; nil writes the text without one.
  public mutating func write(_ text: some StringProtocol, in style: TextStyle?) {
    guard let style, !text.isEmpty else { return write(String(text)) }
    write(style.sequence)
    write(String(text))
    write(TextStyle.reset)
  }
}
