import Glibc

/// A user and the user's groups.
struct Account: Sendable, Equatable {
  let name: String
  let user: uid_t
  let group: gid_t
  let groups: [gid_t]

  /// The kernel's unprivileged user, with the same number in every distribution, and in no other group.
  static let nobody = Account(name: "nobody", user: 65534, group: 65534, groups: [65534])
  static let root = Account(name: "root", user: 0, group: 0, groups: [0])

  private init(name: String, user: uid_t, group: gid_t, groups: [gid_t]) {
    self.name = name
    self.user = user
    self.group = group
    self.groups = groups
  }

  /// The user of that name; nil if there is none.
  init?(name: String) {
    let found = unsafe Self.entry { entry, buffer, size, result in
      unsafe getpwnam_r(name, entry, buffer, size, result)
    }
    guard let found else { return nil }
    self = found
  }

  /// The user who owns a file; if that user has no entry, the group is the file's. Nil if there is no such file.
  init?(ownerOf path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    self.init(ownerOf: status)
  }

  /// The user who owns an open file.
  init?(ownerOf descriptor: CInt) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.init(ownerOf: status)
  }

  private init(ownerOf status: stat) {
    let owner = status.st_uid
    if owner == 0 {
      self = .root
    } else {
      self =
        unsafe Self.entry { entry, buffer, size, result in unsafe getpwuid_r(owner, entry, buffer, size, result) }
        ?? Account(name: String(owner), user: owner, group: status.st_gid, groups: [status.st_gid])
    }
  }

  /// The result of one of the functions of getpwnam_r(3).
  private static func entry(
    _ find: (
      UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
      UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> CInt
  ) -> Account? {
    var entry = unsafe passwd()
    var buffer = [CChar](repeating: 0, count: 1 << 14)
    return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      var result: UnsafeMutablePointer<passwd>?
      // Safe: the function fills no more than the buffer, which also contains the strings of the entry.
      guard let start = buffer.baseAddress, unsafe find(&entry, start, buffer.count, &result) == 0,
        unsafe result != nil,
        let name = unsafe entry.pw_name
      else { return nil }
      return Account(
        name: unsafe String(cString: name), user: unsafe entry.pw_uid, group: unsafe entry.pw_gid,
        groups: groups(unsafe String(cString: name), unsafe entry.pw_gid))
    }
  }

  /// The groups of a user, including the given one.
  private static func groups(_ name: String, _ group: gid_t) -> [gid_t] {
    var count: CInt = 64
    for _ in 0..<2 {
      var groups = [gid_t](repeating: 0, count: Int(count))
      // The count is set to the number of all groups, even if there was no room for them.
      if unsafe getgrouplist(name, group, &groups, &count) >= 0 { return Array(groups.prefix(Int(count))) }
    }
    return [group]
  }
}

extension Account {
  /// The user to become if the process was started as root: the first one who can read those files and create files in those folders. The
  /// owner of the folder is tried first, so that the files belong to that user.
  static func least(inputs: [String], writable: [SandboxPolicy.Folder]) -> Account {
    let owners =
      writable.prefix(1).compactMap { Account(ownerOf: $0.descriptor) }
      + inputs.prefix(1).compactMap { Account(ownerOf: $0) }
    let candidates = writable.isEmpty ? [.nobody] + owners : owners + [.nobody]
    return candidates.first { $0.can(read: inputs, write: writable) } ?? .root
  }

  /// True if this user may read all those files that exist, and create files in those folders. The process, which must have been started as
  /// root, temporarily becomes that user for this check.
  private func can(read: [String], write: [SandboxPolicy.Folder]) -> Bool {
    if read.isEmpty, write.isEmpty { return true }
    var former = [gid_t](repeating: 0, count: 1 << 16)
    let count = unsafe getgroups(CInt(former.count), &former)
    guard count >= 0 else { return false }
    let formerGroup = getegid()
    defer {
      seteuid(0)
      setegid(formerGroup)
      unsafe setgroups(Int(count), former)
    }
    guard unsafe setgroups(groups.count, groups) == 0, setegid(group) == 0, seteuid(user) == 0 else { return false }
    let canRead = read.allSatisfy { unsafe faccessat(AT_FDCWD, $0, R_OK, AT_EACCESS) == 0 || errno == ENOENT }
    return canRead && write.allSatisfy { unsafe faccessat($0.descriptor, ".", W_OK | X_OK, AT_EACCESS) == 0 }
  }
}
