import CZlib
import CZstd
import Glibc
import PacketCore

/// Packs octets into members, each of which can be read on its own: gzip members (RFC 1952 section 2.2), or Zstandard frames with
/// a checksum (RFC 8878 section 3.1).
///
/// Members that follow each other are one file for every reader, so a file that ends after any of them is whole.
@safe
struct Compressor: ~Copyable {
  @safe private enum Machine {
    case gzip(UnsafeMutablePointer<z_stream>)
    case zstd(OpaquePointer)
  }

  private let machine: Machine
  private var output = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// Levels at which packing keeps up with a capture.
  private static let gzipLevel: CInt = 1
  private static let zstdLevel: CInt = 1

  /// Nil where there is not enough memory, or nothing to do.
  init?(_ compression: SavefileCompression) {
    switch compression {
    case .none: return nil
    case .gzip:
      let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
      unsafe stream.initialize(to: z_stream())
      // 16 more than the size of the window, 2 to the 15, asks for the header of gzip.
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

  /// One member that holds `octets`, valid until the next call; nil where there is not enough memory.
  @_lifetime(&self)
  mutating func member(_ octets: RawSpan) -> RawSpan? {
    let count = unsafe octets.withUnsafeBytes { source in
      switch machine {
      case .gzip(let stream): unsafe deflated(stream, source)
      case .zstd(let context): unsafe framed(context, source)
      }
    }
    guard let count else { return nil }
    // Safe: the first `count` octets have been written, and they stay until self is changed.
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
    // Safe: zlib only reads what next_in points to, whatever its type says; both areas live during the call.
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
