/// Calls for maps, in the text of `EBPFAssembler`: r0 has the answer, r1 to r5 are lost. Keys and values lie on the stack, so many bytes from
/// r10 on.
enum MapCalls {
  /// r0 becomes the address of the value; 0 where there is none.
  static func lookUp(_ map: CInt, key: Int) -> String {
    arguments(map, key) + "  call \(OwnershipPrograms.Helper.lookUp)\n"
  }

  /// Puts a value into the map, whether there is one or not; r0 becomes 0 where that worked.
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
