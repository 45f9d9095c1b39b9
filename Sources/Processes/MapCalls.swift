/// Calls of map helpers in the syntax of `EBPFAssembler`: the result is in r0; r1 to r5 are overwritten. Keys and values are on the stack,
/// given by their offset from r10.
enum MapCalls {
  /// Sets r0 to the address of the value, or 0 if there is none.
  static func lookUp(_ map: CInt, key: Int) -> String {
    arguments(map, key) + "  call \(OwnershipPrograms.Helper.lookUp)\n"
  }

  /// Stores a value in the map, whether or not the key exists; r0 becomes 0 on success.
  static func update(_ map: CInt, key: Int, value: Int) -> String {
    arguments(map, key) + "  r3 = r10\n  r3 += \(value)\n  r4 = 0\n  call \(OwnershipPrograms.Helper.update)\n"
  }

  static func delete(_ map: CInt, key: Int) -> String {
    arguments(map, key) + "  call \(OwnershipPrograms.Helper.delete)\n"
  }

  private static func arguments(_ map: CInt, _ key: Int) -> String {
    "  r1 = map[fd:\(map)]\n  r2 = r10\n  r2 += \(key)\n"
  }
}
