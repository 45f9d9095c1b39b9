import Glibc

/// The part of a stream that is being walked over, in memory that grows with the longest record.
@safe
final class StreamBuffer {
  /// Where the octets come from.
  private enum Source {
    case plain(DescriptorReader)
    case compressed(DecompressionThread)
  }

  private let source: Source
  private var memory: UnsafeMutableRawPointer
  /// Octets that there is room for.
  private var capacity = initialSize
  /// The first octet in memory, from the start of the stream.
  private var start = 0
  /// Octets in memory.
  private var count = 0
  /// The stream has ended.
  private(set) var isComplete = false

  /// Octets of memory at first.
  private static let initialSize = 1 << 18

  /// A stream from `reader`, decompressed, with so many threads at most, where it begins with the magic of a compressed form. Waits for its
  /// first octets.
  init(_ reader: DescriptorReader, path: String, interrupt: CInt, threads: Int) throws(SavefileError) {
    let magic: [UInt8]
    do throws(Fault) {
      magic = try reader.peek(4, interrupt: interrupt)
    } catch {
      throw SavefileError(path: path, kind: error.kind, message: error.message)
    }
    if let compression = Compression(magic: magic) {
      // Two threads are busy already: the one that decompresses, and who reads.
      let threads = threads > 2 ? threads : 1
      source = .compressed(try DecompressionThread(reader, compression, threads: threads, path: path))
    } else {
      source = .plain(reader)
    }
    guard let memory = unsafe malloc(Self.initialSize) else { throw SavefileError(path: path, errno: ENOMEM) }
    unsafe self.memory = memory
  }

  deinit {
    if case .compressed(let thread) = source { thread.finish() }
    unsafe free(memory)
  }

  /// What is in memory. To be read again after `fill`.
  var window: FileWindow {
    unsafe FileWindow(memory, count: count, start: start)
  }

  /// True where the octets are what a compressed file holds.
  var isCompressed: Bool {
    if case .compressed = source { true } else { false }
  }

  /// Lets decompression, where there is any, run ahead in a thread of its own.
  func runAhead() {
    if case .compressed(let thread) = source { thread.start() }
  }

  /// Adds octets after those in memory, and gives up those before `offset`.
  func fill(keepingFrom offset: Int) throws(Fault) -> Supply {
    if isComplete { return .end }
    try makeRoom(offset)
    // Safe: makeRoom() has left room after `count`.
    let room = unsafe UnsafeMutableRawBufferPointer(start: memory + count, count: capacity - count)
    let supply = try unsafe read(room)
    switch supply {
    case .octets(let received): count += received
    case .end: isComplete = true
    case .idle: break
    }
    return supply
  }

  private func read(_ room: UnsafeMutableRawBufferPointer) throws(Fault) -> Supply {
    switch source {
    case .plain(let reader): try unsafe reader.read(into: room)
    case .compressed(let thread): try unsafe thread.read(into: room)
    }
  }

  /// Moves what is kept to the start of the memory, and makes the memory larger where it is full all the same.
  private func makeRoom(_ offset: Int) throws(Fault) {
    let kept = min(max(offset &- start, 0), count)
    // Where most of the memory is free, there is nothing to do.
    guard capacity - count < capacity / 2 else { return }
    if kept > 0 {
      // Safe: the range lies within the memory; the ranges may overlap.
      unsafe memmove(memory, memory + kept, count - kept)
      start &+= kept
      count &-= kept
    }
    guard capacity - count < capacity / 2 else { return }
    // Nothing is lost where there is none: the old memory stays.
    guard let larger = unsafe realloc(memory, capacity * 2) else {
      throw .malformed(at: start, "out of memory for a block of \(capacity) bytes or more")
    }
    unsafe memory = larger
    capacity *= 2
  }

  /// True where there are octets to add, or the end is known, without waiting.
  var isReady: Bool {
    switch source {
    case .plain(let reader): reader.isReady
    case .compressed(let thread): thread.isReady
    }
  }

  /// Waits as `DescriptorReader.wait` does.
  func wait(milliseconds: Int32, interrupt: CInt) -> Bool {
    switch source {
    case .plain(let reader): reader.wait(milliseconds: milliseconds, interrupt: interrupt)
    case .compressed(let thread): thread.wait(milliseconds: milliseconds, interrupt: interrupt)
    }
  }
}
