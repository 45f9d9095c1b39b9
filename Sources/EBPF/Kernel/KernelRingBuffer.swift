import Glibc
import Synchronization

/// Records that programs pass to this process (`BPF_MAP_TYPE_RINGBUF`), in the order in which they were reserved. Reading needs no system
/// call and no privilege.
///
/// The mapping begins with a page for the read position, which this process writes, and one for the write position. The records follow,
/// mapped twice in a row so that each is contiguous. A record begins with 8 bytes, the first four of which are its length and two flags.
@safe public struct KernelRingBuffer: ~Copyable {
  public let map: KernelMap
  private let consumer: UnsafeMutableRawPointer
  private let producer: UnsafeMutableRawPointer
  private let pageSize: Int
  private let size: Int

  private static let busy: UInt32 = 1 << 31
  private static let discarded: UInt32 = 1 << 30
  private static let headerSize = 8

  /// Makes a buffer of `size` bytes, a power of two and a multiple of the page size. Throws where the kernel refuses.
  public init(size: Int) throws(KernelError) {
    let map = try KernelMap(.ringBuffer, capacity: size)
    let pageSize = sysconf(CInt(_SC_PAGESIZE))
    let first = unsafe mmap(nil, pageSize, PROT_READ | PROT_WRITE, MAP_SHARED, map.descriptor, 0)
    guard let first = unsafe first, unsafe first != MAP_FAILED else {
      throw KernelError("the ring buffer cannot be mapped", errno: errno)
    }
    let second = unsafe mmap(nil, pageSize + 2 * size, PROT_READ, MAP_SHARED, map.descriptor, pageSize)
    guard let second = unsafe second, unsafe second != MAP_FAILED else {
      let code = errno
      unsafe munmap(first, pageSize)
      throw KernelError("the ring buffer cannot be mapped", errno: code)
    }
    self.map = map
    unsafe consumer = first
    unsafe producer = second
    self.pageSize = pageSize
    self.size = size
  }

  deinit {
    unsafe munmap(consumer, pageSize)
    unsafe munmap(producer, pageSize + 2 * size)
  }

  /// Passes each complete record to `body`, and frees its space.
  public func drain(_ body: (RawSpan) -> Void) {
    // Safe: both words are aligned, at the start of a mapped page, and an atomic of 64 bits is laid out like them.
    let readTo = unsafe consumer.assumingMemoryBound(to: Atomic<UInt64>.self)
    let writtenTo = unsafe producer.assumingMemoryBound(to: Atomic<UInt64>.self)
    var position = unsafe readTo.pointee.load(ordering: .relaxed)
    let end = unsafe writtenTo.pointee.load(ordering: .acquiring)
    // Every iteration advances by eight bytes or more.
    while position < end {
      // Safe: the offset is less than `size`, and the records are mapped in twice as many bytes.
      let header = unsafe producer + pageSize + Int(position & UInt64(size - 1))
      let word = unsafe header.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .acquiring)
      guard word & Self.busy == 0 else { break }
      let length = Int(word & ~(Self.busy | Self.discarded))
      guard length <= size - Self.headerSize else { break }
      if word & Self.discarded == 0 {
        body(
          unsafe RawSpan(
            _unsafeBytes: UnsafeRawBufferPointer(start: header + Self.headerSize, count: length)))
      }
      position += UInt64((length + Self.headerSize + 7) & ~7)
      unsafe readTo.pointee.store(position, ordering: .releasing)
    }
  }
}
