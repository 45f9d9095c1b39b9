extension TextBuffer {
  /// Puts a word, in the host's byte order, in the place of the four octets at `offset`. Nothing where they are not all held.
  public mutating func overwrite(at offset: Int, _ word: UInt32) {
    guard offset >= 0, offset <= count - 4 else { return }
    // Safe: the guard proved that the four octets are among those held.
    unsafe UnsafeMutableRawPointer(base + offset).storeBytes(of: word, as: UInt32.self)
  }
}
