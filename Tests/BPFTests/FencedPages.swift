import Foundation

/// Memory between two pages that may not be touched: a read outside it ends the process.
@safe
struct FencedPages: ~Copyable {
  private let start: UnsafeMutableRawPointer
  private let size: Int
  private static let page = 4096

  /// So many pages. Gives nil where there is no memory for them.
  init?(pages count: Int = 1) {
    size = count * Self.page
    let pages = unsafe mmap(nil, size + 2 * Self.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let pages = unsafe pages, unsafe pages != MAP_FAILED else { return nil }
    guard unsafe mprotect(pages + Self.page, size, PROT_READ | PROT_WRITE) == 0 else { return nil }
    unsafe start = pages
  }

  deinit { unsafe munmap(start, size + 2 * Self.page) }

  /// Lends `octets`, cut to what the pages hold, as they lie next to the fence at the end or at the start.
  func lend<Result>(_ octets: [UInt8], atEnd: Bool = true, _ body: (RawSpan) -> Result) -> Result {
    let count = min(octets.count, size)
    let offset = Self.page + (atEnd ? size - count : 0)
    // Safe: the octets lie within the pages between the fences.
    return unsafe octets.withUnsafeBytes { octets in
      unsafe (start + offset).copyMemory(from: octets.baseAddress ?? UnsafeRawPointer(start), byteCount: count)
      return body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: start + offset, count: count)))
    }
  }
}
