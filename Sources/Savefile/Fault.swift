/// What is wrong with a savefile, and where.
struct Fault: Error {
  var kind: SavefileError.Kind
  /// From the start of the file.
  var offset: Int
  /// In words, without the offset.
  var message: String

  /// The file contradicts itself or its format at `offset`.
  @inline(never)
  static func malformed(at offset: Int, _ message: String) -> Fault {
    Fault(kind: .malformed, offset: offset, message: message)
  }

  /// The file ends, together with `window`, before the end of `what` at `offset`.
  @inline(never)
  static func truncated(_ window: FileWindow, _ what: String, at offset: Int) -> Fault {
    Fault(
      kind: .truncated, offset: offset,
      message: "truncated capture file: \(what) at offset \(offset) has only \(window.end - offset)")
  }
}
