import CZlib
import CZstd
import Glibc
import PacketCore

/// Compresses bytes into members, each of which can be read by itself: gzip members (RFC 1952 section 2.2), or Zstandard frames with a
/// checksum (RFC 8878 section 3.1).
///
/// Every reader takes consecutive members as one file, so a file that ends after any of them is complete.
@safe
struct Compressor: ~Copyable {
  @safe private enum Machine {
    case gzip(UnsafeMutablePointer<z_stream>)
    case zstd(OpaquePointer)
  }

  private let machine: Machine
  private var output = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// Levels at which compression keeps up with a capture.
  private static let gzipLevel: CInt = 1
  private static let zstdLevel: CInt = 1

  /// Nil without compression, or if memory is short.
  init?(_ compression: SavefileCompression) {
    switch compression {
    case .none: return nil
    case .gzip:
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      unsafe stream.initialize(to: z_stream())
      // The window size is 2 to the 15; adding 16 selects the gzip header.
      let code = unsafe deflateInit2_(
        stream, Self.gzipLevel, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        CInt(MemoryLayout<z_stream>.size))
      guard code == Z_OK else {
        unsafe stream.deallocate()
        return nil
      }
      unsafe machine = .gzip(stream)
    case .zstd:
      guard let context = unsafe ZSTD_createCCtx() else { return nil }
      unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.zstdLevel)
      unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
      unsafe machine = .zstd(context)
    }
  }

  deinit {
    unsafe output.deallocate()
    switch machine {
    case .gzip(let stream):
      unsafe deflateEnd(stream)
      unsafe stream.deallocate()
    case .zstd(let context): unsafe ZSTD_freeCCtx(context)
    }
  }

  /// One member that contains `octets`, valid until the next call; nil if memory is short.
  @_lifetime(&self)
  mutating func member(_ octets: RawSpan) -> RawSpan? {
    let count = unsafe octets.withUnsafeBytes { source in
      switch machine {
      case .gzip(let stream): unsafe deflated(stream, source)
      case .zstd(let context): unsafe framed(context, source)
      }
    }
    guard let count else { return nil }
    // Safe: the first `count` bytes have been written, and they stay until self is changed.
    let span = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<count]))
    return unsafe _overrideLifetime(span, mutating: &self)
  }

  private mutating func reserve(_ length: Int) {
    guard unsafe output.count < length else { return }
    unsafe output.deallocate()
    unsafe output = .allocate(byteCount: length, alignment: 16)
  }

  private mutating func deflated(_ stream: UnsafeMutablePointer<z_stream>, _ source: UnsafeRawBufferPointer) -> Int? {
    guard unsafe deflateReset(stream) == Z_OK, let length = UInt32(exactly: source.count) else { return nil }
    unsafe reserve(Int(deflateBound(stream, UInt(length))))
    // Safe: zlib only reads from next_in, despite its type; both buffers are valid during the call.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))
    unsafe stream.pointee.avail_in = length
    unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe stream.pointee.avail_out = UInt32(clamping: output.count)
    guard unsafe deflate(stream, Z_FINISH) == Z_STREAM_END else { return nil }
    return unsafe Int(stream.pointee.total_out)
  }

  private mutating func framed(_ context: OpaquePointer, _ source: UnsafeRawBufferPointer) -> Int? {
    reserve(ZSTD_compressBound(source.count))
    let count = unsafe ZSTD_compress2(context, output.baseAddress, output.count, source.baseAddress, source.count)
    return ZSTD_isError(count) == 0 ? count : nil
  }
}
