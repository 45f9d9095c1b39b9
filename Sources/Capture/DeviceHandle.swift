import CPcap
import Glibc
import PacketCore

/// The owner of a libpcap handle of an interface.
@safe
struct DeviceHandle: ~Copyable {
  let device: String
  let libpcap: pcap_functions
  let pointer: OpaquePointer

  /// A handle that does not capture yet.
  init(_ device: String) throws(CaptureError) {
    let libpcap = try Libpcap.functions
    var errors = ErrorBuffer()
    let created = unsafe errors.with { buffer in unsafe libpcap.create(device, buffer) }
    guard let created = unsafe created else { throw CaptureError("\(device): \(errors.message)") }
    self.device = device
    self.libpcap = libpcap
    unsafe pointer = created
  }

  deinit { unsafe libpcap.close(pointer) }

  /// The handle's last error message; empty if there was no error.
  var lastError: String { unsafe libpcap.lastError(of: pointer) }

  /// Throws the error of a call's result; 0 and positive results mean success.
  func check(_ status: CInt) throws(CaptureError) {
    guard status < 0 else { return }
    switch status {
    case PCAP_ERROR_NO_SUCH_DEVICE:
      throw CaptureError(noSuchDevice: device)
    case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
      // An unprivileged process cannot open the interface, but any process can check whether it exists.
      if device != "any", unsafe if_nametoindex(device) == 0, errno == ENODEV {
        throw CaptureError(noSuchDevice: device)
      }
      throw CaptureError(missingPrivilege: device)
    case PCAP_ERROR_IFACE_NOT_UP:
      throw CaptureError("\(device): the interface is not up")
    default:
      let words = libpcap.words(for: status)
      let detail = lastError
      throw CaptureError("\(device): \(status == PCAP_ERROR && !detail.isEmpty ? detail : words)")
    }
  }

  /// A copy of a list that libpcap allocates; `fetch` is one of the functions that create such lists, `free` the matching one that frees
  /// them.
  func list(
    _ fetch: (OpaquePointer?, UnsafeMutablePointer<UnsafeMutablePointer<CInt>?>?) -> CInt,
    _ free: (UnsafeMutablePointer<CInt>?) -> Void
  ) throws(CaptureError) -> [CInt] {
    var values: UnsafeMutablePointer<CInt>?
    let count = unsafe fetch(pointer, &values)
    try check(count)
    defer { unsafe free(values) }
    guard let values = unsafe values else { return [] }
    // Safe: libpcap returns the number of elements.
    return unsafe Array(UnsafeBufferPointer(start: values, count: Int(count)))
  }
}
