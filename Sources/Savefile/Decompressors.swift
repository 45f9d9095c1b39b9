import CLZ4
import CZlib
import CZstd

/// gzip, by zlib.
@safe
final class GzipDecompressor: Decompressor {
  // zlib's state points back at the stream, which must not move.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let isReady: Bool
  private(set) var isComplete = false

  init() {
    unsafe stream.initialize(to: z_stream())
    // Adding 16 to the window size selects gzip's header and check value.
    isReady =
      unsafe inflateInit2_(stream, 16 + 15, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK
  }

  deinit {
    if isReady { unsafe inflateEnd(stream) }
    unsafe stream.deallocate()
  }

  func run(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int) {
    guard isReady else { throw DecompressionError(message: "gzip: out of memory") }
    if isComplete, input.count > 0 {
      // The next member begins.
      unsafe inflateReset(stream)
      isComplete = false
    }
    // Safe: zlib reads from next_in only during calls, while the buffers are valid.
    unsafe stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.bindMemory(to: UInt8.self).baseAddress)
    unsafe stream.pointee.avail_in = UInt32(clamping: input.count)
    unsafe stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
    unsafe stream.pointee.avail_out = UInt32(clamping: output.count)
    let status = unsafe inflate(stream, Z_NO_FLUSH)
    switch status {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isComplete = true
    default:
      let words = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
      throw DecompressionError(message: "gzip: \(words ?? "error \(status)")")
    }
    return unsafe (
      input.count - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out)
    )
  }
}

/// Zstandard, by libzstd.
@safe
final class ZstdDecompressor: Decompressor {
  private let context = unsafe ZSTD_createDStream()
  private(set) var isComplete = false

  deinit { unsafe ZSTD_freeDStream(context) }

  func run(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int) {
    guard unsafe context != nil else { throw DecompressionError(message: "zstd: out of memory") }
    // Safe: libzstd uses the buffers during the call only.
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = unsafe ZSTD_decompressStream(context, &target, &source)
    guard ZSTD_isError(result) == 0 else {
      throw DecompressionError(message: "zstd: \(unsafe String(cString: ZSTD_getErrorName(result)))")
    }
    // No input and no output: the previous frame has ended, and no other one begins.
    if unsafe source.pos > 0 || target.pos > 0 { isComplete = result == 0 }
    return unsafe (source.pos, target.pos)
  }
}

/// LZ4 frames, by liblz4.
@safe
final class LZ4Decompressor: Decompressor {
  private var context: OpaquePointer?
  private(set) var isComplete = false

  init() {
    let status = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
    if LZ4F_isError(status) != 0 { unsafe context = nil }
  }

  deinit { unsafe LZ4F_freeDecompressionContext(context) }

  func run(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int) {
    guard unsafe context != nil else { throw DecompressionError(message: "lz4: out of memory") }
    var (consumed, produced) = (input.count, output.count)
    // Safe: liblz4 uses the buffers during the call only.
    let result = unsafe LZ4F_decompress(
      context, output.baseAddress, &produced, input.baseAddress, &consumed, nil)
    guard LZ4F_isError(result) == 0 else {
      throw DecompressionError(message: "lz4: \(unsafe String(cString: LZ4F_getErrorName(result)))")
    }
    if consumed > 0 || produced > 0 { isComplete = result == 0 }
    return (consumed, produced)
  }
}
