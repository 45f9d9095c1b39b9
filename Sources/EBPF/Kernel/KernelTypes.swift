import Glibc

/// Type information that the kernel needs for a map (BTF, `BPF Type Format` in its documentation): the types of the map's key, a 32-bit
/// number, and of its value, an array of bytes.
public final class KernelTypes {
  let descriptor: CInt

  // The numbers of the types, in the order in which they are stored: from 1, since 0 is `void`.
  static let key: UInt32 = 1
  private static let byte: UInt32 = 2
  static let value: UInt32 = 3

  /// Throws if the kernel refuses.
  public init(valueSize: Int) throws(KernelError) {
    let octets = Self.octets(valueSize: valueSize)
    let result = unsafe octets.withUnsafeBytes { octets in
      // btf, btf_log_buf, btf_size and btf_log_size, btf_log_level.
      var attributes = [UInt64(UInt(bitPattern: octets.baseAddress)), 0, UInt64(octets.count), 0]
      return SystemCall.bpf(.typesLoad, &attributes)
    }
    guard result >= 0 else { throw KernelError("the kernel refuses the types of a map", errno: errno) }
    descriptor = CInt(result)
  }

  deinit { close(descriptor) }

  private static func octets(valueSize: Int) -> [UInt8] {
    let strings = Array("\0int\0byte\0".utf8)
    let signed: UInt32 = 1 << 24
    let types: [UInt32] = [
      // name, kind, size, and encoding with the number of bits.
      1, TypeKind.int.rawValue << 24, 4, signed | 32,
      5, TypeKind.int.rawValue << 24, 1, 8,
      // name, kind, nothing, then the element type, the index type, and the number of elements.
      0, TypeKind.array.rawValue << 24, 0, byte, key, UInt32(truncatingIfNeeded: valueSize),
    ]
    let typeSize = UInt32(types.count * 4)
    // magic, version and flags; then the header's length, and the positions of types and strings, counted from the end of the header.
    let header: [UInt32] = [0x0001_eb9f, 24, 0, typeSize, typeSize, UInt32(strings.count)]
    return (header + types).flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
      + strings
  }
}

/// The kinds of a type in BTF.
private enum TypeKind: UInt32 {
  case int = 1
  case pointer, array, structure, union, enumeration, forward, typedef, volatile, constant, restrict, function
  case prototype, variable, section, float, declarationTag, typeTag, enumeration64

  /// The number of bytes after the 12 of every type, given its number of members.
  func extra(_ members: Int) -> Int {
    switch self {
    case .int, .variable, .declarationTag: 4
    case .array: 12
    case .structure, .union, .section, .enumeration64: 12 * members
    case .enumeration, .prototype: 8 * members
    case .pointer, .forward, .typedef, .volatile, .constant, .restrict, .function, .float, .typeTag: 0
    }
  }
}

/// The types of the running kernel, as it describes them (/sys/kernel/btf/vmlinux).
public enum RunningKernelTypes {
  /// The numbers of the types that identify tracepoints when programs are attached, in the order of `names`; nil for each that the kernel
  /// does not have, and for all if it does not describe its types.
  public static func tracepoints(_ names: [String]) -> [UInt32?] {
    guard let octets = contents("/sys/kernel/btf/vmlinux") else { return names.map { _ in nil } }
    return numbers(ofTypedefs: names.map { "btf_trace_\($0)" }, in: octets)
  }

  /// The numbers of the `typedef`s with these names; nil for each that does not exist.
  static func numbers(ofTypedefs names: [String], in octets: [UInt8]) -> [UInt32?] {
    var numbers: [UInt32?] = names.map { _ in nil }
    func word(_ offset: Int) -> UInt32? {
      guard offset >= 0, offset <= octets.count - 4 else { return nil }
      return (0..<4).reduce(0) { $0 | UInt32(octets[offset + $1]) << UInt32(8 * $1) }
    }
    guard let magic = word(0), magic & 0xffff == 0xeb9f, let headerLength = word(4), let typeStart = word(8),
      let typeLength = word(12), let stringStart = word(16)
    else { return numbers }
    let wanted = names.map { Array($0.utf8) + [0] }
    let strings = Int(headerLength) + Int(stringStart)
    var position = Int(headerLength) + Int(typeStart)
    let end = position + Int(typeLength)
    var number: UInt32 = 0
    // Every iteration advances by twelve bytes or more.
    while position < end, let name = word(position), let info = word(position + 4) {
      number += 1
      guard let kind = TypeKind(rawValue: info >> 24 & 31) else { return numbers }
      if kind == .typedef {
        let start = strings + Int(name)
        for (index, text) in wanted.enumerated() where start <= octets.count - text.count {
          if octets[start..<start + text.count].elementsEqual(text) { numbers[index] = number }
        }
      }
      position += 12 + kind.extra(Int(info & 0xffff))
    }
    return numbers
  }

  private static func contents(_ path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var octets: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = unsafe read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return count == 0 ? octets : nil }
      octets += buffer[..<count]
    }
  }
}
