import Glibc

/// The program of `-z`, which is looked up before the first packet, and its arguments.
struct PostRotateProgram: Sendable, Equatable {
  /// The path of the program.
  let path: String
  /// Its name as the user gave it, and the arguments before the file's name.
  let words: [String]

  /// Parses the value of `-z`: the name of a program, which may contain blanks, or a name and arguments separated by blanks, as in `gzip
  /// -9`. A part between quotation marks ('…' or "…") is one word. No shell is involved. Throws if there is no such program.
  init(_ text: String) throws(CommandError) {
    if text.utf8.contains(UInt8(ascii: "/")), Self.isProgram(text) {
      (path, words) = (text, [text])
      return
    }
    words = try Self.words(text)
    guard let name = words.first, !name.isEmpty else { throw CommandError("-z needs the name of a program") }
    path = try Self.find(name)
  }

  private static func words(_ text: String) throws(CommandError) -> [String] {
    var words: [String] = []
    var word: String.UnicodeScalarView?
    var quote: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if let open = quote {
        if scalar == open { quote = nil } else { word?.append(scalar) }
      } else if scalar == "'" || scalar == "\"" {
        quote = scalar
        word = word ?? String.UnicodeScalarView()
      } else if scalar == " " || scalar == "\t" || scalar == "\n" {
        if let whole = word.take() { words.append(String(whole)) }
      } else {
        word = word ?? String.UnicodeScalarView()
        word?.append(scalar)
      }
    }
    if quote != nil { throw CommandError("-z \(text): a quotation mark is not closed") }
    if let whole = word { words.append(String(whole)) }
    return words
  }

  /// The path of the program, searched for as execvp(3) does.
  private static func find(_ name: String) throws(CommandError) -> String {
    if name.utf8.contains(UInt8(ascii: "/")) {
      guard !isProgram(name) else { return name }
      throw CommandError("-z: \(name) cannot be run: \(unsafe String(cString: strerror(errno)))")
    }
    // Safe: the environment is not changed while the program runs.
    let folders = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/bin:/usr/bin"
    for folder in folders.split(separator: ":", omittingEmptySubsequences: false) {
      let path = folder.isEmpty ? "./\(name)" : "\(folder)/\(name)"
      if isProgram(path) { return path }
    }
    throw CommandError("-z: \(name): no such program in PATH")
  }

  /// True for a regular file that may be executed; otherwise errno has the reason.
  private static func isProgram(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return false }
    guard status.st_mode & S_IFMT == S_IFREG else {
      errno = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EACCES
      return false
    }
    return unsafe faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0
  }
}
