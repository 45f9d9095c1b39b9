import CPcap
import Glibc

/// libpcap, which is loaded when it is first needed.
///
/// It brings half a dozen libraries with it (those of D-Bus and systemd, for example), which would be a quarter of the start of a run that
/// only reads a file or compiles a filter, and would be in the process that reads files of unknown origin. It has to be loaded before the
/// sandbox forbids to open files.
enum Libpcap {
  /// Its functions, named without `pcap_`. Throws if it cannot be loaded.
  static var functions: pcap_functions {
    get throws(CaptureError) {
      guard let functions = loaded.functions else {
        throw CaptureError("libpcap cannot be loaded: \(loaded.failure) (apt-get install libpcap0.8)")
      }
      return functions
    }
  }

  private static let loaded: (functions: pcap_functions?, failure: String) = unsafe withUnsafeTemporaryAllocation(
    of: pcap_functions.self, capacity: 1
  ) { buffer in
    // Safe: all fields have been set if pcap_load() returns true; they are trivial.
    if let address = buffer.baseAddress, unsafe pcap_load(address) { return (unsafe address.pointee, "") }
    return (nil, unsafe dlerror().map { unsafe String(cString: $0) } ?? "it lacks a function")
  }
}

extension pcap_functions {
  /// The words for a function's result.
  func words(for status: CInt) -> String { unsafe Self.text(statustostr(status)) }

  /// The last error message of a handle; empty if there was no error.
  func lastError(of handle: OpaquePointer) -> String { unsafe Self.text(geterr(handle)) }

  /// The version of libpcap, in its own words.
  var version: String { unsafe Self.text(lib_version()) }

  private static func text(_ start: UnsafePointer<CChar>?) -> String {
    unsafe start.map { unsafe String(cString: $0) } ?? ""
  }
}
