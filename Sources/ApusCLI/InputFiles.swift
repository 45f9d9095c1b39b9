import Glibc
import Savefile

/// The capture files to read. They are opened together, before anything is read from them and while the process still has its privileges,
/// and taken one by one.
final class InputFiles {
  /// The result of opening a file.
  private enum Opened {
    case file(InputFile)
    case failure(SavefileError)

    func get() throws(SavefileError) -> InputFile {
      switch self {
      case .file(let file): return file
      case .failure(let error): throw error
      }
    }
  }

  /// The results for files that have not been taken yet, in the order of the arguments, in which they are taken.
  private var opened: ArraySlice<(path: String, result: Opened)> = []
  /// Files beyond the number that can be open at once. Each is opened in its turn, as the user that the process has then.
  private(set) var deferred: [String] = []

  /// Regular files that were taken, to be read a second time: the first ones, if `keepsCopies` is set.
  private(set) var copies: [InputFile] = []
  /// The names of these copies.
  private var copied: Set<String> = []
  /// Keep copies of the descriptors of files that are taken.
  var keepsCopies = false

  /// The maximum number of copies.
  private static let maximumCopies = 64
  /// The maximum number of open files.
  private static let maximumOpen = 4096
  /// Descriptors reserved for everything else.
  private static let reserve = 256

  /// Opens the files, a FIFO without waiting for its writer. A failure is reported when the file's turn comes.
  func open(_ paths: [String], follows: Bool) {
    raiseLimit(paths.count)
    // A FIFO that is named twice has another writer each time, so the second one is opened later.
    var pipes: Set<String> = []
    var count = 0
    for (index, path) in paths.enumerated() {
      guard count < Self.maximumOpen else {
        deferred += paths[index...]
        return
      }
      guard !pipes.contains(path) else {
        deferred.append(path)
        continue
      }
      do throws(SavefileError) {
        let file = try InputFile(path: path, follows: follows)
        if !file.isRegular { pipes.insert(path) }
        opened.append((path, .file(file)))
        count += 1
      } catch {
        if error.kind == .system(EMFILE) || error.kind == .system(ENFILE) {
          deferred += paths[index...]
          return
        }
        opened.append((path, .failure(error)))
      }
    }
  }

  /// Hands the file of that name over to the caller. Throws if it could not be opened.
  func take(_ path: String) throws(SavefileError) -> InputFile {
    let file: InputFile
    if let place = opened.firstIndex(where: { $0.path == path }) {
      // Removing the first element of a slice does not move the others.
      file = try (place == opened.startIndex ? opened.removeFirst() : opened.remove(at: place)).result.get()
    } else {
      file = try InputFile(path: path)
    }
    if keepsCopies, copies.count < Self.maximumCopies, let copy = file.copy() {
      copies.append(copy)
      copied.insert(path)
    }
    return file
  }

  /// True if the file of that name was taken and can be read a second time.
  func hasCopy(of path: String) -> Bool { copied.contains(path) }

  /// The same file, without taking it; nil if it could not be opened.
  func look(at path: String) -> InputFile? {
    if let first = opened.first(where: { $0.path == path }) { return try? first.result.get() }
    return try? InputFile(path: path)
  }

  /// Why the file of that name could not be opened; nil if it was opened, or will be in its turn.
  func failure(of path: String) -> SavefileError? {
    guard case .failure(let error)? = opened.first(where: { $0.path == path })?.result else { return nil }
    return error
  }

  /// The first name that leads to the same regular file as `path`: writing to `path` would destroy it before it is read.
  func first(sameAs path: String, among paths: [String]) -> String? {
    var other = stat()
    guard unsafe stat(path, &other) == 0, other.st_mode & S_IFMT == S_IFREG else { return nil }
    return paths.first { look(at: $0)?.isSame(as: path) ?? false }
  }

  /// Raises the limit of open files as far as the system allows, if more than usual are needed.
  private func raiseLimit(_ count: Int) {
    var limit = rlimit()
    let wanted = rlim_t(min(count, Self.maximumOpen) + Self.reserve)
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0, limit.rlim_cur < wanted else { return }
    limit.rlim_cur = min(wanted, limit.rlim_max)
    unsafe setrlimit(resource, &limit)
  }
}
