import Glibc

/// When text is coloured (`--color`).
enum ColorChoice: String, Sendable {
  /// On a terminal, unless `TERM` is `dumb` or `NO_COLOR` is set (no-color.org).
  case auto
  case always, never

  /// The argument of the flag; `auto` if it is missing.
  init(_ options: PrintingOptions) throws(CommandError) {
    let name = options.color ?? "auto"
    guard let choice = Self(rawValue: name) else {
      throw CommandError("unknown colour choice '\(name)': use auto, always or never")
    }
    self = choice
  }

  /// True if text written to that descriptor is coloured.
  func applies(to descriptor: CInt) -> Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto: isatty(descriptor) == 1 && !Self.isRefused && Terminal.takesSequences
    }
  }

  private static var isRefused: Bool {
    // Safe: the environment is not changed while the program runs.
    guard let value = unsafe getenv("NO_COLOR") else { return false }
    return unsafe value.pointee != 0
  }
}

/// The terminal that a descriptor refers to, if it does.
enum Terminal {
  /// Its columns and rows; nil if the descriptor is not a terminal. A terminal that does not report its size has 80 and 24.
  static func size(_ descriptor: CInt) -> (columns: Int, rows: Int)? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    // Safe: the request fills in the structure that is passed.
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return (80, 24) }
    return (size.ws_col > 0 ? Int(size.ws_col) : 80, size.ws_row > 0 ? Int(size.ws_row) : 24)
  }

  /// `TERM` names a terminal that understands the control sequences of ECMA-48: it is neither missing nor `dumb`.
  static var takesSequences: Bool {
    // Safe: the environment is not changed while the program runs.
    guard let terminal = unsafe getenv("TERM") else { return false }
    return unsafe strcmp(terminal, "dumb") != 0
  }

  /// The locale uses UTF-8, according to the first of these variables that is set and not empty (locale(7)).
  static var isUTF8: Bool {
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
      // Safe: the environment is not changed while the program runs.
      guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { continue }
      let locale = unsafe String(cString: value).lowercased()
      return locale.hasSuffix("utf-8") || locale.hasSuffix("utf8")
    }
    return false
  }
}
