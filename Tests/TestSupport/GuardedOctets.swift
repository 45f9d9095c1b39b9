import Glibc

/// Memory between two inaccessible pages: a read outside of it ends the process.
@safe public struct GuardedOctets: ~Copyable {
  private let base: UnsafeMutableRawPointer
  private let pageSize: Int
  private let capacity: Int

  /// Room for `capacity` bytes, rounded up to whole pages. Nil if the memory cannot be mapped.
  public init?(capacity: Int = 1 << 16) {
    pageSize = Int(sysconf(CInt(_SC_PAGESIZE)))
    self.capacity = (capacity + pageSize - 1) / pageSize * pageSize
    let length = self.capacity + 2 * pageSize
    let mapping = unsafe mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else { return nil }
    // Safe: the middle of the mapping, without the first and the last page.
    guard unsafe mprotect(mapping + pageSize, self.capacity, PROT_READ | PROT_WRITE) == 0 else {
      unsafe munmap(mapping, length)
      return nil
    }
    unsafe base = mapping
  }

  deinit { unsafe munmap(base, capacity + 2 * pageSize) }

  /// Passes a copy of the bytes that ends at the guard page after the room (`atEnd`), or starts at the guard page before it. Bytes that do
  /// not fit are passed without a copy.
  public mutating func lend<Result>(_ octets: [UInt8], atEnd: Bool, _ body: (RawSpan) -> Result) -> Result {
    guard octets.count <= capacity else { return unsafe body(octets.span.bytes) }
    let start = unsafe base + pageSize + (atEnd ? capacity - octets.count : 0)
    // Safe: the bytes fit between the two pages, and nobody else writes there while they are valid.
    return unsafe octets.withUnsafeBytes { source in
      if let first = source.baseAddress { unsafe start.copyMemory(from: first, byteCount: source.count) }
      return unsafe body(RawSpan(_unsafeStart: start, byteCount: source.count))
    }
  }
}
