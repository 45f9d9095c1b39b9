import Glibc

/// A map in the Linux kernel (bpf(2)), in which programs keep data between runs, and which other calls identify by its descriptor.
public struct KernelMap: ~Copyable {
  /// The kind of map; the raw value is that of `enum bpf_map_type`.
  public enum Kind: UInt32, Sendable, BitwiseCopyable {
    /// A hash table that accepts no new keys when it is full.
    case hash = 1
    case array = 2
    /// Programs that others can tail-call.
    case programArray = 3
    /// A hash table that drops the least recently used entries when it is full.
    case leastRecentlyUsedHash = 9
    /// Memory attached to each socket, and freed with it.
    case socketStorage = 24
    /// Records from the kernel for one reader, `KernelRingBuffer`.
    case ringBuffer = 27
  }

  /// Options for making a map (`BPF_F_…`).
  public struct Flags: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Memory is allocated on demand.
    public static let notPreallocated = Flags(rawValue: 1)
    /// An accepted socket starts with a copy of its listener's memory.
    public static let cloned = Flags(rawValue: 1 << 9)
    /// The values can be mapped into memory.
    public static let mappable = Flags(rawValue: 1 << 10)
  }

  /// The descriptor of the map. It is closed with this value; programs that use the map keep it alive.
  public let descriptor: CInt

  /// Makes a map with keys and values of these sizes in bytes; for a ring buffer `capacity` is the size in bytes, a power of two and a
  /// multiple of the page size. `types` describe the key and the value, for kinds that require it. Throws if the kernel refuses.
  public init(
    _ kind: Kind, keySize: Int = 0, valueSize: Int = 0, capacity: Int = 0, flags: Flags = [],
    types: KernelTypes? = nil
  ) throws(KernelError) {
    // map_type and key_size, value_size and max_entries, map_flags and inner_map_fd, numa_node, map_name, map_ifindex, btf_fd and
    // btf_key_type_id, btf_value_type_id.
    var attributes = [UInt64](repeating: 0, count: 9)
    attributes[0] = UInt64(kind.rawValue) | UInt64(UInt32(truncatingIfNeeded: keySize)) << 32
    attributes[1] =
      UInt64(UInt32(truncatingIfNeeded: valueSize)) | UInt64(UInt32(truncatingIfNeeded: capacity)) << 32
    attributes[2] = UInt64(flags.rawValue)
    if let types {
      attributes[6] = UInt64(UInt32(bitPattern: types.descriptor)) | UInt64(KernelTypes.key) << 32
      attributes[7] = UInt64(KernelTypes.value)
    }
    let result = SystemCall.bpf(.mapCreate, &attributes)
    guard result >= 0 else { throw KernelError("no map in the kernel", errno: errno) }
    descriptor = CInt(result)
  }

  deinit { close(descriptor) }

  /// Stores a value at a key, both in the kernel's byte layout; false if it refuses: errno says why.
  public func store(_ value: [UInt8], at key: [UInt8]) -> Bool {
    unsafe key.withUnsafeBytes { key in
      unsafe value.withUnsafeBytes { value in
        // map_fd, key, value, flags.
        var attributes = [
          UInt64(descriptor), UInt64(UInt(bitPattern: key.baseAddress)), UInt64(UInt(bitPattern: value.baseAddress)), 0,
        ]
        return SystemCall.bpf(.mapUpdateElement, &attributes) == 0
      }
    }
  }
}

/// Why an operation with bpf(2) or its maps failed.
public struct KernelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number of the error (errno).
  public let code: CInt
  private let what: String

  public init(_ what: String, errno code: CInt) {
    self.what = what
    self.code = code
  }

  public var description: String { "\(what): \(unsafe String(cString: strerror(code)))" }
}

/// Counters shared by programs and this process: the values of an array of 64-bit numbers, mapped into memory.
@safe public struct KernelCounters: ~Copyable {
  public let map: KernelMap
  private let base: UnsafeMutableRawPointer
  private let count: Int

  private static let pageSize = 4096

  /// Throws if the kernel does not make such a map, or if it cannot be mapped.
  public init(count: Int) throws(KernelError) {
    let map = try KernelMap(.array, keySize: 4, valueSize: 8, capacity: count, flags: .mappable)
    let size = Self.size(count)
    let address = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, map.descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw KernelError("counters cannot be mapped", errno: errno)
    }
    self.map = map
    unsafe base = address
    self.count = count
  }

  deinit { unsafe munmap(base, Self.size(count)) }

  private static func size(_ count: Int) -> Int { (count * 8 + pageSize - 1) / pageSize * pageSize }

  /// The counter with that number; 0 if there is none.
  public subscript(_ index: Int) -> UInt64 {
    guard index >= 0, index < count else { return 0 }
    // Safe: the mapping holds `count` numbers of 8 bytes.
    return unsafe base.load(fromByteOffset: index * 8, as: UInt64.self)
  }

  /// Sets the counter with that number, if there is one; programs see it from then on. Nothing else may write to the same counter.
  public func set(_ index: Int, to value: UInt64) {
    guard index >= 0, index < count else { return }
    // Safe: the mapping holds `count` numbers of 8 bytes.
    unsafe base.storeBytes(of: value, toByteOffset: index * 8, as: UInt64.self)
  }
}
