extension TextBuffer {
  /// Replaces the four bytes at `offset` by a word, in the host's byte order. Does nothing unless the buffer holds all of them.
  public mutating func overwrite(at offset: Int, _ word: UInt32) {
    guard offset >= 0, offset <= count - 4 else { return }
    // Safe: the guard proved that the four bytes are in the buffer.
    unsafe UnsafeMutableRawPointer(base + offset).storeBytes(of: word, as: UInt32.self)
  }
}
